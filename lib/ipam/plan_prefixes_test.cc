// Prefix mode: the rows of spec agent.md 4.2.1 (m5.large: 3 ENIs, 9 slots each, max pods 110), the
// switch between the modes, and the fall-back to single addresses.
#include <catch2/catch.hpp>

#include "ipam/plan_pool.h"

namespace vpccni::ipam {
namespace {

using std::chrono::seconds;

constexpr Limits kM5Large{.enis = 3, .slots_per_eni = 9};
const base::Instant kNow{base::SteadyTime(seconds(10000)), base::WallTime(seconds(1700000000))};
const base::Instant kThen{base::SteadyTime(seconds(6400)), base::WallTime(seconds(1699996400))};
const net::EniId kPrimary("eni-0");
const net::EniId kSecond("eni-1");

Stats stats(int assigned, int prefixes, int free) {
  return {.total = kPrefixSize * prefixes,
          .assigned = assigned,
          .prefixes = prefixes,
          .free_prefixes = free};
}

net::Cidr prefix(unsigned number) {
  return {net::Ip::v4(0x0a000000U + number * 16), 28};
}

net::Cidr single(unsigned number) {
  return net::Cidr::host(net::Ip::v4(0x0a010000U + number));
}

PodKey key(int number) {
  return {"aws-cni", "pod-" + std::to_string(number), "eth0"};
}

/// The primary ENI with so many prefixes, the first of them with pods.
DataStore store_of(int prefixes, int pods, bool both_kinds = false) {
  DataStore store({.prefixes = true, .both_kinds = both_kinds});
  REQUIRE(store.add_eni({.id = kPrimary, .primary = true}, kThen));
  for (int i = 0; i < prefixes; ++i) {
    REQUIRE(store.add_block(kPrimary, prefix(static_cast<unsigned>(i)), kThen));
  }
  for (int i = 0; i < pods; ++i) {
    REQUIRE(store.assign(key(i), {}, kThen));
  }
  return store;
}

Plan plan(const Targets& targets, const DataStore& store, const Gate& gate = {}) {
  return plan_pool(targets, kM5Large, store, gate, kNow);
}

}  // namespace

TEST_CASE("warm prefix target: when the pool is too low, and what is too much") {
  struct Row {
    int warm, assigned, prefixes, free;
    bool low;
    int surplus;
  };
  // Upstream releases the last free prefix with a target of 0 and fetches it again: here it stays.
  const Row rows[] = {{1, 0, 0, 0, true, 0},   {1, 0, 1, 1, false, 0}, {1, 1, 1, 0, true, 0},
                      {1, 16, 2, 1, false, 0}, {1, 17, 2, 0, true, 0}, {1, 1, 3, 2, false, 1},
                      {1, 3, 3, 0, false, 0},  {3, 0, 0, 0, true, 0},  {3, 1, 1, 0, true, 0},
                      {3, 1, 3, 2, true, 0},   {3, 1, 4, 3, false, 0}, {0, 0, 0, 0, true, 0},
                      {0, 15, 1, 0, false, 0}, {0, 16, 1, 0, true, 0}, {0, 4, 2, 1, false, 1},
                      {0, 0, 1, 1, false, 0},  {0, 16, 2, 1, false, 0}};
  for (const Row& row : rows) {
    INFO(row.warm << ": " << row.assigned << " on " << row.prefixes << ", free " << row.free);
    const Targets targets{.warm_prefixes = row.warm};
    const Stats now = stats(row.assigned, row.prefixes, row.free);
    CHECK(too_low(targets, kM5Large, now, true) == row.low);
    CHECK(distance(targets, now, true).surplus == row.surplus);
  }
}

TEST_CASE("IP targets in prefix mode: how far the pool is off, in prefixes") {
  struct Row {
    int warm, minimum, assigned, prefixes, free, shortage, surplus;
  };
  const Row rows[] = {{5, 0, 0, 0, 0, 1, 0},   {5, 0, 0, 1, 1, 0, 0},   {5, 0, 11, 1, 0, 0, 0},
                      {5, 0, 12, 1, 0, 1, 0},  {5, 0, 12, 2, 1, 0, 0},  {5, 0, 11, 2, 1, 0, 1},
                      {5, 0, 3, 3, 0, 0, 0},   {5, 0, 2, 3, 1, 0, 1},   {5, 0, 1, 4, 3, 0, 3},
                      {40, 0, 0, 0, 0, 3, 0},  {40, 0, 0, 3, 3, 0, 0},  {0, 20, 0, 0, 0, 2, 0},
                      {0, 20, 0, 1, 1, 1, 0},  {0, 20, 0, 3, 3, 0, 1},  {0, 20, 32, 2, 0, 0, 0},
                      {7, 20, 25, 2, 0, 0, 0}, {7, 20, 26, 2, 0, 1, 0}, {7, 20, 40, 5, 1, 0, 1},
                      {7, 20, 9, 5, 4, 0, 3}};
  for (const Row& row : rows) {
    INFO(row.warm << "/" << row.minimum << ": " << row.assigned << " on " << row.prefixes
                  << ", free " << row.free);
    const Targets targets{.warm_ips = row.warm, .minimum_ips = row.minimum};
    const Distance off = distance(targets, stats(row.assigned, row.prefixes, row.free), true);
    CHECK(off.shortage == row.shortage);
    CHECK(off.surplus == row.surplus);
  }
}

TEST_CASE("cooling addresses are not there for the next pod, unless upstream's way is asked for") {
  Stats now = stats(11, 1, 0);
  CHECK(distance({.warm_ips = 5}, now, true).shortage == 0);
  now.cooling = 1;
  CHECK(distance({.warm_ips = 5}, now, true).shortage == 1);
  CHECK(distance({.warm_ips = 5, .cooling_is_free = true}, now, true).shortage == 0);
  now.cooling = 0;
  now.resting = 1;
  CHECK(distance({.warm_ips = 5}, now, true).shortage == 0);
  CHECK(distance({.warm_ips = 5, .rest_fully = true}, now, true).shortage == 1);
}

TEST_CASE("prefixes are fetched in one call, for the first ENI with room; else with a new ENI") {
  const auto some = plan({.warm_ips = 40}, store_of(0, 0));
  REQUIRE(some.action);
  CHECK(std::get<AssignPrefixes>(*some.action).count == 3);
  const auto full = plan({.warm_prefixes = 1, .max_pods = 250}, store_of(9, 9 * 16));
  REQUIRE(full.action);
  CHECK(std::get<CreateEni>(*full.action).prefixes == 1);
  CHECK(std::get<CreateEni>(*full.action).addresses == 0);
}

TEST_CASE("no more is fetched than pods may run") {
  const auto made = plan({.warm_prefixes = 8, .max_pods = 20}, store_of(1, 16));
  REQUIRE(made.action);
  CHECK(std::get<AssignPrefixes>(*made.action).count == 1);
}

TEST_CASE("while EC2 throttles more is fetched at once") {
  const auto made = plan({.warm_ips = 5}, store_of(1, 12), {.minimum_batch = 4});
  REQUIRE(made.action);
  CHECK(std::get<AssignPrefixes>(*made.action).count == 4);
}

TEST_CASE(
    "a surplus prefix is kept for a while, then goes; one with a pod or a cooling address "
    "stays") {
  auto store = store_of(3, 1);
  const Targets targets{.warm_prefixes = 1};
  Gate gate{.over_since = kNow.steady - seconds(5)};
  CHECK_FALSE(plan(targets, store, gate).action);
  CHECK(plan(targets, store, gate).again);
  gate.over_since = kNow.steady - seconds(3600);
  const auto made = plan(targets, store, gate);
  REQUIRE(made.action);
  const auto& which = std::get<Release>(*made.action).which;
  REQUIRE(which.size() == 1);
  CHECK(which.front() != prefix(0));
  REQUIRE(store.release(key(0), kNow));
  const auto again = plan({.warm_prefixes = 0}, store, gate);
  REQUIRE(again.action);
  for (const auto& cidr : std::get<Release>(*again.action).which) {
    CHECK(cidr != prefix(0));  // it cools
  }
}

TEST_CASE("after a switch of the mode what the other one left goes, except what pods use") {
  DataStore store({.prefixes = true});
  REQUIRE(store.add_eni({.id = kPrimary, .primary = true}, kThen));
  REQUIRE(store.add_block(kPrimary, prefix(0), kThen));
  for (unsigned i = 0; i < 3; ++i) {
    REQUIRE(store.add_block(kPrimary, single(i), kThen));
  }
  REQUIRE(store.restore({key(1), {"ns", "old", 1}, single(1).base(), kThen.wall}));
  const auto made = plan({.warm_prefixes = 1}, store);
  REQUIRE(made.action);
  CHECK(std::get<Release>(*made.action).which == std::vector{single(0), single(2)});
  CHECK(store.stats(kNow.wall).total == kPrefixSize);  // the old pod's address is not counted
  CHECK(store.assign(key(2), {}, kNow)->lease.address == prefix(0).base());
}

TEST_CASE("with the fall-back, single addresses stand in while the subnet has no prefix") {
  const Gate gate{.fragmented = kNow.steady - seconds(10)};
  const Targets targets{.warm_ips = 5};
  const auto waiting = plan(targets, store_of(1, 14), gate);
  CHECK_FALSE(waiting.action);
  CHECK(waiting.because.find("no free prefix") != std::string::npos);
  const auto made = plan(targets, store_of(1, 14, true), gate);
  REQUIRE(made.action);
  CHECK(std::get<AssignAddresses>(*made.action).count == 3);

  auto store = store_of(2, 0, true);
  REQUIRE(store.add_block(kPrimary, single(0), kThen));
  const auto back = plan(targets, store);
  REQUIRE(back.action);
  CHECK(std::get<Release>(*back.action).which == std::vector{single(0)});
}

TEST_CASE("an idle ENI goes whole when its prefixes are not needed") {
  auto store = store_of(2, 1);
  REQUIRE(store.add_eni({.id = kSecond, .device = net::DeviceIndex(1)}, kThen));
  REQUIRE(store.add_block(kSecond, prefix(100), kThen));
  const auto made = plan({.warm_prefixes = 1}, store);
  REQUIRE(made.action);
  CHECK(std::get<RemoveEni>(*made.action).eni == kSecond);
  CHECK_FALSE(plan({.warm_prefixes = 2}, store).action);
}

TEST_CASE("what only an old list names is neither given out nor given back") {
  DataStore store({.prefixes = true});
  REQUIRE(store.add_eni({.id = kPrimary, .primary = true}, kThen));
  REQUIRE(store.add_eni({.id = kSecond, .device = net::DeviceIndex(1), .set_up = false}, kThen));
  for (unsigned i = 0; i < 3; ++i) {
    REQUIRE(store.add_block(kPrimary, prefix(i), kThen, false));
  }
  CHECK_FALSE(store.assign(key(1), {}, kNow));
  const auto made = plan({.warm_prefixes = 0, .max_pods = 16}, store);
  CHECK_FALSE(made.action);
  store.set_confirmed(kPrimary, prefix(1), true);
  CHECK(store.assign(key(1), {}, kNow)->lease.address == prefix(1).base());
}

TEST_CASE("EC2 is left alone where the settings say so") {
  const auto made = plan({.warm_prefixes = 5}, store_of(0, 0), {.provisioning = false});
  CHECK_FALSE(made.action);
}

TEST_CASE("IPv6: every ENI gets one prefix, once") {
  DataStore store({.prefixes = true, .family = net::Family::v6});
  REQUIRE(store.add_eni({.id = kPrimary, .primary = true}, kThen));
  REQUIRE(store.add_eni({.id = kSecond, .trunk = true, .device = net::DeviceIndex(1)}, kThen));
  const auto made = plan({}, store);
  REQUIRE(made.action);
  CHECK(std::get<AssignIpv6Prefix>(*made.action).eni == kPrimary);
  REQUIRE(store.add_block(kPrimary, *net::Cidr::parse("2001:db8::/80"), kThen));
  CHECK_FALSE(plan({}, store).action);
  CHECK(to_string(store.assign(key(1), {}, kNow)->lease.address) == "2001:db8::");
  CHECK(to_string(store.assign(key(2), {}, kNow)->lease.address) == "2001:db8::1");
  CHECK(store.stats(kNow.wall).total == 281474976710656);
}

}  // namespace vpccni::ipam
