// Several network cards: which pool a pod's address comes from, and pods that have one of each.
#include "ipam/pools.h"

#include <catch2/catch.hpp>

namespace vpccni::ipam {
namespace {

using std::chrono::seconds;

net::Ip ip(const std::string& text) {
  return *net::Ip::parse(text);
}

/// A driver of several pools whose disks can fail one by one.
struct Node {
  explicit Node(std::size_t cards = 2) {
    std::vector<std::unique_ptr<Core>> cores;
    for (std::size_t card = 0; card < cards; ++card) {
      CoreOptions options;
      options.store.card = net::NetworkCard(static_cast<int>(card));
      options.targets = {.warm_enis = 0, .max_pods = 29};
      options.limits = {.enis = 1, .slots_per_eni = 9};
      options.provisioning = false;  // nobody performs its operations here
      cores.push_back(std::make_unique<Core>(options, now));
    }
    disk_errors.resize(cards);
    files.resize(cards);
    pools = std::make_unique<Pools>(std::move(cores));
  }
  void eni(std::size_t card, int addresses) {
    EniReady ready{{.id = net::EniId("eni-" + std::to_string(card)),
                    .primary = card == 0,
                    .table = net::TableId(static_cast<std::uint32_t>(10000 + card))},
                   {}};
    for (int i = 0; i < addresses; ++i) {
      ready.blocks.push_back(
          net::Cidr::host(ip("10.0." + std::to_string(card) + "." + std::to_string(20 + i))));
    }
    pools->on(card, ready, now);
    turn();
  }
  void turn() {
    for (;;) {
      auto turn = pools->take_effects(now);
      bool again = turn.again;
      for (auto& [pool, effect] : turn.effects) {
        if (const auto* write = std::get_if<WriteCheckpoint>(&effect)) {
          if (!disk_errors[pool]) {
            files[pool] = write->checkpoint;
          }
          pools->on(pool, CheckpointWritten{write->serial, disk_errors[pool]}, now);
          again = true;
        }
      }
      for (auto& reply : turn.replies) {
        replies.push_back(std::move(reply));
      }
      if (!again) {
        return;
      }
    }
  }
  static PodKey key(const std::string& name) { return {"aws-cni", name, "eth0"}; }
  /// The addresses; empty: `reason` says why.
  std::vector<std::string> add(const std::string& name, bool everywhere) {
    replies.clear();
    pools->add({7, key(name), {"default", name, 1}}, everywhere, now);
    turn();
    REQUIRE(replies.size() == 1);
    const auto& done = std::get<PodAdded>(replies.front());
    CHECK(done.token == 7);
    std::vector<std::string> out;
    if (const auto* why = std::get_if<AddFailure>(&done.answer)) {
      reason = why->reason;
      detail = why->detail;
    } else {
      for (const auto& lease : std::get<std::vector<Lease>>(done.answer)) {
        out.push_back(to_string(lease.address));
      }
    }
    return out;
  }
  Result<std::size_t> del(const std::string& name) {
    replies.clear();
    pools->del({8, key(name), {}}, now);
    turn();
    REQUIRE(replies.size() == 1);
    const auto& done = std::get<PodDeleted>(replies.front());
    CHECK(done.token == 8);
    return done.answer ? Result<std::size_t>(done.answer->size()) : done.answer.error();
  }
  std::size_t assigned(std::size_t card) const {
    return pools->at(card).store().assignments().size();
  }

