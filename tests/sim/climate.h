#pragma once
// What a seed is like: the VPC, the instance, the settings, and how much fails.

#include "tests/sim/world.h"

namespace vpccni::sim {

/// REQUIRES a world without an instance.
void draw_climate(World& world);
/// For custom networking: the ENIConfig's subnet, of that prefix length.
void add_pod_subnet(World& world, int length);

}  // namespace vpccni::sim
