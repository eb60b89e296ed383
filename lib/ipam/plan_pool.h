#pragma once
// What the pool should do next, and why: a pure function of a snapshot, the targets and the time.
// Secondary-IP mode; the algebra is upstream's (spec agent.md 4.2), its outcome one action at a
// time. The executor performs it, the result changes the state, and the plan is made anew: a stale
// plan is never continued.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "ipam/data_store.h"

namespace vpccni::ipam {

struct Targets {
  int warm_enis = 1;
  int warm_ips = 0;     // 0 = not set
  int minimum_ips = 0;  // 0 = not set
  int max_pods = 110;
  bool ip_targets() const { return warm_ips != 0 || minimum_ips != 0; }
};

struct Limits {
  int enis = 0;               // for us: instance limit, MAX_ENI and unmanaged ENIs considered
  int addresses_per_eni = 0;  // secondary ones; the primary is not counted
};

/// Facts that stop the pool from growing or shrinking for a while. Times are steady.
struct Gate {
  bool terminating = false;
  bool unschedulable = false;
  std::optional<base::SteadyTime> subnet_exhausted;  // last time EC2 said so
  std::optional<base::SteadyTime> last_shrink;
  std::optional<base::SteadyTime> retry_at;  // back-off after a failed operation
};

struct AssignAddresses {
  net::EniId eni;
  int count = 0;
};
struct ReleaseAddresses {
  net::EniId eni;
  std::vector<net::Ip> which;
};
struct CreateEni {
  int addresses = 0;
};
struct RemoveEni {
  net::EniId eni;
};
using Action = std::variant<AssignAddresses, ReleaseAddresses, CreateEni, RemoveEni>;

struct Plan {
  std::optional<Action> action;
  std::string because;                    // in words for people, always set
  std::optional<base::SteadyTime> again;  // when a wait that stops this plan is over
};

inline constexpr auto kSubnetExhaustedPause = std::chrono::seconds(120);
inline constexpr auto kShrinkPause = std::chrono::seconds(30);
inline constexpr auto kMinimumEniAge = std::chrono::seconds(60);

/// How far the pool is from its targets (spec 4.2). Both 0 when no IP target is set.
struct Distance {
  int shortage = 0;
  int surplus = 0;
};
Distance distance(const Targets& targets, const Stats& stats);

/// Does the pool need more addresses?
bool too_low(const Targets& targets, const Limits& limits, const Stats& stats);

Plan plan_pool(const Targets& targets, const Limits& limits, const DataStore& store,
               const Gate& gate, base::Instant now);

std::string to_string(const Action& action);

}  // namespace vpccni::ipam