  base::Instant now{base::SteadyTime(seconds(1000)), base::WallTime(seconds(1700000000))};
  std::unique_ptr<Pools> pools;
  std::vector<std::optional<Error>> disk_errors;
  std::vector<std::string> files;
  std::vector<std::variant<PodAdded, PodDeleted>> replies;
  std::string reason;
  std::string detail;
};

}  // namespace

TEST_CASE("pools: an ordinary pod has one address, of the first card that has one") {
  Node node;
  node.eni(0, 1);
  node.eni(1, 2);
  CHECK(node.add("a", false) == std::vector<std::string>{"10.0.0.20"});
  CHECK(node.add("b", false) == std::vector<std::string>{"10.0.1.20"});
  // The address of a repeat is where it was, also when an earlier card has one by now (Q33).
  REQUIRE(node.del("a"));
  node.now.wall += seconds(60);
  node.now.steady += seconds(60);
  CHECK(node.add("b", false) == std::vector<std::string>{"10.0.1.20"});
  CHECK(node.assigned(0) == 0);
  CHECK(*node.del("b") == 1);
  CHECK(node.assigned(1) == 0);
}

TEST_CASE("pools: a multi-NIC pod has one address of each card, durable in each checkpoint") {
  Node node(3);
  for (std::size_t card = 0; card < 3; ++card) {
    node.eni(card, 2);
  }
  CHECK(node.add("a", true) == std::vector<std::string>{"10.0.0.20", "10.0.1.20", "10.0.2.20"});
  for (const auto& file : node.files) {
    CHECK(file.find("\"interfacesCount\":3") != std::string::npos);
  }
  CHECK(node.add("a", true).size() == 3);  // a repeat
  CHECK(node.assigned(2) == 1);
  const auto held = node.pools->assignments();
  REQUIRE(held.size() == 3);
  CHECK(held[2].interface == 2);
  CHECK(held[2].lease.table == net::TableId(10002));
  CHECK(*node.del("a") == 3);
  CHECK_FALSE(node.del("a"));
  CHECK(node.replies.size() == 1);
}

TEST_CASE("pools: when one card has none, none is kept (Q22), and the card is named") {
  Node node;
  node.eni(0, 2);
  node.eni(1, 0);
  CHECK(node.add("a", true).empty());
  CHECK(node.reason == "POOL_EMPTY_GROWING");
  CHECK(node.detail.find("network card 1: ") == 0);
  CHECK(node.assigned(0) == 0);
  CHECK(node.files[0].find("10.0.0.20") == std::string::npos);
  // An ADD with no free address anywhere fails, whatever the cards' numbers (Q17).
  node.eni(1, 0);
  CHECK(node.add("b", false).size() == 1);
  CHECK(node.add("c", false).empty());
}

TEST_CASE("pools: a repeated ADD that one card refuses takes nothing from the pod") {
  Node node;
  node.eni(0, 2);
  node.eni(1, 2);
  REQUIRE(node.add("a", true).size() == 2);
  // EC2 no longer lists card 1's address: the pod's is in quarantine there.
  node.now.steady += seconds(120);
  node.now.wall += seconds(120);
  for (int i = 0; i < 3; ++i) {
    auto turn = node.pools->take_effects(node.now);
    for (auto& [pool, effect] : turn.effects) {
      if (const auto* look = std::get_if<Observe>(&effect); look != nullptr && pool == 1) {
        Observed seen;
        seen.generation = look->generation;
        seen.enis = std::vector<ObservedEni>{
            {{.id = net::EniId("eni-1"), .table = net::TableId(10001)}, {}}};
        node.pools->on(1, seen, node.now);
      }
    }
  }
  node.turn();
  REQUIRE(node.pools->at(1).store().quarantined().size() == 1);
  CHECK(node.add("a", true).empty());
  CHECK(node.reason == "QUARANTINED_ONLY");
  CHECK(node.assigned(0) == 1);
  CHECK(node.assigned(1) == 1);
}

TEST_CASE("pools: one checkpoint that cannot be written fails the whole ADD") {
  Node node;
  node.eni(0, 2);
  node.eni(1, 2);
  node.disk_errors[1] = Error{Errc::exhausted, "disk full", "ENOSPC"};
  CHECK(node.add("a", true).empty());
  CHECK(node.reason == "CHECKPOINT_WRITE");
  CHECK(node.assigned(0) == 0);
  CHECK(node.assigned(1) == 0);
  node.disk_errors[1].reset();
  node.now.steady += seconds(5);
  REQUIRE(node.add("a", true).size() == 2);
  node.disk_errors[1] = Error{Errc::exhausted, "disk full", "ENOSPC"};
  const auto failed = node.del("a");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == Errc::exhausted);
  CHECK(node.assigned(1) == 1);
  node.disk_errors[1].reset();
  node.now.steady += seconds(5);
  CHECK(*node.del("a") == 1);  // what was left
}

TEST_CASE("pools: an unknown pod is unknown once, whatever the number of cards") {
  Node node(3);
  node.eni(0, 1);
  const auto unknown = node.del("nobody");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message == "datastore: unknown pod");
}

}  // namespace vpccni::ipam
