#pragma once
#include <string>

#include "sre/node_view.h"

namespace vpccni::sre {

/// The checkpoint at this path and those of other network cards beside it: adds to the view's pods
/// what they have. The first that cannot be read is the view's checkpoint_trouble.
void read_checkpoint(const std::string& path, NodeView& view);

}  // namespace vpccni::sre
