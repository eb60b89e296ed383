#include "ipam/core.h"

#include <catch2/catch.hpp>

namespace vpccni::ipam {
namespace {

using std::chrono::seconds;

net::Ip ip(const std::string& text) {
  return *net::Ip::parse(text);
}

net::Cidr host(const std::string& text) {
  return net::Cidr::host(ip(text));
}

/// Plays the driver: a clock, a disk that can fail, and the effects of the last batch.
struct Driver {
  explicit Driver(CoreOptions options = default_options()) : core(options, now) {}

  static CoreOptions default_options() {
    CoreOptions options;
    options.targets = {.warm_enis = 0, .warm_ips = 0, .minimum_ips = 0, .max_pods = 29};
    options.limits = {.enis = 3, .slots_per_eni = 9};
    return options;
  }

  std::vector<Effect> turn() {
    std::vector<Effect> all;
    for (;;) {
      bool wrote = false;
      for (auto& effect : core.take_effects(now)) {
        if (const auto* write = std::get_if<WriteCheckpoint>(&effect)) {
          wrote = true;
          ++writes;
          if (!disk_error) {
            file = write->checkpoint;
          }
          core.on(CheckpointWritten{write->serial, disk_error}, now);
        }
        all.push_back(std::move(effect));
      }
      if (!wrote) {
        return all;
      }
    }
  }

  void primary(int addresses) {
    EniReady ready{{.id = net::EniId("eni-1"), .primary = true, .primary_ip = ip("10.0.0.5")}, {}};
    for (int i = 0; i < addresses; ++i) {
      ready.blocks.push_back(host("10.0.0." + std::to_string(20 + i)));
    }
    core.on(ready, now);
    turn();
  }

  template <class T>
  static const T* only(const std::vector<Effect>& effects) {
    const T* found = nullptr;
    for (const auto& effect : effects) {
      if (const auto* one = std::get_if<T>(&effect)) {
        REQUIRE(found == nullptr);
        found = one;
      }
    }
    return found;
  }

  std::optional<Lease> add(const std::string& container) {
    core.on(PodAdd{++token, {"aws-cni", container, "eth0"}, {"default", container, 1}}, now);
    const auto effects = turn();
    const auto* reply = only<ReplyAdd>(effects);
    REQUIRE(reply != nullptr);
    if (const auto* failure = std::get_if<AddFailure>(&reply->answer)) {
      reason = failure->reason;
      return std::nullopt;
    }
    return std::get<Lease>(reply->answer);
  }

  bool del(const std::string& container, const std::string& veth = {}) {
    core.on(PodDel{++token, {"aws-cni", container, "eth0"}, {veth}}, now);
    const auto effects = turn();
    const auto* reply = only<ReplyDel>(effects);
    REQUIRE(reply != nullptr);
    return reply->answer.has_value();
  }

