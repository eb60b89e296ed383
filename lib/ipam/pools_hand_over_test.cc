// Pods that only the kernel showed, while nobody could tell which card their address is on.
#include <catch2/catch.hpp>

#include "ipam/pools.h"

namespace vpccni::ipam {
namespace {

using std::chrono::seconds;

const base::Instant kNow{base::SteadyTime(seconds(1000)), base::WallTime(seconds(1700000000))};

net::Ip ip(const std::string& text) {
  return *net::Ip::parse(text);
}

Pools two_cards() {
  std::vector<std::unique_ptr<Core>> cores;
  for (int card = 0; card < 2; ++card) {
    CoreOptions options;
    options.store.card = net::NetworkCard(card);
    options.targets = {.warm_enis = 0, .max_pods = 29};
    options.limits = {.enis = 1, .slots_per_eni = 9};
    options.provisioning = false;
    cores.push_back(std::make_unique<Core>(options, kNow));
  }
  return Pools(std::move(cores));
}

EniReady eni(const std::string& id, const std::vector<std::string>& addresses) {
  EniReady ready{{.id = net::EniId(id), .table = net::TableId(10101)}, {}};
  for (const auto& address : addresses) {
    ready.blocks.push_back(net::Cidr::host(ip(address)));
  }
  return ready;
}

/// A pod with two links, both put to card 0 by a start that saw no ENI.
void recover(Pools& pools) {
  (void)pools.first().restore(
      {}, {{ip("10.0.0.20"), "eni0/a"}, {ip("10.0.1.20"), "eni1/a"}}, {},
      [](const auto&) { return true; }, kNow);
  REQUIRE(pools.first().store().quarantined().size() == 2);
}

/// All checkpoints can be written.
std::vector<std::variant<PodAdded, PodDeleted>> turn(Pools& pools) {
  std::vector<std::variant<PodAdded, PodDeleted>> replies;
  for (bool again = true; again;) {
    auto turn = pools.take_effects(kNow);
    again = turn.again;
    for (const auto& [pool, effect] : turn.effects) {
      if (const auto* write = std::get_if<WriteCheckpoint>(&effect)) {
        pools.on(pool, CheckpointWritten{write->serial, std::nullopt}, kNow);
        again = true;
      }
    }
    replies.insert(replies.end(), turn.replies.begin(), turn.replies.end());
  }
  return replies;
}

TEST_CASE("pools: a quarantined address goes to the card whose block covers it") {
  auto pools = two_cards();
  recover(pools);
  pools.on(1, eni("eni-1", {"10.0.1.20"}), kNow);
  CHECK(pools.first().store().quarantined().size() == 1);
  CHECK(pools.at(1).store().find(recovered_key("eni1/a"))->eni == net::EniId("eni-1"));
  // So no other pod gets it.
  pools.add({1, {"aws-cni", "b", "eth0"}, {"default", "b", 1}}, false, kNow);
  const auto replies = turn(pools);
  REQUIRE(replies.size() == 1);
  CHECK(std::holds_alternative<AddFailure>(std::get<PodAdded>(replies.front()).answer));
}

TEST_CASE("pools: an address that another pod holds by then stays in quarantine") {
  auto pools = two_cards();
  pools.on(1, eni("eni-1", {"10.0.1.20"}), kNow);
  pools.add({1, {"aws-cni", "b", "eth0"}, {"default", "b", 1}}, false, kNow);
  REQUIRE(turn(pools).size() == 1);
  recover(pools);
  pools.hand_over(kNow);
  CHECK(pools.first().store().quarantined().size() == 2);
}

TEST_CASE("pools: a DEL frees each link of a pod that only the kernel knew") {
  auto pools = two_cards();
  recover(pools);
  const PodDel del{5, {"aws-cni", "a", "eth0"}, {"eni0/a", "eni0", "eni1/a", "eni1"}};
  CHECK(pools.held_by(del).size() == 2);
  pools.del(del, kNow);
  const auto replies = turn(pools);
  REQUIRE(replies.size() == 1);
  CHECK(std::get<PodDeleted>(replies.front()).answer->size() == 2);
  CHECK(pools.quarantined().empty());
  // Wherever their blocks show up, they cool.
  pools.on(1, eni("eni-1", {"10.0.1.20"}), kNow);
  CHECK(pools.at(1).store().stats(kNow.wall).ready() == 0);
}

TEST_CASE("pools: another card without any ENI is no reason not to believe EC2") {
  auto pools = two_cards();
  for (std::size_t pool = 0; pool < 2; ++pool) {
    pools.on(pool, StartedBlind{Error{Errc::unavailable, "no answer"}}, kNow);
  }
  const auto later = kNow + seconds(200);
  for (auto& [pool, effect] : pools.take_effects(later).effects) {
    if (const auto* look = std::get_if<Observe>(&effect)) {
      Observed seen;
      seen.generation = look->generation;
      seen.enis = std::vector<ObservedEni>();
      pools.on(pool, seen, later);
    }
  }
  (void)pools.take_effects(later);
  CHECK(pools.at(0).plan().because == "EC2 has not answered since the start");
  CHECK(pools.at(1).plan().because != "EC2 has not answered since the start");
}

TEST_CASE("pools: what stays in quarantine is not given out by the card that has its block") {
  auto pools = two_cards();
  const PodKey key{"aws-cni", "a", "eth0"};
  const auto alive = [](const auto&) { return true; };
  // Somebody has moved an address of the pod's from one card to the other.
  (void)pools.first().restore({{key, {"default", "a", 2}, ip("10.0.1.20"), kNow.wall}}, {}, {},
                              alive, kNow);
  (void)pools.at(1).restore({{key, {"default", "a", 2}, ip("10.0.1.21"), kNow.wall}}, {}, {}, alive,
                            kNow);
  pools.on(1, eni("eni-1", {"10.0.1.20", "10.0.1.21"}), kNow);
  auto later = kNow;
  later.steady += seconds(3600);
  later.wall += seconds(3600);
  pools.add({1, {"aws-cni", "b", "eth0"}, {"default", "b", 1}}, false, later);
  const auto replies = turn(pools);
  REQUIRE(replies.size() == 1);
  CHECK(std::holds_alternative<AddFailure>(std::get<PodAdded>(replies.front()).answer));
  // Its DEL frees both.
  pools.del({5, key, {}}, later);
  const auto freed = turn(pools);
  REQUIRE(freed.size() == 1);
  CHECK(std::get<PodDeleted>(freed.front()).answer->size() == 2);
}

}  // namespace
}  // namespace vpccni::ipam
