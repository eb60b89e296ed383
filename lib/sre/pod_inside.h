#pragma once
// What pods have in their own network namespaces, as far as this process sees them (/run/netns).
// Reads only.

#include <map>
#include <optional>

#include "linux/links.h"
#include "sre/node_view.h"

namespace vpccni::sre {

/// By the pod's address; only of pods whose namespace was found by link and address.
std::map<net::Ip, PodInside> look_into_pods(const std::vector<PodRow>& pods,
                                            const std::vector<linux::Link>& host);

}  // namespace vpccni::sre
