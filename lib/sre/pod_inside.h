#pragma once
// What pods have in their own network namespaces, as far as this process sees them (/run/netns).
// Reads only.

#include "sre/node_view.h"

namespace vpccni::sre {

/// Fills `inside`, of pods whose namespace was found by link and address, and `namespaces`, from
/// the view's pods and its reading of the kernel.
void look_into_pods(NodeView& view);

}  // namespace vpccni::sre
