#include "tests/vpc/faults.h"

#include <catch2/catch.hpp>

using namespace vpccni;
using namespace vpccni::vpc;
using namespace std::chrono_literals;

namespace {

base::Instant at(base::Duration after) {
  return base::Instant{} + after;
}

}  // namespace

TEST_CASE("faults are used up, and only by whom they are meant for") {
  Faults faults;
  const net::InstanceId mine("i-1");
  faults.add({.kind = FaultKind::throttle, .action = "CreateTags", .times = 2});
  faults.add({.kind = FaultKind::fail, .instance = mine, .code = "InternalError"});
  faults.add({.kind = FaultKind::delay, .times = 1, .delay = 5s});
  const auto first = faults.plan("CreateTags", mine, at(0s));
  REQUIRE(first.delay == 5s);
  REQUIRE(first.refusal->cause == "RequestLimitExceeded");
  REQUIRE(first.refusal->code == Errc::throttled);
  REQUIRE(faults.plan("CreateTags", mine, at(0s)).refusal->cause == "RequestLimitExceeded");
  REQUIRE(faults.plan("CreateTags", mine, at(0s)).refusal->cause == "InternalError");
  REQUIRE(faults.plan("CreateTags", {}, at(0s)).works());
  REQUIRE(faults.calls().at("CreateTags") == 4);
  faults.clear();
  faults.add({.kind = FaultKind::lose_answer, .times = 1});
  REQUIRE(faults.plan("X", mine, at(0s)).works());
  faults.add({.kind = FaultKind::cut, .times = 1});
  REQUIRE_FALSE(faults.plan("X", mine, at(0s)).works());
}

TEST_CASE("the account's buckets empty and refill") {
  Faults faults;
  faults.set_account_limits(true);
  for (int i = 0; i < 50; ++i) {
    REQUIRE(faults.plan("AttachNetworkInterface", {}, at(0s)).works());
  }
  REQUIRE_FALSE(faults.plan("AttachNetworkInterface", {}, at(0s)).works());
  REQUIRE(faults.plan("CreateTags", {}, at(0s)).works());
  REQUIRE(faults.plan("AttachNetworkInterface", {}, at(200ms)).works());
  REQUIRE_FALSE(faults.plan("AttachNetworkInterface", {}, at(200ms)).works());
}
