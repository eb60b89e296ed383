#pragma once
// What goes on around the agent: pods come and go, and things fail, as the seed wants it.

#include "tests/sim/world.h"

namespace vpccni::sim {

/// One event of the storm.
void storm_step(World& world);
/// Everything works from now on.
void calm(World& world);

}  // namespace vpccni::sim
