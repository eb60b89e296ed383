#pragma once
// What the ENIs that we manage need besides addresses: their tags and delete-on-termination. Best
// effort, off the way of pods: failures are logged, the next start tries again.

#include "agent/eni_lifecycle.h"

namespace vpccni::agent {

/// `eni` as EC2 lists it now.
void tend_eni(const Edges& edges, const Node& node, const aws::Eni& eni,
              const std::stop_token& stop);

/// Delete-on-termination alone, of a secondary ENI: each listing shows it, so it costs no call.
void tend_attachment(const Edges& edges, const Node& node, const aws::Eni& eni);

/// All that are attached and managed; asks EC2 for them. Does nothing without provisioning.
void tend_enis(const Edges& edges, const Node& node, const std::stop_token& stop);

}  // namespace vpccni::agent
