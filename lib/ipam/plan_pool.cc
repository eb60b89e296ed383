#include "ipam/plan_pool.h"

#include <algorithm>

#include "ipam/pool_snapshot.h"

namespace vpccni::ipam {

namespace {

int prefixes_for(std::int64_t addresses) {
  return static_cast<int>((std::max<std::int64_t>(addresses, 0) + kPrefixSize - 1) / kPrefixSize);
}

/// What pods can be given without EC2.
std::int64_t ready(const Targets& targets, const Stats& stats) {
  const std::int64_t resting = targets.rest_fully ? stats.resting : 0;
  return (targets.cooling_is_free ? stats.available() : stats.ready()) - resting;
}

std::string at_target(const Snapshot& s) {
  const std::string text = "at target: " + counts(s) + " (";
  if (s.targets.ip_targets()) {
    return text + "warm IPs " + std::to_string(s.targets.warm_ips) + ", minimum IPs " +
           std::to_string(s.targets.minimum_ips) + ")";
  }
  return text +
         (s.prefixes() ? "warm prefixes " + std::to_string(s.targets.warm_prefixes)
                       : "warm ENIs " + std::to_string(s.targets.warm_enis)) +
         ")";
}

/// IPv6: one /80 for each ENI, for good. There is no pool to be warm.
Plan plan_ipv6(const Snapshot& s) {
  for (const auto& [id, eni] : s.store.enis()) {
    if (eni.set_up && !eni.trunk && eni.blocks.empty()) {
      return {AssignIpv6Prefix{id}, to_string(id) + " has no IPv6 prefix", {}};
    }
  }
  const bool grows = s.limits.enis > 0 && !s.gate.terminating && !s.gate.unschedulable;
  if (s.store.enis().empty() && grows) {  // another network card than the primary ENI's
    return {CreateEni{}, "the network card has no ENI", {}};
  }
  return {{}, "every ENI has its IPv6 prefix", {}};
}

Plan plan_ipv4(const Snapshot& s) {
  Plan plan{{}, at_target(s), {}};
  if (too_low(s.targets, s.limits, s.stats, s.prefixes())) {
    plan = plan_growth(s);
    if (plan.action) {
      return plan;
    }
  }
  // A whole ENI first: its addresses go with it, in fewer calls than one by one.
  auto removal = plan_eni_removal(s);
  if (removal && removal->action) {
    return *std::move(removal);
  }
  if (auto less = plan_release(s)) {
    plan = *std::move(less);
  }
  if (!plan.action && !plan.again && removal) {
    plan.again = removal->again;
  }
  return plan;
}

}  // namespace

std::string counts(const Snapshot& s) {
  std::string text =
      std::to_string(s.stats.available()) + " of " + std::to_string(s.stats.total) + " free";
  if (s.stats.cooling > 0) {
    text += ", " + std::to_string(s.stats.cooling) + " of them cooling";
  }
  return text;
}

Plan wait_until(std::string because, base::SteadyTime when) {
  return {std::nullopt, std::move(because), when};
}

Distance distance(const Targets& targets, const Stats& stats, bool prefixes) {
  if (!targets.ip_targets()) {
    // With a target of 0 the last free address still stays: it would be fetched again at once.
    const bool all_free = stats.available() == kPrefixSize * stats.free_prefixes;
    const int kept = std::max(targets.warm_prefixes, all_free ? 1 : 0);
    return {0, prefixes ? std::max(stats.free_prefixes - kept, 0) : 0};
  }
  const std::int64_t shortage =
      std::max(std::max<std::int64_t>(targets.warm_ips - ready(targets, stats), 0),
               targets.minimum_ips - stats.total);
  if (prefixes) {
    const int warm = prefixes_for(stats.assigned + targets.warm_ips);
    const int minimum = prefixes_for(targets.minimum_ips);
    const int idle = std::max(std::min(stats.free_prefixes, stats.prefixes - warm), 0);
    return {prefixes_for(shortage), std::max(std::min(idle, stats.prefixes - minimum), 0)};
  }
  const std::int64_t surplus =
      std::min(std::max<std::int64_t>(stats.available() - targets.warm_ips, 0),
               stats.total - targets.minimum_ips);
  return {static_cast<int>(std::max<std::int64_t>(shortage, 0)),
          static_cast<int>(std::max<std::int64_t>(surplus, 0))};
}

bool too_low(const Targets& targets, const Limits& limits, const Stats& stats, bool prefixes) {
  if (stats.total >= targets.max_pods) {
    return false;
  }
  if (targets.ip_targets()) {
    return distance(targets, stats, prefixes).shortage > 0;
  }
  // Whole ENIs or prefixes are not fetched for a few addresses that cool: only when none is ready.
  const int wanted = prefixes ? kPrefixSize * targets.warm_prefixes
                              : limits.addresses_per_eni(false) * targets.warm_enis;
  return stats.available() < wanted || ready(targets, stats) <= 0;
}

Plan plan_pool(const Targets& targets, const Limits& limits, const DataStore& store,
               const Gate& gate, base::Instant now) {
  const Snapshot s{targets, limits, store, gate, now, store.stats(now.wall)};
  if (!gate.provisioning) {
    return {{}, "EC2 is left alone, as the settings say: " + counts(s), {}};
  }
  if (gate.retry_at && now.steady < *gate.retry_at) {
    return wait_until("waiting after a failed operation", *gate.retry_at);
  }
  return store.options().family == net::Family::v6 ? plan_ipv6(s) : plan_ipv4(s);
}

std::string to_string(const Action& action) {
  struct Text {
    std::string operator()(const AssignAddresses& a) const {
      return "assign " + std::to_string(a.count) + " to " + to_string(a.eni);
    }
    std::string operator()(const AssignPrefixes& a) const {
      return "assign " + std::to_string(a.count) + " prefixes to " + to_string(a.eni);
    }
    std::string operator()(const AssignIpv6Prefix& a) const {
      return "assign an IPv6 prefix to " + to_string(a.eni);
    }
    std::string operator()(const Release& a) const {
      return "release " + std::to_string(a.which.size()) + " of " + to_string(a.eni);
    }
    std::string operator()(const CreateEni& a) const {
      return "create an ENI with " + (a.prefixes > 0 ? std::to_string(a.prefixes) + " prefixes"
                                                     : std::to_string(a.addresses));
    }
    std::string operator()(const RemoveEni& a) const { return "remove " + to_string(a.eni); }
  };
  return std::visit(Text{}, action);
}

}  // namespace vpccni::ipam
