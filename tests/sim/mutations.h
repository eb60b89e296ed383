#pragma once
// The planted bugs that are more than a line, and words for the journal.

#include <functional>
#include <optional>
#include <set>

#include "ipam/pools.h"
#include "tests/sim/world.h"

namespace vpccni::sim {

/// wrong_del_key: sometimes another pod's key.
void mutate_del(World& world, const ipam::Pools& pools, ipam::PodDel& event);
/// double_assign: the pod keeps its address, the store forgets it.
void unmark(World& world, const ipam::PodAdded& reply,
            const std::function<void(ipam::Event)>& post);
/// keep_half: what the first card gave stays with a pod that got nothing from the other.
void keep_half(const ipam::PodAdded& reply, ipam::Pools& pools, base::Instant now);
/// allocate_from_unconfirmed, never_forget_unassigned. `gone`: what was given back.
void mutate_observed(World& world, const ipam::DataStore& store, const std::set<net::Cidr>& gone,
                     ipam::Observed& event);
/// release_in_use, remove_in_use, leftovers_in_use.
ipam::Action mutate_action(World& world, const ipam::DataStore& store, ipam::Action action);
/// lose_completion (nullopt), failure_as_success, no_backoff.
std::optional<Result<ipam::Outcome>> mutate_outcome(World& world, const ipam::Action& action,
                                                    Result<ipam::Outcome> outcome);

std::string describe(const ipam::PodAdded& reply);
std::string describe(const ipam::PodDeleted& reply);
std::string describe(const ipam::Report& report);

/// What EC2 lists: what tells an ENI apart that is not ours to take away is overlooked.
aws::Eni as_told(const World& world, aws::Eni eni);

}  // namespace vpccni::sim
