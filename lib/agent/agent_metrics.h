#pragma once
// From the agent's state and doings to metrics (spec agent.md 7.2). What a gauge of the pool shows
// is computed from the store whenever somebody asks and never incremented, so that it cannot drift.
// Stateless; thread-safe as the registry is. `fn` values are upstream's names for what we do.

#include <optional>
#include <string_view>

#include "agent/drift.h"
#include "agent/failed_adds.h"
#include "ipam/pools.h"
#include "metrics/registry.h"

namespace vpccni::agent {

/// What does not change while the process runs.
void show_build(metrics::Registry& metrics, std::string_view version);

/// The gauges of the pool. `per_block`: with awscni_assigned_ip_per_cidr, a series for each block.
void show_pool(metrics::Registry& metrics, const ipam::Pools& pools, base::Instant now,
               bool per_block);

/// The counters of reconcile and of forced removal.
void count(metrics::Registry& metrics, const ipam::Report& report);
/// The end of an operation on the pool. What fails in an ENI's creation is counted there.
void count_operation(metrics::Registry& metrics, const ipam::Action& action,
                     const Result<ipam::Outcome>& outcome, base::Duration took);
/// A look at EC2 that showed nothing.
void count(metrics::Registry& metrics, const ipam::Observed& observed);
/// nullopt: one side did not answer, so nothing is known.
void show(metrics::Registry& metrics, const std::optional<Drift>& drift);
/// The end of setting up an ENI that reconcile found.
void count_adopted(metrics::Registry& metrics, bool done);

/// An address that was last freed at `released` (zero: never) has been given to a pod.
void count_reuse(metrics::Registry& metrics, base::WallTime now, base::WallTime released);
/// The end of an AddNetwork, after `took` if it was well.
void count_add(metrics::Registry& metrics, base::Duration took);
void count_add(metrics::Registry& metrics, const FailedAdd& failed);

/// Work that is under way: awscni_ipamd_action_inprogress, +1 now, -1 at the end.
class InProgress {
 public:
  InProgress(metrics::Registry& metrics, std::string_view fn);
  ~InProgress();
  InProgress(const InProgress&) = delete;
  InProgress& operator=(const InProgress&) = delete;

 private:
  metrics::Registry& metrics_;
  std::string_view fn_;
};

/// Which of upstream's loops an action belongs to.
std::string_view loop_of(const ipam::Action& action);

}  // namespace vpccni::agent
