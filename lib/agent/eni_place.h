#pragma once
// Where a new ENI is made and which security groups it gets: as the primary ENI, or with custom
// networking as the node's ENIConfig says (spec agent.md 4.6, 4.9).

#include <vector>

#include "agent/eni_lifecycle.h"

namespace vpccni::agent {

struct EniPlace {
  std::vector<aws::Subnet> subnets;  // to be tried in this order; never empty
  std::vector<net::SecurityGroupId> groups;
};

/// Errors with the cause ENICONFIG_MISSING say which ENIConfig is not there, or names a subnet that
/// is not in this node's zone: nothing was asked of EC2 that changes anything.
Result<EniPlace> place_of_new_eni(const Edges& edges, const Node& node);

}  // namespace vpccni::agent
