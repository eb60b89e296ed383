#pragma once
// The subnets for a new ENI, from EC2 or, where that is enough, from IMDS alone.

#include <vector>

#include "agent/eni_lifecycle.h"

namespace vpccni::agent {

/// Free addresses of a subnet that only IMDS or a name tells of: EC2 refuses what is too much.
inline constexpr int kUnknownRoom = 65536;

/// Best first, never empty. With discovery off, and if EC2 does not list subnets, the primary ENI's
/// alone; by value (1.23) only if EC2 has shown that it is not excluded, or discovery is off.
Result<std::vector<aws::Subnet>> subnets_to_try(const Edges& edges, const Node& node);

}  // namespace vpccni::agent
