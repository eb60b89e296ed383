#pragma once
// Private to lib/podnet: the two sides that a pod's veth joins.

#include <string>

#include "base/result.h"
#include "linux/netlink_socket.h"
#include "linux/netns.h"
#include "podnet/pod.h"

namespace vpccni::podnet {

struct PodSides {
  linux::Netns netns;  // the pod's
  linux::Netlink host;
  linux::Netlink pod;
};

/// `invalid_argument` if the path is the host's own namespace: the wrong side would be wired.
Result<PodSides> open_sides(const std::string& netns_path);

/// What is missing inside the pod, in words: for each address, by its place, link and address.
Result<> look_inside(const std::string& netns_path, std::string_view ifname,
                     const std::vector<net::Ip>& addresses, std::vector<std::string>& missing);

}  // namespace vpccni::podnet
