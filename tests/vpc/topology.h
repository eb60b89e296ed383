#pragma once
// The VPC that tests and the lab start from: vpc-0a…, 10.0.0.0/16, one /24 per availability zone
// (10.0.1.0/24 in zone a, 10.0.2.0/24 in zone b, …), and long-term keys of a person.

#include <vector>

#include "tests/vpc/model.h"

namespace vpccni::vpc {

struct Topology {
  net::VpcId vpc;
  std::vector<net::SubnetId> subnets;  // by zone: a, b, c
  net::SecurityGroupId nodes;          // a group besides the VPC's default one
  AccessKey key;
};

Topology default_topology(Model& model, base::Instant now);

}  // namespace vpccni::vpc
