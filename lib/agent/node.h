#pragma once
// What the agent knows of its node after start-up: facts that do not change while it runs.

#include <string>
#include <vector>

#include "aws/eni.h"
#include "aws/imds.h"
#include "net/id.h"
#include "net/ip.h"
#include "podnet/host.h"
#include "settings/settings.h"

namespace vpccni::agent {

struct Node {
  aws::InstanceIdentity identity;
  aws::InstanceLimits limits;
  bool limits_assumed = false;  // the type is unknown (event UnknownInstanceType)
  podnet::HostNetwork network;  // vpc_cidrs are those of the start; the loop refreshes its own copy
  settings::Settings settings;

  net::NetworkCard card{0};          // whose pool this is about
  aws::ConnectionTracking tracking;  // the primary ENI's, for the ENIs that we make
  /// ENIs that we may have on the card: its limit and MAX_ENI.
  int max_enis() const;
  /// The same node, about another card's pool.
  Node on_card(net::NetworkCard other) const;
  int slots_per_eni() const { return limits.ipv4_per_eni - 1; }
  net::Family family() const { return settings.enable_ipv6 ? net::Family::v6 : net::Family::v4; }
};

/// Of the pods' family, from IMDS.
Result<std::vector<net::Cidr>> vpc_cidrs(aws::Imds& imds, const Node& node);

/// The instance's limit of ENIs on one card, lowered by a MAX_ENI of at least 1.
int max_enis(const aws::InstanceLimits& limits, int max_eni);

/// May the VPC resource controller attach a trunk ENI to this type of instance? Nitro types, but
/// for the burstable ones (t3, t4g, …), as the EKS documentation lists them.
bool trunk_possible(const Node& node);

/// Upstream's misc/eni-max-pods.txt: ENIs x (addresses - 1) + 2.
int default_max_pods(const aws::InstanceLimits& limits);

/// Tags that every ENI of ours carries: instance_id, and with a cluster name the two of EKS, then
/// ADDITIONAL_ENI_TAGS, which win.
aws::Tags eni_tags(const Node& node);

}  // namespace vpccni::agent
