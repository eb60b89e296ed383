#pragma once
// What a cluster does to its nodes' pools, made from a seed: roll-outs, scaling up and down, cron
// jobs, short jobs at any time, pods that stay, and if wanted a tide. The same trace for every
// agent.

#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace vpccni::pool {

struct Churn {
  base::Duration at{};  // since the start
  bool add = false;     // else the pod is deleted
  int pod = 0;
  int node = 0;
};

struct Trace {
  std::vector<Churn> churn;  // by time; the first pods of each node wait for its agent
  base::Duration length{};
};

struct TraceOptions {
  std::uint64_t seed = 1;
  int nodes = 50;
  int operations = 10000;  // ADDs and DELs together
  int pods_per_node = 50;  // at most
  /// Every 40 minutes a batch of that many pods for each node comes, and goes over 15 minutes.
  int tide = 0;
};

/// Churn until that many operations have come.
Trace churn_trace(const TraceOptions& options);

/// All nodes at once, `pods` on each, nothing else: what a new cluster or a recycled one does.
Trace start_trace(int nodes, int pods);

}  // namespace vpccni::pool
