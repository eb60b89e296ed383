#pragma once
// ANNOTATE_POD_IP: a pod's address in its annotation vpc.amazonaws.com/pod-ips (spec agent.md 8.6).
// Blocking, until `deadline` at the latest. A conflict is tried again.

#include <stop_token>
#include <string>

#include "base/clock.h"
#include "k8s/api.h"

namespace vpccni::agent {

struct PodAddress {
  std::string name_space;
  std::string pod;
  std::string address;
};

Result<> annotate_pod(k8s::Api& api, const base::Clock& clock, const PodAddress& what,
                      base::SteadyTime deadline, const std::stop_token& stop);

/// Empties the annotation if it holds this address. A pod that is gone, or that has no annotation,
/// is a success; another address is an error (already_exists): it is not ours to clear.
Result<> clear_annotation(k8s::Api& api, const base::Clock& clock, const PodAddress& what,
                          base::SteadyTime deadline, const std::stop_token& stop);

}  // namespace vpccni::agent
