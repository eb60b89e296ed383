#pragma once
// A cluster of nodes on one account replays a trace, all nodes with the same agent. The kubelet is
// here: it waits for the node's agent, and repeats a failed ADD in a new sandbox 10 to 15 s later.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/pool/node.h"
#include "tests/bench/pool/trace.h"

namespace vpccni::pool {

enum class Kind { ours, upstream };

struct ClusterOptions {
  Kind kind = Kind::ours;
  std::uint64_t seed = 1;
  Targets targets;
  AccountOptions account;
  base::Duration start_within = std::chrono::seconds(60);  // the nodes start, spread
  base::Duration quiet = std::chrono::minutes(6);          // after the trace
  bool until_served = false;  // end when each node has a pod with an address, or after `quiet`
};

struct Outcome {
  Books books;
  int adds = 0;                       // that succeeded
  std::map<std::string, int> failed;  // ADDs, by reason
  std::vector<double> waits_s;        // of each pod, from its (or its node's) start to its address
  std::vector<std::optional<double>> first_ip_ms;  // of each node, from its start
  std::vector<double> reuse_ages_s;                // of addresses that some pod had before
  int never_served = 0;                            // pods that got no address while they lived
  base::Duration length{};

  int failed_adds() const;
};

Outcome replay(const ClusterOptions& options, const Trace& trace);

/// The value below which `part` of them are; 0 of none.
double quantile(std::vector<double> values, double part);

}  // namespace vpccni::pool
