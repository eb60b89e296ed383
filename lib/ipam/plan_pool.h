#pragma once
// What the pool should do next, and why: a pure function of a snapshot, the targets and the time.
// The algebra is upstream's (spec agent.md 4.2), its outcome one action at a time. The executor
// performs it, the result changes the state, and the plan is made anew: a stale plan is never
// continued.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "ipam/data_store.h"

namespace vpccni::ipam {

struct Targets {
  int warm_enis = 1;
  int warm_ips = 0;       // 0 = not set
  int minimum_ips = 0;    // 0 = not set
  int warm_prefixes = 0;  // only with prefixes and no IP target
  int max_pods = 110;
  /// Upstream's way: the pool is not topped up while addresses cool down.
  bool cooling_is_free = false;
  /// An address is used again before it is fully cooled only when nothing else is left.
  bool rest_fully = false;
  bool ip_targets() const { return warm_ips != 0 || minimum_ips != 0; }
  friend bool operator==(const Targets&, const Targets&) = default;
};

inline constexpr int kPrefixSize = 16;  // addresses of a /28

struct Limits {
  int enis = 0;           // for us: instance limit, MAX_ENI and unmanaged ENIs considered
  int slots_per_eni = 0;  // one holds an address or a prefix; the primary address is not counted
  int addresses_per_eni(bool prefixes) const {
    return prefixes ? slots_per_eni * kPrefixSize : slots_per_eni;
  }
};

/// Facts that stop the pool from growing or shrinking for a while. Times are steady.
struct Gate {
  bool provisioning = true;  // false: EC2 is never changed
  bool terminating = false;
  bool unschedulable = false;
  std::optional<base::SteadyTime> subnet_exhausted;  // last time EC2 said so
  std::optional<base::SteadyTime> fragmented;        // last time that no /28 was free
  std::optional<base::SteadyTime> last_shrink;
  std::optional<base::SteadyTime> retry_at;    // back-off after a failed operation
  std::optional<base::SteadyTime> low_since;   // nullopt: not, or not known
  std::optional<base::SteadyTime> over_since;  // nullopt: not, or not known
  int minimum_batch = 1;                       // grows while EC2 throttles
};

struct AssignAddresses {
  net::EniId eni;
  int count = 0;
};
struct AssignPrefixes {
  net::EniId eni;
  int count = 0;
};
/// One /80.
struct AssignIpv6Prefix {
  net::EniId eni;
};
struct Release {
  net::EniId eni;
  std::vector<net::Cidr> which;  // single addresses, prefixes, or both
};
/// At most one of the two is > 0.
struct CreateEni {
  int addresses = 0;
  int prefixes = 0;
  /// ENIs that may be on the card with it, whoever's and in whatever state; 0: as many as EC2 lets.
  int places = 0;
};
struct RemoveEni {
  net::EniId eni;
};
using Action =
    std::variant<AssignAddresses, AssignPrefixes, AssignIpv6Prefix, Release, CreateEni, RemoveEni>;

struct Plan {
  std::optional<Action> action;
  std::string because;                    // in words for people, always set
  std::optional<base::SteadyTime> again;  // when a wait that stops this plan is over
};

inline constexpr auto kSubnetExhaustedPause = std::chrono::seconds(120);
inline constexpr auto kShrinkPause = std::chrono::seconds(30);
inline constexpr auto kMinimumEniAge = std::chrono::seconds(60);
/// A small shortage waits this long for company, a surplus to be needed again: pods come and go,
/// and each call of EC2 counts against the whole account.
inline constexpr auto kGrowthWindow = std::chrono::seconds(30);
inline constexpr auto kLargeSurplusHold = std::chrono::seconds(60);
inline constexpr auto kSurplusHold = std::chrono::minutes(5);

/// How far the pool is from its targets (spec 4.2), in addresses, or in prefixes if those are what
/// it holds. Without an IP target there is no shortage, and a surplus only of prefixes.
struct Distance {
  int shortage = 0;
  int surplus = 0;
};
Distance distance(const Targets& targets, const Stats& stats, bool prefixes);

/// Does the pool need more?
bool too_low(const Targets& targets, const Limits& limits, const Stats& stats, bool prefixes);

Plan plan_pool(const Targets& targets, const Limits& limits, const DataStore& store,
               const Gate& gate, base::Instant now);

std::string to_string(const Action& action);

}  // namespace vpccni::ipam
