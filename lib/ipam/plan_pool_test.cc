// The rows of spec agent.md 4.2.1 (m5.large: 3 ENIs, 9 secondary addresses each, max pods 29), and
// the properties that every plan has.
#include "ipam/plan_pool.h"

#include <catch2/catch.hpp>
#include <random>

namespace vpccni::ipam {
namespace {

using std::chrono::seconds;

constexpr Limits kM5Large{.enis = 3, .slots_per_eni = 9};
const base::Instant kNow{base::SteadyTime(seconds(10000)), base::WallTime(seconds(1700000000))};

Stats stats(int total, int assigned) {
  return {.total = total, .assigned = assigned};
}

/// A store with ENIs of the given sizes, the first is primary; the first `assigned` addresses are
/// held by pods.
DataStore store_of(const std::vector<int>& sizes, int assigned,
                   base::Duration age = std::chrono::hours(1)) {
  DataStore store({net::NetworkCard(0), false, seconds(30)});
  const base::Instant then{kNow.steady - age, kNow.wall - age};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const net::EniId id("eni-" + std::to_string(i));
    REQUIRE(store.add_eni(
        {.id = id, .primary = i == 0, .device = net::DeviceIndex(static_cast<int>(i))}, then));
    for (int n = 0; n < sizes[i]; ++n) {
      const auto ip = net::Ip::v4(0x0a000000U + static_cast<unsigned>(i * 256) +
                                  static_cast<unsigned>(n) + 10U);
      REQUIRE(store.add_block(id, net::Cidr::host(ip), then));
    }
  }
  for (int n = 0; n < assigned; ++n) {
    REQUIRE(store.assign({"aws-cni", std::to_string(n), "eth0"}, {}, then));
  }
  return store;
}

Plan plan(const Targets& targets, const DataStore& store, const Gate& gate = {}) {
  return plan_pool(targets, kM5Large, store, gate, kNow);
}

}  // namespace

TEST_CASE("warm ENI target: when the pool is too low") {
  struct Row {
    int warm, total, assigned;
    bool low;
  };
  const Row rows[] = {{1, 0, 0, true},   {1, 9, 0, false},   {1, 9, 1, true},   {1, 18, 9, false},
                      {1, 18, 10, true}, {1, 27, 10, false}, {1, 27, 27, true}, {1, 29, 29, false},
                      {0, 9, 8, false},  {0, 9, 9, true},    {0, 18, 9, false}, {2, 18, 1, true}};
  for (const Row& row : rows) {
    INFO(row.warm << " " << row.total << " " << row.assigned);
    const Targets targets{.warm_enis = row.warm, .max_pods = 29};
    CHECK(too_low(targets, kM5Large, stats(row.total, row.assigned), false) == row.low);
  }
}

TEST_CASE("IP targets: how far the pool is off") {
  struct Row {
    int warm, minimum, total, assigned, shortage, surplus;
  };
  const Row rows[] = {{5, 0, 0, 0, 5, 0},    {5, 0, 5, 0, 0, 0},    {5, 0, 5, 1, 1, 0},
                      {5, 0, 9, 6, 2, 0},    {5, 0, 11, 6, 0, 0},   {5, 0, 11, 2, 0, 4},
                      {5, 0, 27, 20, 0, 2},  {5, 0, 27, 25, 3, 0},  {2, 10, 0, 0, 10, 0},
                      {2, 10, 9, 0, 1, 0},   {2, 10, 10, 8, 0, 0},  {2, 10, 10, 9, 1, 0},
                      {2, 10, 14, 3, 0, 4},  {2, 10, 12, 9, 0, 1},  {0, 10, 0, 0, 10, 0},
                      {0, 10, 10, 10, 0, 0}, {0, 10, 14, 12, 0, 2}, {0, 10, 9, 9, 1, 0}};
  for (const Row& row : rows) {
    INFO(row.warm << " " << row.minimum << " " << row.total << " " << row.assigned);
    const Targets targets{.warm_enis = 1, .warm_ips = row.warm, .minimum_ips = row.minimum};
    const Distance off = distance(targets, stats(row.total, row.assigned), false);
    CHECK(off.shortage == row.shortage);
    CHECK(off.surplus == row.surplus);
  }
  CHECK_FALSE(too_low({.warm_ips = 5, .max_pods = 29}, kM5Large, stats(29, 27), false));
}

