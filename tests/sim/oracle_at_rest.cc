// Oracle: the pool, EC2 and the pods after a long quiet time.

#include <algorithm>

#include "podnet/pod.h"
#include "tests/sim/controller.h"
#include "tests/sim/oracle.h"
#include "tests/sim/world.h"

namespace vpccni::sim {

namespace {

/// What the targets ask for, reckoned apart from the planner: in addresses, and in prefixes where
/// those are held. Positive: that much is missing, or too much.
struct Off {
  std::int64_t missing = 0;
  std::int64_t surplus = 0;
};

std::int64_t up16(std::int64_t addresses) {
  return (addresses + 15) / 16;
}

Off off_target(const ipam::Targets& targets, const ipam::Stats& stats, bool prefixes,
               std::int64_t eni_size) {
  const auto free = stats.total - stats.assigned;
  const bool ips = targets.warm_ips != 0 || targets.minimum_ips != 0;
  Off off;
  if (ips) {
    off.missing = std::max(targets.warm_ips - free, targets.minimum_ips - stats.total);
    off.surplus =
        prefixes ? std::min<std::int64_t>({stats.free_prefixes,
                                           stats.prefixes - up16(stats.assigned + targets.warm_ips),
                                           stats.prefixes - up16(targets.minimum_ips)})
                 : std::min(free - targets.warm_ips, stats.total - targets.minimum_ips);
  } else if (prefixes) {
    off.missing = std::max<std::int64_t>(16 * targets.warm_prefixes - free, free == 0 ? 1 : 0);
    off.surplus = stats.free_prefixes -
                  std::max(targets.warm_prefixes, free == 16 * stats.free_prefixes ? 1 : 0);
  } else {
    off.missing = targets.warm_enis * eni_size - free;
  }
  if (stats.total >= targets.max_pods) {
    off.missing = 0;
  }
  return off;
}

}  // namespace

void Oracle::check_pool(const ipam::Core& core) {
  const auto& store = core.store();
  const auto stats = store.stats(world_.now().wall);
  const auto& targets = core.targets();
  const bool prefixes = store.options().prefixes;
  const std::int64_t per_eni = core.limits().addresses_per_eni(prefixes);
  const auto free = stats.total - stats.assigned;
  const std::string counts = std::to_string(stats.total) + " addresses, " +
                             std::to_string(stats.assigned) + " assigned, " +
                             std::to_string(store.enis().size()) + " ENIs";
  const Off off = off_target(targets, stats, prefixes, per_eni);
  // Enough, unless there is nowhere to get it from.
  int slots = 0;
  for (const auto& [id, eni] : store.enis()) {
    slots += eni.trunk || !eni.for_pods ? core.limits().slots_per_eni
                                        : static_cast<int>(eni.blocks.size());
  }
  const bool full = slots >= core.limits().enis * core.limits().slots_per_eni;
  if (off.missing > 0 && !full && !world_.dry()) {
    violated("pool within targets", "short of " + std::to_string(off.missing) + ": " + counts +
                                        "; " + core.plan().because);
  }
  if (off.surplus > 0) {
    violated("pool within targets",
             std::to_string(off.surplus) + " over target: " + counts + "; " + core.plan().because);
  }
  for (const auto& [id, eni] : store.enis()) {
    for (const auto& [cidr, block] : eni.blocks) {
      if (eni.for_pods && !store.eligible(block) && block.assigned() == 0) {
        violated("pool within targets", to_string(cidr) + " of the other mode stays");
      }
    }
    const auto left = free - static_cast<std::int64_t>(eni.blocks.size());
    const bool spare = left >= targets.warm_enis * per_eni && left > 0;
    const bool may_go = !eni.primary && !eni.trunk && !eni.efa && eni.assigned() == 0;
    if (!targets.ip_targets() && !prefixes && store.quarantined().empty() && may_go && spare &&
        free >= (targets.warm_enis + 1) * per_eni) {
      violated("pool within targets", to_string(id) + " is one ENI too many: " + counts);
    }
  }
}

void Oracle::check_blocks(const vpc::Eni& eni, const ipam::EniEntry& known) {
  const bool v6 = world_.settings.enable_ipv6;
  if (v6 && world_.settings.disable_provisioning) {
    return;
  }
  // EC2 has no client token for this call: where its lists lag, a lost answer costs a second one.
  const bool lags = world_.describe_lag > base::Duration::zero();
  const bool wrong = eni.ipv6_prefixes.empty() || (eni.ipv6_prefixes.size() > 1 && !lags);
  if (v6 && !known.trunk && wrong) {
    violated("one /80 for each ENI",
             to_string(eni.id) + " has " + std::to_string(eni.ipv6_prefixes.size()));
  }
  const auto blocks =
      v6 ? eni.ipv6_prefixes.size() : eni.addresses.size() - 1 + eni.prefixes.size();
  if (blocks != known.blocks.size()) {
    violated("store and EC2 agree", to_string(eni.id) + " has " + std::to_string(blocks) +
                                        " secondary addresses and prefixes in EC2, " +
                                        std::to_string(known.blocks.size()) + " in the store");
  }
}

/// The stores and EC2 name the same ENIs and addresses, and nothing of ours lies about.
void Oracle::check_enis(const ipam::Pools& pools, bool just_started) {
  for (const auto& [id, eni] : world_.model.enis()) {
    const bool attached = eni.attachment && eni.attachment->instance == world_.instance;
    // IMDS has no tags: who asks it alone cannot tell whose an ENI is.
    const bool ours = attached && (world_.settings.imds_only || !world_.foreign.contains(id));
    int stores = 0;
    for (std::size_t pool = 0; pool < pools.size(); ++pool) {
      const auto& store = pools.at(pool).store();
      const auto known = store.enis().find(id);
      stores += known != store.enis().end() ? 1 : 0;
      if (ours && known != store.enis().end()) {
        check_blocks(eni, known->second);
        if (store.options().card != eni.attachment->card) {
          violated("store and EC2 agree", to_string(id) + " is in another card's store");
        }
      }
    }
    if (stores != (ours ? 1 : 0)) {
      violated("store and EC2 agree", to_string(id) + (ours ? " is attached but not in one store"
                                                            : " is in the store but not ours"));
    } else if (just_started && !ours && pools.first().gate().provisioning &&
               eni.description == "aws-K8S-" + to_string(world_.instance)) {
      violated("no ENI is leaked", to_string(id) + " of ours is not attached");
    }
  }
}

/// Whoever holds an address lives, or its DEL was never heard.
void Oracle::check_leaks(const ipam::Pools& pools, bool just_started) {
  for (const auto& assigned : pools.assignments()) {
    const auto& one = assigned.assignment;
    const auto held = holdings_.find(one.key);
    const bool alive = held != holdings_.end() && held->second.strict;
    const auto veth =
        podnet::host_veth_name(world_.settings.veth_prefix, one.pod.name_space, one.pod.name, 0);
    if (just_started && !alive && one.key.network != ipam::kRecoveredNetwork &&
        !world_.kernel.has_link(veth)) {
      violated("no address is leaked", to_string(one.address) + " of " + one.key.container +
                                           " is held, but no such pod lives");
    }
  }
  for (const auto& [address, kept] : pools.quarantined()) {
    if (!outsiders_.contains(address)) {
      violated("quarantine ends", to_string(address) + " of " + kept.key.container);
    }
  }
}

void Oracle::check_at_rest(const ipam::Pools& pools, bool just_started) {
  for (std::size_t pool = 0; pool < pools.size(); ++pool) {
    if (pools.at(pool).gate().provisioning && !world_.settings.enable_ipv6) {
      check_pool(pools.at(pool));
    }
  }
  if (world_.controller) {
    world_.controller->check_at_rest(pools);
  }
  check_enis(pools, just_started);
  check_leaks(pools, just_started);
}

}  // namespace vpccni::sim
