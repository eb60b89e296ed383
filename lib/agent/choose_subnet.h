#pragma once
// Where to create the next ENI (spec agent.md 4.9): pure.

#include <string>
#include <vector>

#include "agent/node.h"
#include "aws/eni.h"

namespace vpccni::agent {

struct SubnetRules {
  net::SubnetId primary;  // the primary ENI's
  bool discovery = true;  // false: the primary's alone
  settings::SubnetTags tags = settings::SubnetTags::by_key;
  std::string cluster;  // CLUSTER_NAME; empty = any
};
SubnetRules subnet_rules(const Node& node);

/// Subnets to try, most free addresses first, never empty. What the tag kubernetes.io/role/cni
/// means depends on the rules: its presence alone (1.21), or its value and the cluster tags (1.23).
/// Errors: not_found, and which subnet is left out for what.
Result<std::vector<aws::Subnet>> candidate_subnets(std::vector<aws::Subnet> subnets,
                                                   const SubnetRules& rules);

/// May an ENI that is already in this subnet serve no pods? By key, it always may serve.
bool is_excluded(const aws::Subnet& subnet, const SubnetRules& rules);
/// The same of an ENI's subnet; one that is not listed (another account's) is not excluded.
bool is_excluded(const std::vector<aws::Subnet>& listed, const net::SubnetId& subnet,
                 const SubnetRules& rules);

/// The lowest device index not in use on the card; -1 if all are.
int free_device_index(const std::vector<aws::Attachment>& attachments, net::NetworkCard card);

}  // namespace vpccni::agent
