#pragma once
// Performs one planned action, on the pool thread. What it answers is an event for the core.

#include "agent/classify_enis.h"
#include "agent/eni_lifecycle.h"
#include "ipam/event.h"

namespace vpccni::agent {

/// One action, once. Errors carry EC2's code as cause; an error does not prove that nothing
/// happened (an answer can be lost), so the core asks EC2 afterwards.
Result<ipam::Outcome> execute(const Edges& edges, const Node& node, const ipam::Action& action,
                              const std::stop_token& stop);

/// Every ENI of this instance, as EC2 lists them, or as IMDS shows them: without tags and kinds.
Result<std::vector<ClassifiedEni>> all_listed(aws::Ec2& ec2, const Node& node);
Result<std::vector<ClassifiedEni>> all_shown(const Edges& edges, const Node& node);

/// Readings for the pools of several cards: one that began after a look was asked for serves it,
/// too. Not thread-safe.
class Listings {
 public:
  using List = Result<std::vector<ClassifiedEni>>;
  const List& listed(const Edges& edges, const Node& node, base::SteadyTime asked);
  const List& shown(const Edges& edges, const Node& node, base::SteadyTime asked);

 private:
  struct Reading {
    base::SteadyTime begun{};
    std::optional<List> list;
  };
  static const List& fresh(Reading& reading, const Edges& edges, base::SteadyTime asked,
                           const std::function<List()>& read);
  Reading listed_;
  Reading shown_;
};

/// EC2's view of this instance's ENIs that are ours to manage on the card, or that nothing has
/// changed, and the kernel's pod routes. `asked` is when the look was wanted.
ipam::Observed observe(const Edges& edges, const Node& node, const ipam::Observe& look,
                       Listings& listings, base::SteadyTime asked);

/// Sets up an ENI that observe() found. Answers EniReady or AdoptFailed.
ipam::Event adopt(const Edges& edges, const Node& node, const ipam::ObservedEni& seen,
                  const std::stop_token& stop);

/// EC2's answer for every attached ENI of this instance on our card that we manage, and what is
/// left out of it.
Result<ManagedEnis> managed_enis(const Edges& edges, const Node& node);
/// The same as IMDS shows them.
Result<ManagedEnis> shown_enis(const Edges& edges, const Node& node);

/// Routes of pods: addresses with a host route through a link of ours ("eni…" or "vlan…"), but for
/// those of branch ENIs, which are no pool's.
std::vector<podnet::HostPodRoute> pod_routes(const podnet::HostPods& pods,
                                             const std::string& veth_prefix);

}  // namespace vpccni::agent
