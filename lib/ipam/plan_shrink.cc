#include <algorithm>
#include <tuple>

#include "ipam/pool_snapshot.h"

namespace vpccni::ipam {

namespace {

bool idle(const Block& block, const Snapshot& s) {
  return block.confirmed && block.assigned() == 0 &&
         !block.cooling(s.now.wall, s.store.options().cooldown);
}

/// ENIs from which surplus should go first: fewest pods, then the latest device, so that a whole
/// ENI becomes free.
std::vector<const EniEntry*> shrink_order(const Snapshot& s) {
  using Rank = std::tuple<bool, int, int>;
  std::vector<std::pair<Rank, const EniEntry*>> ranked;
  for (const auto& [id, eni] : s.store.enis()) {
    ranked.emplace_back(Rank(eni.primary, eni.assigned(), -eni.device.value()), &eni);
  }
  std::sort(ranked.begin(), ranked.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<const EniEntry*> order;
  for (const auto& [rank, eni] : ranked) {
    order.push_back(eni);
  }
  return order;
}

int rounded(int addresses, const Snapshot& s) {
  return s.prefixes() ? (addresses + kPrefixSize - 1) / kPrefixSize * kPrefixSize : addresses;
}

/// Would the targets still hold without this ENI? (spec 3.5, rows 5 to 7)
bool spare(const EniEntry& eni, const Snapshot& s) {
  Stats left = s.stats;
  for (const auto& [cidr, block] : eni.blocks) {
    if (s.store.eligible(block)) {
      left.total -= static_cast<std::int64_t>(cidr.size());
      left.prefixes -= block.prefix ? 1 : 0;
      left.free_prefixes -= block.prefix ? 1 : 0;  // no pod is on this ENI
    }
  }
  const Targets& targets = s.targets;
  const bool enough_prefixes =
      !s.prefixes() || targets.ip_targets() || left.free_prefixes >= targets.warm_prefixes;
  return (targets.warm_ips == 0 || left.available() >= rounded(targets.warm_ips, s)) &&
         (targets.minimum_ips == 0 || left.total >= rounded(targets.minimum_ips, s)) &&
         enough_prefixes &&
         !too_low(targets, s.limits, left, s.prefixes());  // else it would be made again at once
}

bool removable(const EniEntry& eni, const Snapshot& s) {
  return eni.set_up && !eni.primary && !eni.trunk && !eni.efa && eni.assigned() == 0 &&
         spare(eni, s) && !eni.cooling(s.now.wall, s.store.options().cooldown);
}

/// Without IP targets a single ENI's worth more than wanted is kept; in prefix mode an ENI without
/// pods is enough.
bool extra_enis(const Snapshot& s) {
  return s.targets.ip_targets() || s.prefixes() ||
         s.stats.available() >=
             (s.targets.warm_enis + 1) * s.limits.addresses_per_eni(s.prefixes());
}

/// Up to `most` blocks of one ENI that pass `may_go`.
template <class MayGo>
std::optional<Release> some_of(const Snapshot& s, int most, MayGo may_go) {
  for (const EniEntry* eni : shrink_order(s)) {
    if (!eni->for_pods) {
      continue;  // others may use what no pod does
    }
    Release release{eni->id, {}};
    for (const auto& [cidr, block] : eni->blocks) {
      if (static_cast<int>(release.which.size()) < most && may_go(block) && idle(block, s)) {
        release.which.push_back(cidr);
      }
    }
    if (!release.which.empty()) {
      return release;
    }
  }
  return std::nullopt;
}

/// What the other mode left: single addresses in prefix mode, prefixes in the other.
std::optional<Release> leftovers(const Snapshot& s) {
  return some_of(s, s.limits.slots_per_eni, [&](const Block& block) {
    return block.cidr.family() == net::Family::v4 && !s.store.eligible(block);
  });
}

/// Single addresses that stood in for prefixes go as soon as a prefix is spare, as far as the
/// targets hold without them: else they would be asked for again at once.
std::optional<Release> stand_ins(const Snapshot& s) {
  if (!s.prefixes() || !s.store.options().both_kinds || s.stats.free_prefixes == 0) {
    return std::nullopt;
  }
  Stats left = s.stats;
  int most = 0;
  while (most < s.limits.slots_per_eni) {
    --left.total;
    if (too_low(s.targets, s.limits, left, s.prefixes())) {
      break;
    }
    ++most;
  }
  return some_of(s, most, [](const Block& block) { return !block.prefix; });
}

}  // namespace

/// What is a little too much is what the next pods need: it goes only when it has not been needed
/// for long. More goes sooner.
std::optional<base::SteadyTime> surplus_goes(int surplus, const Snapshot& s) {
  if (!s.gate.over_since) {
    return std::nullopt;
  }
  const int slack = s.prefixes() ? 0 : std::max(s.targets.warm_ips, 1);
  return *s.gate.over_since + (surplus > slack ? kLargeSurplusHold : kSurplusHold);
}

std::optional<Plan> plan_release(const Snapshot& s) {
  const int surplus = distance(s.targets, s.stats, s.prefixes()).surplus;
  std::string because = "the other mode left them";
  auto release = leftovers(s);
  if (!release) {
    because = "prefixes have taken their place";
    release = stand_ins(s);
  }
  if (!release && surplus > 0) {
    because = std::to_string(surplus) + " over target: " + counts(s);
    if (const auto when = surplus_goes(surplus, s); when && s.now.steady < *when) {
      return wait_until(because + "; kept for a while, the next pods may need them", *when);
    }
    release = some_of(s, surplus, [&](const Block& block) {
      return s.store.eligible(block) && block.prefix == s.prefixes();
    });
  }
  if (!release) {
    return std::nullopt;
  }
  if (s.gate.last_shrink && s.now.steady - *s.gate.last_shrink <= kShrinkPause) {
    return wait_until(because + "; released some a moment ago", *s.gate.last_shrink + kShrinkPause);
  }
  return Plan{*std::move(release), std::move(because), {}};
}

std::optional<Plan> plan_eni_removal(const Snapshot& s) {
  if (!extra_enis(s) || s.gate.terminating || s.gate.unschedulable) {
    return std::nullopt;
  }
  if (s.stats.quarantined > 0) {
    return std::nullopt;  // which ENI has that pod's address is not known: it may be any
  }
  std::optional<base::SteadyTime> old_enough;
  for (const EniEntry* eni : shrink_order(s)) {
    if (!removable(*eni, s)) {
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

}  // namespace vpccni::ipam
