#pragma once
// What the watch of this node's pods said last of one.

#include "k8s/api.h"

namespace vpccni::agent {

struct SeenPod {
  k8s::Pod pod;         // with no annotation but that of a branch ENI
  bool current = true;  // false: the watch is cut, there may be news
};

}  // namespace vpccni::agent
