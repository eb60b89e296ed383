#pragma once
// The branch ENI of a pod with security groups of its own, as the VPC resource controller writes it
// to the pod (spec agent.md 4.11). Pure.

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/id.h"
#include "net/ip.h"
#include "net/mac.h"

namespace vpccni::agent {

inline constexpr const char* kPodEniAnnotation = "vpc.amazonaws.com/pod-eni";

struct BranchEni {
  net::Mac mac;
  net::Ip address;
  net::VlanId vlan;  // on the trunk
  net::Ip gateway;   // of its subnet; of IPv6 always fe80:ec2::1
  friend bool operator==(const BranchEni&, const BranchEni&) = default;
};

/// The first element of the annotation's JSON array, read for the pods' family. Errors: corrupt,
/// and what is missing or wrong.
Result<BranchEni> parse_branch_eni(std::string_view annotation, net::Family family);

}  // namespace vpccni::agent