  base::Instant now{base::SteadyTime(seconds(1000)), base::WallTime(seconds(1700000000))};
  Core core;
  std::optional<Error> disk_error;
  std::string file;
  std::string reason;
  int writes = 0;
  Token token = 0;
};

}  // namespace

TEST_CASE("an ADD is answered after its checkpoint, a repeated one with the same address") {
  Driver driver;
  driver.primary(2);
  const auto first = driver.add("a");
  REQUIRE(first);
  CHECK(driver.file.find(R"("containerID":"a")") != std::string::npos);
  CHECK(driver.add("a") == first);
  CHECK(driver.core.store().stats(driver.now.wall).assigned == 1);
}

TEST_CASE("no reply leaves in the batch that asks for the write") {
  Driver driver;
  driver.primary(2);
  driver.core.on(PodAdd{7, {"aws-cni", "a", "eth0"}, {"default", "a", 1}}, driver.now);
  const auto effects = driver.core.take_effects(driver.now);
  CHECK(Driver::only<WriteCheckpoint>(effects) != nullptr);
  CHECK(Driver::only<ReplyAdd>(effects) == nullptr);
}

TEST_CASE("a batch is one write") {
  Driver driver;
  driver.primary(5);
  const int before = driver.writes;
  for (Token t = 1; t <= 4; ++t) {
    driver.core.on(PodAdd{t, {"aws-cni", std::to_string(t), "eth0"}, {"d", "p", 1}}, driver.now);
  }
  driver.turn();
  CHECK(driver.writes == before + 1);
}

TEST_CASE("a failed write takes back what the batch did") {
  Driver driver;
  driver.primary(2);
  const auto kept = driver.add("kept");
  REQUIRE(kept);
  driver.disk_error = Error{Errc::exhausted, "write ipam.json: No space left on device", "ENOSPC"};
  CHECK_FALSE(driver.add("a"));
  CHECK(driver.reason == "CHECKPOINT_WRITE");
  CHECK_FALSE(driver.del("kept"));
  CHECK(driver.core.store().stats(driver.now.wall).assigned == 1);
  driver.disk_error.reset();
  driver.now = driver.now + seconds(3);
  const auto next = driver.add("a");
  REQUIRE(next);
  CHECK(next->address != kept->address);
}

TEST_CASE("a released address cools down, then comes back") {
  Driver driver;
  driver.primary(1);
  const auto lease = driver.add("a");
  REQUIRE(lease);
  REQUIRE(driver.del("a"));
  CHECK_FALSE(driver.add("b"));
  CHECK(driver.reason == "POOL_COOLING");
  driver.now = driver.now + seconds(30);
  CHECK_FALSE(driver.add("b"));  // upstream: cooling while now - released <= period
  driver.now = driver.now + seconds(1);
  const auto again = driver.add("b");
  REQUIRE(again);
  CHECK(again->address == lease->address);
}

TEST_CASE("deleting an unknown pod says so in upstream's words") {
  Driver driver;
  driver.primary(1);
  driver.core.on(PodDel{1, {"aws-cni", "x", "eth0"}, {}}, driver.now);
  const auto effects = driver.turn();
  const auto* reply = Driver::only<ReplyDel>(effects);
  REQUIRE(reply != nullptr);
  CHECK(reply->answer.error().message.find("datastore: unknown pod") != std::string::npos);
}

TEST_CASE("restore keeps the living, drops the dead, quarantines what EC2 does not list") {
  Driver driver;
  driver.primary(3);
  const std::vector<Assignment> checkpoint = {
      {{"aws-cni", "live", "eth0"}, {"d", "live", 1}, ip("10.0.0.20"), {}},
      {{"aws-cni", "dead", "eth0"}, {"d", "dead", 1}, ip("10.0.0.21"), {}},
      {{"aws-cni", "lost", "eth0"}, {"d", "lost", 1}, ip("10.0.9.9"), {}}};
  const auto report = driver.core.restore(
      checkpoint, {{ip("10.0.0.22"), "enideadbeef"}}, {},
      [](const Assignment& one) { return one.pod.name != "dead"; }, driver.now);
  CHECK(report.dropped.size() == 1);
  CHECK(report.quarantined.size() == 1);
  CHECK(report.recovered.size() == 1);
  driver.turn();
  CHECK(driver.file.find("10.0.9.9") != std::string::npos);  // never dropped
  CHECK_FALSE(driver.add("new"));                            // .21 cools, the rest is held
  CHECK(driver.del("old-sandbox", "enideadbeef"));           // found by its veth

  // The ENI that owns the quarantined address appears: the pod is adopted.
  driver.core.on(EniReady{{.id = net::EniId("eni-2"), .device = net::DeviceIndex(1)},
                          {host("10.0.9.9"), host("10.0.9.10")}},
                 driver.now);
  driver.turn();
  CHECK(driver.core.store().quarantined().empty());
  const auto lease = driver.core.store().find({"aws-cni", "lost", "eth0"});
  REQUIRE(lease);
  CHECK(lease->eni == net::EniId("eni-2"));
}

TEST_CASE("a young entry without a link is given time, and ends if none came") {
  Driver driver;
  driver.primary(4);
  const auto since = driver.now.wall - seconds(10);
  const std::vector<Assignment> checkpoint = {
      {{"aws-cni", "wired", "eth0"}, {"d", "wired", 1}, ip("10.0.0.20"), since},
      {{"aws-cni", "gone", "eth0"}, {"d", "gone", 1}, ip("10.0.0.21"), since},
      {{"aws-cni", "again", "eth0"}, {"d", "again", 1}, ip("10.0.0.22"), since}};
  const auto report = driver.core.restore(
      checkpoint, {}, {}, [](const Assignment&) { return false; }, driver.now);
  CHECK(report.dropped.empty());
  driver.turn();
  CHECK(driver.core.store().assignments().size() == 3);
  driver.add("again");  // the runtime repeats its ADD: it will be wired after the kernel was read

  driver.now = driver.now + kObservePeriod;
  const auto effects = driver.turn();
  const auto* asked = Driver::only<Observe>(effects);
  REQUIRE(asked != nullptr);
  const ObservedEni seen{
      {.id = net::EniId("eni-1"), .primary = true},
      {host("10.0.0.20"), host("10.0.0.21"), host("10.0.0.22"), host("10.0.0.23")}};
  driver.core.on(Observed{.generation = asked->generation,
                          .enis = std::vector{seen},
                          .pod_routes = {ip("10.0.0.20")}},
                 driver.now);
  driver.turn();
  CHECK(driver.core.store().find({"aws-cni", "wired", "eth0"}));
  CHECK(driver.core.store().find({"aws-cni", "again", "eth0"}));
  CHECK_FALSE(driver.core.store().find({"aws-cni", "gone", "eth0"}));
  const auto cooling = driver.core.store().cooling(driver.now.wall);
  REQUIRE(cooling.size() == 1);
  CHECK(cooling[0].first == ip("10.0.0.21"));
}

TEST_CASE("an address released in the future, by a wrong clock, cools no longer than any other") {
  Driver driver;
  driver.primary(1);
  driver.core.restore(
      {}, {}, {.cooling = {{ip("10.0.0.20"), driver.now.wall + std::chrono::hours(24)}}},
      [](const Assignment&) { return true; }, driver.now);
  CHECK_FALSE(driver.add("early"));
  driver.now = driver.now + seconds(31);
  CHECK(driver.add("late"));
}

TEST_CASE("a stale view changes nothing; a fresh one takes away only what no pod uses") {
  Driver driver;
  driver.primary(2);
  const auto lease = driver.add("a");
  REQUIRE(lease);
  driver.now = driver.now + seconds(61);
  const auto effects = driver.turn();
  const auto* observe = Driver::only<Observe>(effects);
  REQUIRE(observe != nullptr);
  const ObservedEni bare{{.id = net::EniId("eni-1"), .primary = true}, {}};

  driver.core.on(Observed{observe->generation - 1, std::vector{bare}}, driver.now);
  CHECK(driver.core.store().stats(driver.now.wall).total == 2);

  driver.now = driver.now + seconds(2);
  const auto again = driver.turn();
  REQUIRE(Driver::only<Observe>(again) != nullptr);
  driver.core.on(Observed{Driver::only<Observe>(again)->generation, std::vector{bare}}, driver.now);
  driver.turn();
  CHECK(driver.core.store().stats(driver.now.wall).total == 0);
  CHECK(driver.core.store().quarantined().size() == 1);
  CHECK(driver.file.find("\"a\"") != std::string::npos);
}

TEST_CASE("an empty or failed view is no evidence") {
  Driver driver;
  driver.primary(2);
  driver.now = driver.now + seconds(61);
  const auto effects = driver.turn();
  const auto generation = Driver::only<Observe>(effects)->generation;
  driver.core.on(Observed{generation, std::vector<ObservedEni>{}}, driver.now);
  driver.turn();
  CHECK(driver.core.store().stats(driver.now.wall).total == 2);
}

TEST_CASE("a failed operation is followed by a look at EC2 and a pause") {
  Driver driver;
  driver.primary(0);
  driver.core.on(Tick{}, driver.now);
  // The first batch after the ENI came already started an assignment.
  driver.core.on(OperationDone{1, Error{Errc::exhausted, "assign: no addresses",
                                        "InsufficientFreeAddressesInSubnet"}},
                 driver.now);
  const auto effects = driver.turn();
  CHECK(Driver::only<Observe>(effects) != nullptr);
  CHECK(Driver::only<Execute>(effects) == nullptr);
  CHECK_FALSE(driver.add("a"));
  CHECK(driver.reason == "SUBNET_EXHAUSTED");
  driver.now = driver.now + seconds(100);
  CHECK(Driver::only<Execute>(driver.turn()) == nullptr);  // 120 s pause
}

TEST_CASE("a start without EC2 gives nothing out, says why, and asks again soon") {
  Driver driver;
  EniReady ready{{.id = net::EniId("eni-1"), .primary = true, .primary_ip = ip("10.0.0.5")},
                 {host("10.0.0.20"), host("10.0.0.21")},
                 false};
  driver.core.on(ready, driver.now);
  driver.core.on(StartedBlind{{Errc::denied, "ec2: no", "UnauthorizedOperation"}}, driver.now);
  driver.turn();
  CHECK_FALSE(driver.add("a"));
  CHECK(driver.reason == "EC2_DENIED");

  driver.now = driver.now + seconds(3);
  const auto effects = driver.turn();
  const auto* look = Driver::only<Observe>(effects);
  REQUIRE(look != nullptr);
  CHECK(look->ask_ec2);
  const ObservedEni seen{ready.facts, ready.blocks};
  driver.core.on(Observed{.generation = look->generation, .enis = std::vector{seen}}, driver.now);
  CHECK(driver.add("a"));
}

TEST_CASE("what IMDS alone names is kept and not given out once it is unlisted") {
  Driver driver;
  driver.primary(2);
  REQUIRE(driver.add("a"));
  driver.now = driver.now + seconds(61);
  const auto effects = driver.turn();
  const ObservedEni bare{{.id = net::EniId("eni-1"), .primary = true}, {}};
  driver.core.on(Observed{.generation = Driver::only<Observe>(effects)->generation,
                          .enis = std::vector{bare},
                          .by_ec2 = false},
                 driver.now);
  driver.turn();
  CHECK(driver.core.store().stats(driver.now.wall).total == 2);
  CHECK(driver.core.store().find({"aws-cni", "a", "eth0"}));
  CHECK_FALSE(driver.add("b"));
}

TEST_CASE("a start does not give out what the run before gave back to EC2 a moment ago") {
  Driver driver;
  driver.primary(2);
  driver.core.restore(
      {}, {}, {.unassigned = {{host("10.0.0.20"), driver.now.wall - seconds(5)}}},
      [](const Assignment&) { return true; }, driver.now);
  driver.turn();
  CHECK(driver.add("a")->address == ip("10.0.0.21"));
  CHECK_FALSE(driver.add("b"));
}

TEST_CASE(
    "an ENI that only reconcile could set up does not bring back what was given back either") {
  Driver driver;
  driver.core.restore(
      {}, {}, {.unassigned = {{host("10.0.0.20"), driver.now.wall - seconds(5)}}},
      [](const Assignment&) { return true; }, driver.now);
  driver.primary(2);
  CHECK(driver.add("a")->address == ip("10.0.0.21"));
  CHECK_FALSE(driver.add("b"));
}

TEST_CASE("an ADD waits for addresses that are on their way, and no longer than its patience") {
  auto options = Driver::default_options();
  options.patience = seconds(10);
  Driver driver(options);
  driver.core.on(EniReady{{.id = net::EniId("eni-1"), .primary = true}, {}}, driver.now);
  const auto first = driver.turn();
  const auto* execute = Driver::only<Execute>(first);
  REQUIRE(execute != nullptr);  // an assignment is under way
  driver.core.on(PodAdd{1, {"aws-cni", "a", "eth0"}, {"default", "a", 1}}, driver.now);
  driver.core.on(PodAdd{2, {"aws-cni", "b", "eth0"}, {"default", "b", 1}}, driver.now);
  CHECK(Driver::only<ReplyAdd>(driver.turn()) == nullptr);
  driver.now = driver.now + seconds(1);
  driver.core.on(
      OperationDone{execute->id, Outcome(Grown{net::EniId("eni-1"), {host("10.0.0.20")}})},
      driver.now);
  const auto served = driver.turn();
  const auto* reply = Driver::only<ReplyAdd>(served);
  REQUIRE(reply != nullptr);
  CHECK(reply->token == 1);
  CHECK(std::holds_alternative<Lease>(reply->answer));
  driver.now = driver.now + seconds(9);
  const auto given_up = driver.turn();
  REQUIRE(Driver::only<ReplyAdd>(given_up) != nullptr);
  CHECK(Driver::only<ReplyAdd>(given_up)->token == 2);
}

}  // namespace vpccni::ipam
