#include "ipam/plan_pool.h"

#include <algorithm>

namespace vpccni::ipam {

namespace {

struct Snapshot {
  const Targets& targets;
  const Limits& limits;
  const DataStore& store;
  const Gate& gate;
  base::Instant now;
  Stats stats;
};

std::string counts(const Snapshot& s) {
  return std::to_string(s.stats.available()) + " of " + std::to_string(s.stats.total) + " free";
}

int room(const EniEntry& eni, const Limits& limits) {
  return eni.trunk ? 0 : limits.addresses_per_eni - static_cast<int>(eni.blocks.size());
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

Plan wait_until(std::string because, base::SteadyTime when) {
  return {std::nullopt, std::move(because), when};
}

/// Why growth must wait, if it must.
std::optional<Plan> growth_stopped(const Snapshot& s) {
  if (s.gate.terminating) {
    return Plan{{}, "too low, but the agent is terminating", {}};
  }
  if (s.gate.unschedulable) {
    return Plan{{}, "too low, but the node is unschedulable", {}};
  }
  if (s.gate.subnet_exhausted && s.now.steady - *s.gate.subnet_exhausted <= kSubnetExhaustedPause) {
    return wait_until("too low, but the subnet had no free addresses",
                      *s.gate.subnet_exhausted + kSubnetExhaustedPause);
  }
  return std::nullopt;
}

Plan grow(const Snapshot& s) {
  if (auto stopped = growth_stopped(s)) {
    return *std::move(stopped);
  }
  const int shortage = distance(s.targets, s.stats).shortage;
  const int wanted = s.targets.ip_targets() ? shortage : s.limits.addresses_per_eni;
  if (const EniEntry* eni = eni_with_room(s)) {
    const int count = std::min(room(*eni, s.limits), wanted);
    return {AssignAddresses{eni->id, count},
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
  const int count = std::min(wanted, s.limits.addresses_per_eni);
  return {CreateEni{count},
          "too low: " + counts(s) + "; every ENI is full, " + std::to_string(enis) + " of " +
              std::to_string(s.limits.enis) + " are attached",
          {}};
}

bool idle(const Block& block, const Snapshot& s) {
  return block.assigned() == 0 && !block.cooling(s.now.wall, s.store.options().cooldown);
}

/// ENIs from which surplus addresses should go first: fewest pods, then the latest device, so
/// that a whole ENI becomes free.
std::vector<const EniEntry*> shrink_order(const Snapshot& s) {
  std::vector<const EniEntry*> order;
  for (const auto& [id, eni] : s.store.enis()) {
    order.push_back(&eni);
  }
  std::sort(order.begin(), order.end(), [](const EniEntry* a, const EniEntry* b) {
    return std::tuple(a->primary, a->assigned(), -a->device.value()) <
           std::tuple(b->primary, b->assigned(), -b->device.value());
  });
  return order;
}

std::optional<Plan> shrink(const Snapshot& s) {
  const int surplus = distance(s.targets, s.stats).surplus;
  if (surplus == 0) {
    return std::nullopt;
  }
  if (s.gate.last_shrink && s.now.steady - *s.gate.last_shrink <= kShrinkPause) {
    return wait_until(std::to_string(surplus) + " over target; released some a moment ago",
                      *s.gate.last_shrink + kShrinkPause);
  }
  for (const EniEntry* eni : shrink_order(s)) {
    ReleaseAddresses release{eni->id, {}};
    for (const auto& [cidr, block] : eni->blocks) {
      if (static_cast<int>(release.which.size()) < surplus && !block.prefix && idle(block, s)) {
        release.which.push_back(cidr.base());
      }
    }
    if (!release.which.empty()) {
      return Plan{std::move(release), std::to_string(surplus) + " over target: " + counts(s), {}};
    }
  }
  return std::nullopt;
}

/// Would the targets still hold without this ENI? (spec 3.5, rows 5 and 6)
bool spare(const EniEntry& eni, const Snapshot& s) {
  int total = s.stats.total;
  for (const auto& [cidr, block] : eni.blocks) {
    total -= block.prefix == s.store.options().prefixes ? static_cast<int>(cidr.size()) : 0;
  }
  const int available = total - s.stats.assigned;  // nothing is assigned on this ENI
  Stats left = s.stats;
  left.total = total;
  return (s.targets.warm_ips == 0 || available >= s.targets.warm_ips) &&
         (s.targets.minimum_ips == 0 || total >= s.targets.minimum_ips) &&
         !too_low(s.targets, s.limits, left);  // else it would be created again at once
}

/// Secondary-IP mode without IP targets: one whole ENI's worth more than wanted.
bool extra_enis(const Snapshot& s) {
  return s.targets.ip_targets() ||
         s.stats.available() >= (s.targets.warm_enis + 1) * s.limits.addresses_per_eni;
}

std::optional<Plan> remove_eni(const Snapshot& s) {
  if (!extra_enis(s) || s.gate.terminating || s.gate.unschedulable) {
    return std::nullopt;
  }
  if (s.stats.quarantined > 0) {
    return std::nullopt;  // which ENI has that pod's address is not known: it may be any
  }
  std::optional<base::SteadyTime> old_enough;
  for (const EniEntry* eni : shrink_order(s)) {
    if (eni->primary || eni->trunk || eni->efa || eni->assigned() > 0 || !spare(*eni, s) ||
        eni->cooling(s.now.wall, s.store.options().cooldown)) {
      continue;
    }
    const auto from = eni->added.steady + kMinimumEniAge;
    if (s.now.steady < from) {
      old_enough = old_enough ? std::min(*old_enough, from) : from;
      continue;
    }
    return Plan{RemoveEni{eni->id}, "an ENI too many: " + counts(s), {}};
  }
  if (old_enough) {
    return wait_until("an ENI too many, but it is younger than 60 s", *old_enough);
  }
  return std::nullopt;
}

std::string at_target(const Snapshot& s) {
  std::string text = "at target: " + counts(s) + " (";
  if (s.targets.ip_targets()) {
    return text + "warm IPs " + std::to_string(s.targets.warm_ips) + ", minimum IPs " +
           std::to_string(s.targets.minimum_ips) + ")";
  }
  return text + "warm ENIs " + std::to_string(s.targets.warm_enis) + ")";
}

}  // namespace

Distance distance(const Targets& targets, const Stats& stats) {
  if (!targets.ip_targets()) {
    return {};
  }
  const int available = stats.available();
  return {std::max(std::max(targets.warm_ips - available, 0), targets.minimum_ips - stats.total),
          std::max(std::min(std::max(available - targets.warm_ips, 0),
                            stats.total - targets.minimum_ips),
                   0)};
}

bool too_low(const Targets& targets, const Limits& limits, const Stats& stats) {
  if (stats.total >= targets.max_pods) {
    return false;
  }
  if (targets.ip_targets()) {
    return distance(targets, stats).shortage > 0;
  }
  return stats.available() < limits.addresses_per_eni * targets.warm_enis ||
         (targets.warm_enis == 0 && stats.available() == 0);
}

Plan plan_pool(const Targets& targets, const Limits& limits, const DataStore& store,
               const Gate& gate, base::Instant now) {
  const Snapshot s{targets, limits, store, gate, now, store.stats(now.wall)};
  if (gate.retry_at && now.steady < *gate.retry_at) {
    return wait_until("waiting after a failed operation", *gate.retry_at);
  }
  Plan plan{{}, at_target(s), {}};
  if (too_low(targets, limits, s.stats)) {
    plan = grow(s);
    if (plan.action) {
      return plan;
    }
  }
  // A whole ENI first: its addresses go with it, in fewer calls than one by one.
  auto removal = remove_eni(s);
  if (removal && removal->action) {
    return *std::move(removal);
  }
  if (auto less = shrink(s)) {
    plan = *std::move(less);
  }
  if (!plan.action && !plan.again && removal) {
    plan.again = removal->again;
  }
  return plan;
}

std::string to_string(const Action& action) {
  struct Text {
    std::string operator()(const AssignAddresses& a) const {
      return "assign " + std::to_string(a.count) + " to " + to_string(a.eni);
    }
    std::string operator()(const ReleaseAddresses& a) const {
      return "release " + std::to_string(a.which.size()) + " of " + to_string(a.eni);
    }
    std::string operator()(const CreateEni& a) const {
      return "create an ENI with " + std::to_string(a.addresses);
    }
    std::string operator()(const RemoveEni& a) const { return "remove " + to_string(a.eni); }
  };
  return std::visit(Text{}, action);
}

}  // namespace vpccni::ipam
