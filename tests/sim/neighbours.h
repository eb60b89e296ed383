#pragma once
// Others who have rights on the instance's ENIs: an operator who gives addresses where the agent
// may not, somebody who takes them, and owners of ENIs that are not ours.

#include "tests/sim/world.h"

namespace vpccni::sim {

/// ENIs and addresses for an agent that must not change EC2. Now and then, also later.
void provide(World& world);
/// Takes an address or a prefix from one of our ENIs.
void take_away(World& world);
/// A device index that is free on the card; -1 if every place is taken.
int free_place(const World& world, net::NetworkCard card);
/// Attaches an ENI, if the instance has room: one that is marked as somebody else's, one without a
/// tag, a trunk, or one with EFA.
void attach_another(World& world);

}  // namespace vpccni::sim
