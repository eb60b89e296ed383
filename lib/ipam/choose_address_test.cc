#include "ipam/choose_address.h"

#include <catch2/catch.hpp>

#include "ipam/data_store.h"

namespace vpccni::ipam {
namespace {

using std::chrono::seconds;

const base::Instant kStart{base::SteadyTime(seconds(10000)), base::WallTime(seconds(1700000000))};
const net::EniId kEni("eni-0");
const net::Cidr kFirst(net::Ip::v4(0x0a000000U), 28);
const net::Cidr kOther(net::Ip::v4(0x0a000010U), 28);

PodKey key(int number) {
  return {"aws-cni", std::to_string(number), "eth0"};
}

DataStore two_prefixes() {
  DataStore store({.prefixes = true});
  REQUIRE(store.add_eni({.id = kEni, .primary = true}, kStart));
  REQUIRE(store.add_block(kEni, kFirst, kStart));
  REQUIRE(store.add_block(kEni, kOther, kStart));
  return store;
}

net::Ip added(DataStore& store, int pod, base::Instant now) {
  const auto change = store.assign(key(pod), {}, now);
  REQUIRE(change);
  return change->lease.address;
}

}  // namespace

TEST_CASE("the fullest prefix fills first") {
  auto store = two_prefixes();
  for (int i = 0; i < 16; ++i) {
    CHECK(kFirst.contains(added(store, i, kStart)));
  }
  CHECK(kOther.contains(added(store, 16, kStart)));
  // Two hours later most of the first are gone: the other one is not spread over.
  for (int i = 0; i < 12; ++i) {
    REQUIRE(store.release(key(i), kStart));
  }
  CHECK(kFirst.contains(added(store, 20, kStart + std::chrono::hours(2))));
}

TEST_CASE("an address that a client may still mean waits for older ones, also in another prefix") {
  auto store = two_prefixes();
  for (int i = 0; i < 16; ++i) {
    added(store, i, kStart);
  }
  REQUIRE(store.release(key(3), kStart));
  const auto soon = kStart + seconds(60);  // the cooldown is over, 130 s are not
  CHECK(kOther.contains(added(store, 20, soon)));
  const auto later = kStart + seconds(140);
  CHECK(added(store, 21, later) == kFirst.at(3));
}

TEST_CASE("of addresses that all cooled too little the one that is free the longest is taken") {
  DataStore store({.prefixes = true});
  REQUIRE(store.add_eni({.id = kEni, .primary = true}, kStart));
  REQUIRE(store.add_block(kEni, kFirst, kStart));
  for (int i = 0; i < 16; ++i) {
    added(store, i, kStart);
  }
  REQUIRE(store.release(key(9), kStart));
  REQUIRE(store.release(key(2), kStart + seconds(10)));
  CHECK_FALSE(choose_address(store, (kStart + seconds(20)).wall));
  CHECK(added(store, 20, kStart + seconds(50)) == kFirst.at(9));
  CHECK(added(store, 21, kStart + seconds(50)) == kFirst.at(2));
}

TEST_CASE("a /80 gives addresses in order, and fully cooled ones before new ones") {
  DataStore store({.prefixes = true, .family = net::Family::v6});
  const auto block = *net::Cidr::parse("2001:db8::/80");
  REQUIRE(store.add_eni({.id = kEni, .primary = true}, kStart));
  REQUIRE(store.add_block(kEni, block, kStart));
  CHECK(added(store, 0, kStart) == block.at(0));
  CHECK(added(store, 1, kStart) == block.at(1));
  REQUIRE(store.release(key(0), kStart));
  CHECK(added(store, 2, kStart + seconds(60)) == block.at(2));
  CHECK(added(store, 3, kStart + seconds(140)) == block.at(0));
}

TEST_CASE("the same address on two blocks, one of an older list, is one address") {
  DataStore store({.prefixes = true});
  const net::Cidr inside = net::Cidr::host(kFirst.at(5));
  REQUIRE(store.add_eni({.id = kEni, .primary = true}, kStart));
  REQUIRE(store.add_block(kEni, inside, kStart, false));
  REQUIRE(store.restore({key(1), {"ns", "pod", 1}, kFirst.at(5), kStart.wall}));
  REQUIRE(store.add_block(kEni, kFirst, kStart));
  CHECK(store.enis().at(kEni).blocks.size() == 1);
  CHECK(store.find(key(1))->address == kFirst.at(5));
  CHECK_FALSE(store.add_block(kEni, inside, kStart, false));
  for (int i = 10; i < 25; ++i) {
    CHECK(added(store, i, kStart) != kFirst.at(5));
  }
  CHECK_FALSE(store.assign(key(30), {}, kStart));
}

}  // namespace vpccni::ipam
