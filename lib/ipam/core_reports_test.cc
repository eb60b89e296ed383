// What the core tells the metrics: the kind of a report, and how long an address was free.
#include <catch2/catch.hpp>

#include "ipam/core.h"

namespace vpccni::ipam {
namespace {

using std::chrono::seconds;

const EniFacts kPrimary{.id = net::EniId("eni-1"), .primary = true};
const EniFacts kSecond{.id = net::EniId("eni-2"), .device = net::DeviceIndex(1)};

net::Cidr block(const std::string& text) {
  return net::Cidr::host(*net::Ip::parse(text));
}

/// A core whose disk works and whose pool stays as it is.
struct Driver {
  Driver() { core.on(Terminating{}, now); }

  std::vector<Effect> turn() {
    std::vector<Effect> all;
    for (bool wrote = true; wrote;) {
      wrote = false;
      for (auto& effect : core.take_effects(now)) {
        if (const auto* write = std::get_if<WriteCheckpoint>(&effect)) {
          core.on(CheckpointWritten{write->serial, std::nullopt}, now);
          wrote = true;
        }
        all.push_back(std::move(effect));
      }
    }
    return all;
  }

  ReplyAdd add(const std::string& container) {
    core.on(PodAdd{1, {"aws-cni", container, "eth0"}, {"default", container, 1}}, now);
    for (auto& effect : turn()) {
      if (auto* reply = std::get_if<ReplyAdd>(&effect)) {
        return *reply;
      }
    }
    FAIL("no reply");
    return {};
  }

  /// EC2's word, and what the core reports of it beside words.
  std::vector<Report> observe(std::vector<ObservedEni> enis) {
    now = now + seconds(61);
    std::optional<std::uint64_t> generation;
    for (const auto& effect : turn()) {
      if (const auto* asked = std::get_if<Observe>(&effect)) {
        generation = asked->generation;
      }
    }
    REQUIRE(generation);
    Observed observed;
    observed.generation = *generation;
    observed.enis = std::move(enis);
    core.on(std::move(observed), now);
    std::vector<Report> reports;
    for (const auto& effect : turn()) {
      const auto* report = std::get_if<Report>(&effect);
      if (report != nullptr && report->kind != Report::Kind::words_only) {
        reports.push_back(*report);
      }
    }
    return reports;
  }

  base::Instant now{base::SteadyTime(seconds(1000)), base::WallTime(seconds(1700000000))};
  Core core{CoreOptions{}, now};
};

}  // namespace

TEST_CASE("a report of reconcile says what it took away and from how many pods") {
  Driver driver;
  driver.core.on(EniReady{kPrimary, {block("10.0.0.20"), block("10.0.0.21")}}, driver.now);
  driver.core.on(EniReady{kSecond, {block("10.0.0.30")}}, driver.now);
  for (const auto* pod : {"a", "b"}) {
    REQUIRE(std::holds_alternative<Lease>(driver.add(pod).answer));
  }

  const auto grown =
      driver.observe({{kPrimary, {block("10.0.0.20"), block("10.0.0.21"), block("10.0.0.22")}},
                      {kSecond, {block("10.0.0.30")}}});
  REQUIRE(grown.size() == 1);
  CHECK(grown[0].kind == Report::Kind::block_added);

  const auto shrunk = driver.observe({{kPrimary, {block("10.0.0.20")}}});
  REQUIRE(shrunk.size() == 3);
  CHECK(shrunk[0].kind == Report::Kind::block_removed);
  CHECK(shrunk[1].kind == Report::Kind::block_removed);
  CHECK(shrunk[0].pods + shrunk[1].pods == 1);
  CHECK(shrunk[2].kind == Report::Kind::eni_removed);
  CHECK(shrunk[2].pods == 0);

  CHECK(driver.observe({{kSecond, {block("10.0.0.30")}}}).back().pods == 1);
}

TEST_CASE("a reply tells when its address was last free") {
  Driver driver;
  driver.core.on(EniReady{kPrimary, {block("10.0.0.20")}}, driver.now);
  CHECK(driver.add("a").released == base::WallTime{});
  const auto released = driver.now.wall;
  driver.core.on(PodDel{2, {"aws-cni", "a", "eth0"}}, driver.now);
  driver.turn();
  driver.now = driver.now + seconds(40);
  CHECK(driver.add("b").released == released);
  CHECK(driver.add("b").released == base::WallTime{});  // a repeat takes nothing
}

}  // namespace vpccni::ipam