TEST_CASE("growth: existing ENIs first, then a new one, then the limit says so") {
  const Targets targets{.warm_enis = 1, .max_pods = 29};
  const auto first = plan(targets, store_of({0}, 0));
  REQUIRE(first.action);
  CHECK(std::get<AssignAddresses>(*first.action).count == 9);

  const auto second = plan(targets, store_of({9}, 1));
  REQUIRE(second.action);
  CHECK(std::get<CreateEni>(*second.action).addresses == 9);

  const auto full = plan(targets, store_of({9, 9, 9}, 27));
  CHECK_FALSE(full.action);
  CHECK(full.because.find("all 3 ENIs") != std::string::npos);
}

TEST_CASE("warm IPs: what the primary cannot hold goes to a new ENI") {
  const Targets targets{.warm_ips = 5, .max_pods = 29};
  const auto more = plan(targets, store_of({9}, 6));
  REQUIRE(more.action);
  CHECK(std::get<CreateEni>(*more.action).addresses == 2);
}

TEST_CASE("gates stop growth, with the time when it goes on") {
  const Targets targets{.warm_enis = 1, .max_pods = 29};
  const auto store = store_of({0}, 0);
  CHECK_FALSE(plan(targets, store, {.terminating = true}).action);
  CHECK_FALSE(plan(targets, store, {.unschedulable = true}).action);
  const auto paused = plan(targets, store, {.subnet_exhausted = kNow.steady - seconds(120)});
  CHECK_FALSE(paused.action);
  CHECK(paused.again == kNow.steady);
  CHECK(plan(targets, store, {.subnet_exhausted = kNow.steady - seconds(121)}).action);
  CHECK_FALSE(plan(targets, store, {.retry_at = kNow.steady + seconds(1)}).action);
}

TEST_CASE("shrinking releases only idle addresses, and not twice within 30 s") {
  const Targets targets{.warm_ips = 7, .max_pods = 29};
  const auto store = store_of({9, 2}, 3);
  const auto less = plan(targets, store);
  REQUIRE(less.action);
  const auto& release = std::get<Release>(*less.action);
  CHECK(release.eni == net::EniId("eni-1"));
  CHECK(release.which.size() == 1);
  const auto paused = plan(targets, store, {.last_shrink = kNow.steady - seconds(30)});
  CHECK_FALSE(paused.action);
  CHECK(paused.again == kNow.steady);
}

TEST_CASE("a whole idle ENI goes before single addresses") {
  const auto less = plan({.warm_ips = 5, .max_pods = 29}, store_of({9, 2}, 2));
  REQUIRE(less.action);
  CHECK(std::holds_alternative<RemoveEni>(*less.action));
}

TEST_CASE(
    "an idle ENI goes when there is one too many: old enough, none cooling, not the primary") {
  const Targets targets{.warm_enis = 1, .max_pods = 29};
  const auto gone = plan(targets, store_of({9, 9, 9}, 9));
  REQUIRE(gone.action);
  CHECK(std::get<RemoveEni>(*gone.action).eni == net::EniId("eni-2"));
  CHECK_FALSE(plan(targets, store_of({9, 9, 9}, 10)).action);  // 17 < 2 x 9
  const auto young = plan(targets, store_of({9, 9, 9}, 9, seconds(59)));
  CHECK_FALSE(young.action);
  CHECK(young.again == kNow.steady + seconds(1));
}

TEST_CASE("spec 11.1: three ENIs with 2 used, 2 free, 1 free") {
  const auto make = [] { return store_of({2, 2, 1}, 2); };
  const auto removed = [&](int warm, int minimum) -> std::string {
    const auto made = plan({.warm_ips = warm, .minimum_ips = minimum, .max_pods = 29}, make(),
                           {.last_shrink = kNow.steady});
    if (!made.action || !std::holds_alternative<RemoveEni>(*made.action)) {
      return "none";
    }
    return to_string(std::get<RemoveEni>(*made.action).eni);
  };
  CHECK(removed(3, 1) == "none");
  CHECK(removed(1, 5) == "none");
  CHECK(removed(2, 4) == "eni-2");
}

