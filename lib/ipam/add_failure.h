#pragma once
// Why a pod got no address: the catalogue of spec users.md 1.6, chosen from what the pool knows.
// Pure.

#include <optional>
#include <string>

#include "ipam/plan_pool.h"

namespace vpccni::ipam {

struct AddFailure {
  std::string reason;  // "POOL_COOLING"
  std::string detail;  // one sentence with the numbers, and what to do
};

/// Reason of an ADD, and cause of the error of an operation: custom networking has no usable
/// ENIConfig. Nothing was changed at EC2, and it can be there at any moment.
inline constexpr const char* kEniConfigMissing = "ENICONFIG_MISSING";

/// The pool at the moment of the failure.
struct Shortage {
  const Targets& targets;
  const Limits& limits;
  const Gate& gate;
  Stats stats;
  int enis = 0;
  int not_for_pods = 0;  // of these
  bool prefixes = false;
  std::optional<base::WallTime> next_ready = {};  // of a cooling address
  std::optional<Error> last_error = {};           // of the pool's last operation
  std::optional<std::string> running = {};        // the operation under way, in words
  base::Duration running_for{};
  std::string because;  // the last plan's words
  base::Instant now;
};

AddFailure why_no_address(const Shortage& shortage);

}  // namespace vpccni::ipam
