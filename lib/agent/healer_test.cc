#include "agent/healer.h"

#include <catch2/catch.hpp>

namespace vpccni::agent {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

podnet::Fault fault(const std::string& what, bool repairable = true) {
  podnet::Fault one{podnet::HostObject::rule_to, what, {}};
  if (repairable) {
    one.repair.push_back({"x", what});
  }
  return one;
}

constexpr base::SteadyTime kNow{std::chrono::hours(1)};

}  // namespace

TEST_CASE("what two looks miss is put back, and what came by itself is not") {
  Healer healer;
  const auto first = healer.look({fault("a"), fault("b")}, kNow);
  CHECK(first.repair.empty());
  CHECK(first.again == kNow + Healer::kConfirm);
  const auto second = healer.look({fault("a")}, kNow + Healer::kConfirm);
  REQUIRE(second.repair.size() == 1);
  CHECK(second.repair.front().what == "a");
  CHECK(second.fought.empty());
  CHECK_FALSE(second.again);
  // b is missing for the first time again.
  CHECK(healer.look({fault("b")}, kNow + seconds(2)).repair.empty());
}

TEST_CASE("what is removed again and again is put back with ever longer pauses, and named") {
  Healer healer;
  auto now = kNow;
  int repairs = 0;
  int named = 0;
  for (int look = 0; look < 3600; ++look) {  // it is missing at every look, half an hour long
    const auto healing = healer.look({fault("a")}, now);
    repairs += static_cast<int>(healing.repair.size());
    named += static_cast<int>(healing.fought.size());
    now += milliseconds(500);
  }
  CHECK(repairs > Healer::kUndone);
  CHECK(repairs < Healer::kUndone + 10);
  CHECK(named == repairs - Healer::kUndone);
  // Peace, and then one more removal: at once again.
  healer.look({}, now);
  now += seconds(3600);
  healer.look({}, now);
  healer.look({fault("a")}, now);
  const auto healed = healer.look({fault("a")}, now + Healer::kConfirm);
  CHECK(healed.repair.size() == 1);
  CHECK(healed.fought.empty());
}

TEST_CASE("what is removed now and then is put back each time") {
  Healer healer;
  auto now = kNow;
  for (int removal = 0; removal < 100; ++removal) {
    healer.look({fault("a")}, now);
    const auto healing = healer.look({fault("a")}, now + Healer::kConfirm);
    CHECK(healing.repair.size() == 1);
    CHECK(healing.fought.empty());
    healer.look({}, now + seconds(1));
    now += seconds(3);
  }
}

TEST_CASE("a repair that did not work is no fight") {
  Healer healer;
  auto now = kNow;
  for (int look = 0; look < 100; ++look) {
    CHECK(healer.look({fault("a")}, now).fought.empty());
    healer.not_repaired("a");
    now += milliseconds(500);
  }
}

TEST_CASE("what cannot be put back is named once, and again after it was there") {
  Healer healer;
  const std::vector lost = {fault("link", false)};
  CHECK(healer.look(lost, kNow).lost.empty());
  CHECK(healer.look(lost, kNow + seconds(179)).lost.empty());
  CHECK(healer.look(lost, kNow + seconds(180)).lost == std::vector<std::string>{"link"});
  CHECK(healer.look(lost, kNow + seconds(181)).lost.empty());
  healer.look({}, kNow + seconds(182));
  healer.look(lost, kNow + seconds(183));
  CHECK(healer.look(lost, kNow + seconds(363)).lost.size() == 1);
}

}  // namespace vpccni::agent