TEST_CASE("property: no plan takes away what a pod holds, none exceeds the limits") {
  std::minstd_rand random(1);  // NOLINT: the same cases every time
  const auto upto = [&](int n) {
    return static_cast<int>(random() % static_cast<unsigned>(n + 1));
  };
  for (int round = 0; round < 2000; ++round) {
    std::vector<int> sizes(static_cast<std::size_t>(1 + upto(2)));
    int total = 0;
    for (int& size : sizes) {
      size = upto(9);
      total += size;
    }
    const auto store = store_of(sizes, upto(total));
    const Targets targets{upto(2), upto(6) * upto(1), upto(12) * upto(1), 29};
    const auto made = plan(targets, store);
    CHECK_FALSE(made.because.empty());
    if (!made.action) {
      continue;
    }
    if (const auto* assign = std::get_if<AssignAddresses>(&*made.action)) {
      const auto& eni = store.enis().at(assign->eni);
      REQUIRE(assign->count >= 1);
      REQUIRE(static_cast<int>(eni.blocks.size()) + assign->count <= 9);
    } else if (const auto* release = std::get_if<Release>(&*made.action)) {
      for (const auto& cidr : release->which) {
        REQUIRE(store.enis().at(release->eni).blocks.at(cidr).assigned() == 0);
      }
    } else if (const auto* remove = std::get_if<RemoveEni>(&*made.action)) {
      REQUIRE(store.enis().at(remove->eni).assigned() == 0);
      REQUIRE_FALSE(store.enis().at(remove->eni).primary);
    } else {
      REQUIRE(store.enis().size() < 3);
    }
  }
}

TEST_CASE(
    "an ENI that is not for pods gets no more addresses, gives none out and gives none back") {
  DataStore store = store_of({9, 9}, 2);  // two pods on the primary ENI
  EniFacts primary = store.enis().at(net::EniId("eni-0"));
  primary.for_pods = false;
  store.update_eni(primary);
  const auto seen = store.stats(kNow.wall);
  CHECK(seen.total == 9);
  CHECK(seen.assigned == 0);
  for (int n = 0; n < 9; ++n) {
    const auto change = store.assign({"aws-cni", "new-" + std::to_string(n), "eth0"}, {}, kNow);
    REQUIRE(change);
    CHECK(change->lease.eni == net::EniId("eni-1"));
  }
  CHECK_FALSE(store.assign({"aws-cni", "one-more", "eth0"}, {}, kNow));
  CHECK(store.assignments().size() == 11);
  CHECK(store.find({"aws-cni", "0", "eth0"})->eni == net::EniId("eni-0"));

  const Plan more = plan({.warm_ips = 2}, store);
  REQUIRE(more.action);
  CHECK(std::holds_alternative<CreateEni>(*more.action));
  REQUIRE(store.release({"aws-cni", "0", "eth0"}, kNow));
  Gate gate;
  gate.over_since = kNow.steady - std::chrono::hours(1);
  const Plan less = plan({.minimum_ips = 1}, store_of({9}, 0), gate);
  CHECK(less.action);  // the counter-example
  DataStore only = store_of({9}, 0);
  only.update_eni(primary);
  const Plan none = plan({.minimum_ips = 1}, only, gate);
  REQUIRE(none.action);
  CHECK(std::holds_alternative<CreateEni>(*none.action));
}

TEST_CASE("IPv6: a network card without an ENI gets one, unless it must not grow") {
  DataStore store({net::NetworkCard(1), true, seconds(30), net::Family::v6});
  REQUIRE(plan({}, store).action);
  CHECK(std::holds_alternative<CreateEni>(*plan({}, store).action));
  Gate gate;
  gate.terminating = true;
  CHECK_FALSE(plan({}, store, gate).action);
  REQUIRE(store.add_eni({.id = net::EniId("eni-1")}, kNow));
  CHECK(std::holds_alternative<AssignIpv6Prefix>(*plan({}, store).action));
}

}  // namespace vpccni::ipam
