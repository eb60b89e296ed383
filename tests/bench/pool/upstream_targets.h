#pragma once
// Upstream's target algebra for network card 0, as specified (agent.md 4.2): pure functions of the
// targets and the counts. Cooling addresses count as available, as upstream has it.

namespace vpccni::pool {

struct UpstreamTargets {
  bool prefixes = false;
  int warm_enis = 1;
  int warm_ips = 0;     // 0 = not set
  int minimum_ips = 0;  // 0 = not set
  int warm_prefixes = 0;
  int max_pods = 110;
  int ips_per_eni = 0;       // secondary ones; in prefix mode 16 for each slot
  int prefixes_per_eni = 0;  // 0 in secondary-IP mode
  bool ip_targets() const { return warm_ips != 0 || minimum_ips != 0; }
};

struct UpstreamCounts {
  int total = 0;
  int assigned = 0;
  int prefixes = 0;
  int free_prefixes = 0;  // with no address assigned
  int available() const { return total - assigned; }
};

/// In addresses, or in prefixes in prefix mode; both 0 when no IP target is set.
struct UpstreamDistance {
  int shortage = 0;
  int surplus = 0;
};
UpstreamDistance distance(const UpstreamTargets& targets, const UpstreamCounts& counts);

bool too_low(const UpstreamTargets& targets, const UpstreamCounts& counts);
bool too_high(const UpstreamTargets& targets, const UpstreamCounts& counts);
int number_to_release(const UpstreamTargets& targets, const UpstreamCounts& counts);
int prefixes_wanted(const UpstreamTargets& targets, const UpstreamCounts& counts);
/// Addresses or prefixes; 0 or less: no ENI is made.
int wanted_for_new_eni(const UpstreamTargets& targets, const UpstreamCounts& counts);
/// `freeable`: some ENI has no pods and is not primary.
bool extra_enis(const UpstreamTargets& targets, const UpstreamCounts& counts, bool freeable);

}  // namespace vpccni::pool
