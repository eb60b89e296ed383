#pragma once
// What the planner's parts see: growing (plan_growth.cc), shrinking (plan_shrink.cc), and the order
// of the two (plan_pool.cc). Private to lib/ipam.

#include "ipam/plan_pool.h"

namespace vpccni::ipam {

struct Snapshot {
  const Targets& targets;
  const Limits& limits;
  const DataStore& store;
  const Gate& gate;
  base::Instant now;
  Stats stats;

  bool prefixes() const { return store.options().prefixes; }
};

/// "5 of 27 free", with what cools.
std::string counts(const Snapshot& s);
Plan wait_until(std::string because, base::SteadyTime when);

/// The pool is too low: one step up, or why not.
Plan plan_growth(const Snapshot& s);
/// One step down; nullopt if there is nothing to give back.
std::optional<Plan> plan_eni_removal(const Snapshot& s);
std::optional<Plan> plan_release(const Snapshot& s);

}  // namespace vpccni::ipam
