// The catalogue of spec users.md 1.6: a row for each thing that can keep an address from a pod.
#include "ipam/add_failure.h"

#include <catch2/catch.hpp>

namespace vpccni::ipam {
namespace {

using std::chrono::seconds;

const base::Instant kNow{base::SteadyTime(seconds(10000)), base::WallTime(seconds(1700000000))};
const Targets kTargets{};
const Limits kLimits{.enis = 3, .slots_per_eni = 9};

Shortage full(const Gate& gate) {
  return {.targets = kTargets,
          .limits = kLimits,
          .gate = gate,
          .stats = {.total = 27, .assigned = 27},
          .enis = 3,
          .because = "too low",
          .now = kNow};
}

Error failed(Errc code, const char* cause) {
  return {code, "assign: refused", cause};
}

}  // namespace

TEST_CASE("the pool's last error names the reason") {
  const struct {
    Error error;
    const char* reason;
  } rows[] = {{failed(Errc::exhausted, "InsufficientFreeAddressesInSubnet"), "SUBNET_EXHAUSTED"},
              {failed(Errc::exhausted, "InsufficientCidrBlocks"), "PREFIX_FRAGMENTED"},
              {failed(Errc::exhausted, "ENOSPC"), "CHECKPOINT_WRITE"},
              {failed(Errc::throttled, "RequestLimitExceeded"), "EC2_THROTTLED"},
              {failed(Errc::denied, "UnauthorizedOperation"), "EC2_DENIED"},
              {failed(Errc::denied, ""), "CREDENTIALS"},
              {failed(Errc::unavailable, ""), "EC2_UNREACHABLE"},
              {failed(Errc::timeout, ""), "EC2_UNREACHABLE"},
              {failed(Errc::not_found, "ENODEV"), "IMDS_STALE"},
              {failed(Errc::not_found, kEniConfigMissing), "ENICONFIG_MISSING"},
              {failed(Errc::internal, "InternalError"), "POOL_EMPTY_GROWING"}};
  for (const auto& row : rows) {
    INFO(row.reason);
    const Gate gate;
    Shortage shortage = full(gate);
    shortage.last_error = row.error;
    const auto why = why_no_address(shortage);
    CHECK(why.reason == row.reason);
    CHECK(why.detail.find("assign: refused") != std::string::npos);
  }
}

TEST_CASE("what cools, what runs, and the limit, with their numbers") {
  const Gate gate;
  Shortage cooling = full(gate);
  cooling.stats = {.total = 27, .assigned = 20, .cooling = 7};
  cooling.next_ready = kNow.wall + seconds(11);
  CHECK(why_no_address(cooling).reason == "POOL_COOLING");
  CHECK(why_no_address(cooling).detail == "0 free, 7 cooling, next in 11s");

  Shortage running = full(gate);
  running.running = "assign 5 to eni-1";
  running.running_for = seconds(2);
  CHECK(why_no_address(running).reason == "POOL_EMPTY_GROWING");
  CHECK(why_no_address(running).detail.find("for 2s: assign 5 to eni-1") != std::string::npos);

  CHECK(why_no_address(full(gate)).reason == "ENI_LIMIT");
  CHECK(why_no_address(full(gate)).detail.find("27/27 used on 3/3 ENIs") == 0);

  Shortage quarantined = full(gate);
  quarantined.stats.quarantined = 3;
  CHECK(why_no_address(quarantined).reason == "QUARANTINED_ONLY");
}

TEST_CASE("a pause says when the next try comes") {
  const Gate gate{.subnet_exhausted = kNow.steady - seconds(16),
                  .retry_at = kNow.steady + seconds(9)};
  Shortage shortage = full(gate);
  shortage.last_error = failed(Errc::exhausted, "InsufficientFreeAddressesInSubnet");
  CHECK(why_no_address(shortage).detail.ends_with("; next try in 104s"));
  shortage.last_error = failed(Errc::throttled, "RequestLimitExceeded");
  CHECK(why_no_address(shortage).detail.ends_with("; next try in 9s"));
}

TEST_CASE("the limit counts only ENIs that are for pods") {
  const Gate gate;
  Shortage custom = full(gate);
  custom.stats = {.total = 18, .assigned = 18};
  CHECK(why_no_address(custom).reason == "POOL_EMPTY_GROWING");
  custom.not_for_pods = 1;
  CHECK(why_no_address(custom).reason == "ENI_LIMIT");
}

}  // namespace vpccni::ipam
