#pragma once
// The ENIs that a start finds attached: from EC2, or from IMDS where EC2 must not or cannot be
// asked, and how they come into the core.

#include <optional>

#include "agent/execute.h"
#include "ipam/core.h"

namespace vpccni::agent {

/// Every ENI of the instance, of all cards.
struct Attachments {
  std::vector<ClassifiedEni> enis;
  /// EC2 listed them, or IMDS is all that may be asked. If not, the kernel is not touched and
  /// nothing is given out of them until EC2 has spoken.
  bool confirmed = true;
  std::optional<Error> trouble = {};  // why EC2 did not answer
};
/// Errors: neither side answers, or there is no ENI of ours at all.
Result<Attachments> list_attached(const Edges& edges, const Node& node);

/// Those of one card.
struct Attached : ManagedEnis {
  bool confirmed = true;
  std::optional<Error> trouble = {};
};
Attached attached_on(const Attachments& all, net::NetworkCard card);
/// Both, for the node's card.
Result<Attached> attached_enis(const Edges& edges, const Node& node);

/// What the settings and the instance ask of the core; `unmanaged` ENIs are not ours to count.
ipam::CoreOptions core_options(const Node& node, int unmanaged);

/// Sets each one up and gives it to the core. One that cannot be set up is left for reconcile: the
/// node serves with the others. Those that the run before took off seconds ago are left out.
void bring_in(ipam::Core& core, const Edges& edges, const Node& node, const Attached& attached,
              const ipam::Recent& recent, const std::stop_token& stop);

/// Has the pod a table of its own ENI, and is it sure which? Not where IMDS alone named the ENI.
bool knows_table(const ipam::DataStore& store, const ipam::Lease& lease);

}  // namespace vpccni::agent
