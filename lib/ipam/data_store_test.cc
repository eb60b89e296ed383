// What the simulation found (tests/sim), as small cases.

#include "ipam/data_store.h"

#include <catch2/catch.hpp>

#include "ipam/core.h"

namespace vpccni::ipam {
namespace {

using std::chrono::seconds;

const base::Instant kNow{base::SteadyTime(seconds(10000)), base::WallTime(seconds(1700000000))};
const net::Ip kIp = *net::Ip::parse("10.0.1.5");
const net::Cidr kBlock = net::Cidr::host(kIp);
const PodKey kKey{"aws-cni", "sandbox", "eth0"};
const PodKey kOther{"aws-cni", "other", "eth0"};

EniFacts eni(const char* id, int device) {
  EniFacts facts;
  facts.id = net::EniId(id);
  facts.primary = device == 0;
  facts.device = net::DeviceIndex(device);
  return facts;
}

}  // namespace

TEST_CASE("an address freed from quarantine cools when its block comes back") {
  DataStore store({});
  REQUIRE(store.add_eni(eni("eni-0", 0), kNow));
  REQUIRE_FALSE(*store.restore({kKey, {"ns", "pod", 1}, kIp, kNow.wall}));
  REQUIRE(store.release(kKey, kNow));
  CHECK(store.cooling(kNow.wall).size() == 1);
  REQUIRE(store.add_block(net::EniId("eni-0"), kBlock, kNow));
  CHECK_FALSE(store.assign(kOther, {}, kNow + seconds(30)));
  CHECK(store.assign(kOther, {}, kNow + seconds(31)));
}

TEST_CASE("what cooled before a restart cools on although its ENI comes later") {
  DataStore store({});
  store.restore_cooling(kIp, kNow.wall);
  REQUIRE(store.add_eni(eni("eni-0", 0), kNow));
  REQUIRE(store.add_block(net::EniId("eni-0"), kBlock, kNow));
  CHECK_FALSE(store.assign(kKey, {}, kNow + seconds(20)));
}

TEST_CASE("a release that could not be made durable still counts as cooling on disk") {
  DataStore store({});
  REQUIRE(store.add_eni(eni("eni-0", 0), kNow));
  REQUIRE(store.add_block(net::EniId("eni-0"), kBlock, kNow));
  REQUIRE(store.assign(kKey, {}, kNow));
  const auto change = store.release(kKey, kNow);
  REQUIRE(change);
  store.undo_release(*change);
  CHECK(store.find(kKey));
  CHECK(store.cooling(kNow.wall).size() == 1);
}

TEST_CASE("an address that EC2 moved to another ENI is on that one only, with its pod") {
  DataStore store({});
  REQUIRE(store.add_eni(eni("eni-0", 0), kNow));
  REQUIRE(store.add_eni(eni("eni-1", 1), kNow));
  REQUIRE(store.add_block(net::EniId("eni-0"), kBlock, kNow));
  REQUIRE(store.assign(kKey, {}, kNow));
  REQUIRE(store.add_block(net::EniId("eni-1"), kBlock, kNow));
  CHECK(store.find(kKey)->eni == net::EniId("eni-1"));
  CHECK(store.enis().at(net::EniId("eni-0")).blocks.empty());
  CHECK_FALSE(store.assign(kOther, {}, kNow));
}

TEST_CASE("a start keeps the address of a pod that is still being wired") {
  for (const auto age : {seconds(5), seconds(100)}) {
    Core core({.limits = {.enis = 2, .slots_per_eni = 4}}, kNow);
    core.on(EniReady{eni("eni-0", 0), {kBlock}}, kNow);
    const auto report = core.restore(
        {{kKey, {"ns", "pod", 1}, kIp, kNow.wall - age}}, {}, {},
        [](const Assignment&) { return false; }, kNow);
    CHECK(report.dropped.empty() == (age == seconds(5)));
  }
}

TEST_CASE("an ENI is not removed while some pod's address is on no known ENI") {
  DataStore store({});
  const base::Instant then{kNow.steady - seconds(300), kNow.wall - seconds(300)};
  REQUIRE(store.add_eni(eni("eni-0", 0), then));
  REQUIRE(store.add_eni(eni("eni-1", 1), then));
  for (int i = 0; i < 8; ++i) {
    REQUIRE(store.add_block(net::EniId(i < 4 ? "eni-0" : "eni-1"),
                            net::Cidr::host(kIp.plus(static_cast<unsigned>(i) + 10)), then));
  }
  const Targets targets{.warm_enis = 1};
  const Limits limits{.enis = 2, .slots_per_eni = 4};
  CHECK(plan_pool(targets, limits, store, {}, kNow).action);
  REQUIRE(store.restore({kKey, {"ns", "pod", 1}, kIp, kNow.wall}));
  CHECK_FALSE(plan_pool(targets, limits, store, {}, kNow).action);
}

TEST_CASE("without warm ENIs the last free ENI stays: it would be created again at once") {
  DataStore store({});
  const base::Instant then{kNow.steady - seconds(300), kNow.wall - seconds(300)};
  REQUIRE(store.add_eni(eni("eni-0", 0), then));
  REQUIRE(store.add_eni(eni("eni-1", 1), then));
  for (int i = 0; i < 4; ++i) {
    REQUIRE(store.add_block(net::EniId("eni-0"),
                            net::Cidr::host(kIp.plus(static_cast<unsigned>(i))), then));
    REQUIRE(store.assign({"aws-cni", std::to_string(i), "eth0"}, {}, then));
  }
  for (int i = 10; i < 14; ++i) {
    REQUIRE(store.add_block(net::EniId("eni-1"),
                            net::Cidr::host(kIp.plus(static_cast<unsigned>(i))), then));
  }
  const auto plan = plan_pool({.warm_enis = 0}, {.enis = 3, .slots_per_eni = 4}, store, {}, kNow);
  CHECK_FALSE(plan.action);
}

}  // namespace vpccni::ipam
