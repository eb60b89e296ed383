#pragma once
// Where to create the next ENI (spec agent.md 4.9): pure.

#include <vector>

#include "aws/eni.h"

namespace vpccni::agent {

/// Subnets to try, in order: the primary ENI's always, others if they carry the tag
/// kubernetes.io/role/cni; most free addresses first. Without discovery: the primary's alone.
std::vector<aws::Subnet> candidate_subnets(std::vector<aws::Subnet> subnets,
                                           const net::SubnetId& primary, bool discovery);

/// The lowest device index not in use on the card; -1 if all are.
int free_device_index(const std::vector<aws::Attachment>& attachments, net::NetworkCard card);

}  // namespace vpccni::agent
