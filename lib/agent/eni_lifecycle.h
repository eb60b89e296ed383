#pragma once
// An ENI from nothing to ready, and from idle to gone. Runs on the pool thread; every wait ends at
// once when stop is requested. What a half-done creation made is taken away again; what a crash
// leaves behind (an unattached ENI with our instance's tag) is removed by the next start.

#include <functional>
#include <stop_token>

#include "agent/kernel.h"
#include "agent/node.h"
#include "aws/ec2.h"
#include "aws/imds.h"
#include "base/clock.h"
#include "base/log.h"
#include "ipam/event.h"
#include "k8s/api.h"
#include "metrics/registry.h"

namespace vpccni::agent {

/// The edges that pool work uses. All outlive the work.
struct Edges {
  aws::Ec2& ec2;
  aws::Imds& imds;
  Kernel& kernel;
  const base::Clock& clock;
  const base::Log& log;
  metrics::Registry* metrics = nullptr;  // may be null
  /// The node's ENIConfig, for custom networking; blocks, from the pool thread.
  std::function<Result<k8s::EniConfig>()> eni_config = {};
};

/// CreateNetworkInterface where place_of_new_eni says, attach, delete-on-termination, then
/// set_up_attached.
Result<ipam::EniReady> create_eni(const Edges& edges, const Node& node,
                                  const ipam::CreateEni& wanted, const std::stop_token& stop);

/// Waits for the ENI's link (by MAC), gives it its address, table and rule.
Result<ipam::EniReady> set_up_attached(const Edges& edges, const Node& node, const aws::Eni& eni,
                                       const net::Cidr& subnet, const std::stop_token& stop);

/// The CIDR of a subnet, from EC2, or from IMDS for ENIs that it shows already.
class SubnetCidrs {
 public:
  SubnetCidrs(const Edges& edges, const Node& node) : edges_(edges), node_(node) {}
  Result<net::Cidr> of(const aws::Eni& eni);

 private:
  const Edges& edges_;
  const Node& node_;
  std::optional<Result<std::vector<aws::ImdsEni>>> shown_;
};

/// Detach, then delete; an ENI that is gone already is a success.
Result<> remove_eni(const Edges& edges, const net::EniId& id, const std::stop_token& stop);

/// Deletes ENIs that an earlier run of this instance created and never attached. Best effort.
void remove_leftovers(const Edges& edges, const Node& node, const std::stop_token& stop);

/// The values that the store keeps of an ENI.
ipam::EniFacts eni_facts(const aws::Eni& eni, const podnet::EniTable& table, const Node& node);
/// What pods of the family can have of it: secondary addresses and prefixes; of IPv6 one /80.
std::vector<net::Cidr> pod_blocks(const aws::Eni& eni, net::Family family);
net::Ip primary_address(const aws::Eni& eni);

}  // namespace vpccni::agent
