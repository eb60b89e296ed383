#include "ipam/add_failure.h"

#include <algorithm>

namespace vpccni::ipam {

namespace {

std::string seconds_text(base::Duration duration) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(duration);
  return std::to_string(std::max<std::int64_t>(left.count(), 0)) + "s";
}

std::string free_text(const Shortage& s) {
  return std::to_string(s.stats.ready()) + " of " + std::to_string(s.stats.total) + " free";
}

/// When a pause of the gate ends, in words; empty if it has no such pause.
std::string next_try(const std::optional<base::SteadyTime>& since, const Shortage& s) {
  if (!since || s.now.steady - *since > kSubnetExhaustedPause) {
    return "";
  }
  return "; next try in " + seconds_text(*since + kSubnetExhaustedPause - s.now.steady);
}

std::string back_off(const Shortage& s) {
  if (!s.gate.retry_at || *s.gate.retry_at <= s.now.steady) {
    return "";
  }
  return "; next try in " + seconds_text(*s.gate.retry_at - s.now.steady);
}

AddFailure after_error(const Error& error, const Shortage& s) {
  const std::string detail = free_text(s) + "; " + error.message;
  if (error.cause == kEniConfigMissing) {
    return {kEniConfigMissing, error.message};
  }
  switch (error.code) {
    case Errc::exhausted:
      if (error.cause == "ENOSPC") {
        return {"CHECKPOINT_WRITE", detail};
      }
      if (error.cause == "InsufficientCidrBlocks") {
        return {"PREFIX_FRAGMENTED",
                detail + next_try(s.gate.fragmented, s) +
                    "; reserve prefixes in the subnet or set VPCCNI_PD_FALLBACK"};
      }
      return {"SUBNET_EXHAUSTED", detail + next_try(s.gate.subnet_exhausted, s)};
    case Errc::throttled:
      return {"EC2_THROTTLED", detail + back_off(s)};
    case Errc::denied:
      return {error.cause.empty() ? "CREDENTIALS" : "EC2_DENIED", detail};
    case Errc::unavailable:
    case Errc::timeout:
      return {"EC2_UNREACHABLE", detail + back_off(s)};
    case Errc::not_found:
      if (error.cause == "ENODEV") {
        return {"IMDS_STALE", detail + "; the ENI is attached, its link is not there yet"};
      }
      [[fallthrough]];
    default:
      return {"POOL_EMPTY_GROWING", detail + back_off(s)};
  }
}

AddFailure at_limit(const Shortage& s) {
  return {"ENI_LIMIT", std::to_string(s.stats.assigned) + "/" + std::to_string(s.stats.total) +
                           " used on " + std::to_string(s.enis) + "/" +
                           std::to_string(s.limits.enis) + " ENIs; the kubelet's max pods (" +
                           std::to_string(s.targets.max_pods) + ") is too high"};
}

}  // namespace

AddFailure why_no_address(const Shortage& s) {
  if (s.stats.cooling > 0) {
    return {"POOL_COOLING",
            "0 free, " + std::to_string(s.stats.cooling) + " cooling, next in " +
                (s.next_ready ? seconds_text(*s.next_ready - s.now.wall) : "a moment")};
  }
  if (s.last_error) {
    return after_error(*s.last_error, s);
  }
  if (s.stats.quarantined > 0 && s.stats.assigned == s.stats.total && !s.running) {
    return {"QUARANTINED_ONLY", std::to_string(s.stats.quarantined) +
                                    " addresses left, all quarantined; run vpccni doctor"};
  }
  const bool full =
      s.stats.total >= (s.enis - s.not_for_pods) * s.limits.addresses_per_eni(s.prefixes);
  if (!s.running && s.enis >= s.limits.enis && full) {
    return at_limit(s);
  }
  if (s.running) {
    return {"POOL_EMPTY_GROWING", free_text(s) + "; EC2 request in flight for " +
                                      seconds_text(s.running_for) + ": " + *s.running};
  }
  return {"POOL_EMPTY_GROWING", free_text(s) + "; " + s.because};
}

}  // namespace vpccni::ipam
