#include <algorithm>

#include "ipam/pool_snapshot.h"

namespace vpccni::ipam {

namespace {

bool within(const std::optional<base::SteadyTime>& since, base::Duration pause,
            base::SteadyTime now) {
  return since && now - *since <= pause;
}

int room(const EniEntry& eni, const Limits& limits) {
  const bool grows = !eni.trunk && eni.set_up && eni.for_pods;
  return !grows ? 0 : limits.slots_per_eni - static_cast<int>(eni.blocks.size());
}

/// The first ENI in device order with room; the primary comes first.
const EniEntry* eni_with_room(const Snapshot& s) {
  const EniEntry* best = nullptr;
  for (const auto& [id, eni] : s.store.enis()) {
    if (room(eni, s.limits) > 0 && (best == nullptr || eni.device < best->device)) {
      best = &eni;
    }
  }
  return best;
}

/// Single addresses in place of prefixes, where that is allowed and the subnet has no /28.
bool falls_back(const Snapshot& s) {
  return s.prefixes() && s.store.options().both_kinds &&
         within(s.gate.fragmented, kSubnetExhaustedPause, s.now.steady);
}

/// Why growth must wait, if it must.
std::optional<Plan> growth_stopped(const Snapshot& s) {
  if (s.gate.terminating) {
    return Plan{{}, "too low, but the agent is terminating", {}};
  }
  if (s.gate.unschedulable) {
    return Plan{{}, "too low, but the node is unschedulable", {}};
  }
  if (within(s.gate.subnet_exhausted, kSubnetExhaustedPause, s.now.steady)) {
    return wait_until("too low, but the subnet had no free addresses",
                      *s.gate.subnet_exhausted + kSubnetExhaustedPause);
  }
  if (!falls_back(s) && within(s.gate.fragmented, kSubnetExhaustedPause, s.now.steady)) {
    return wait_until("too low, but the subnet had no free prefix",
                      *s.gate.fragmented + kSubnetExhaustedPause);
  }
  return std::nullopt;
}

/// A pool that still has half of what it should have can wait for more to fetch in one call.
std::optional<Plan> wait_for_company(const Snapshot& s) {
  const bool urgent = !s.targets.ip_targets() || 2 * s.stats.ready() <= s.targets.warm_ips ||
                      s.stats.total < s.targets.minimum_ips;
  if (urgent || !within(s.gate.low_since, kGrowthWindow, s.now.steady)) {
    return std::nullopt;
  }
  return wait_until("too low: " + counts(s) + "; a moment is waited for more to fetch at once",
                    *s.gate.low_since + kGrowthWindow);
}

/// In addresses or prefixes, whatever has to be fetched; at least 1.
int wanted(const Snapshot& s, bool prefixes) {
  const std::int64_t left = s.targets.max_pods - s.stats.total;  // more than pods is no use
  int count = distance(s.targets, s.stats, prefixes).shortage;
  if (!s.targets.ip_targets()) {
    count = prefixes       ? s.targets.warm_prefixes - s.stats.free_prefixes
            : s.prefixes() ? kPrefixSize
                           : s.limits.slots_per_eni;
  }
  count = std::max(count, s.gate.minimum_batch);
  const std::int64_t cap = prefixes ? (left + kPrefixSize - 1) / kPrefixSize : left;
  return std::max(static_cast<int>(std::min<std::int64_t>(count, cap)), 1);
}

}  // namespace

Plan plan_growth(const Snapshot& s) {
  if (auto stopped = growth_stopped(s)) {
    return *std::move(stopped);
  }
  if (auto waiting = wait_for_company(s)) {
    return *std::move(waiting);
  }
  const bool prefixes = s.prefixes() && !falls_back(s);
  const int count = wanted(s, prefixes);
  if (const EniEntry* eni = eni_with_room(s)) {
    const int some = std::min(room(*eni, s.limits), count);
    const Action action =
        prefixes ? Action(AssignPrefixes{eni->id, some}) : Action(AssignAddresses{eni->id, some});
    return {action,
            "too low: " + counts(s) + "; " + to_string(eni->id) + " has room for " +
                std::to_string(room(*eni, s.limits)),
            {}};
  }
  const int enis = static_cast<int>(s.store.enis().size());
  if (enis >= s.limits.enis) {
    return {{},
            "too low: " + counts(s) + ", but all " + std::to_string(s.limits.enis) +
                " ENIs are attached and full",
            {}};
  }
  const int some = std::min(count, s.limits.slots_per_eni);
  return {prefixes ? CreateEni{0, some} : CreateEni{some, 0},
          "too low: " + counts(s) + "; every ENI is full, " + std::to_string(enis) + " of " +
              std::to_string(s.limits.enis) + " are attached",
          {}};
}

}  // namespace vpccni::ipam
