#include "podnet/pod_sides.h"

namespace vpccni::podnet {

Result<PodSides> open_sides(const std::string& netns_path) {
  VPCCNI_TRY(linux::Netns netns, linux::Netns::open(netns_path));
  VPCCNI_TRY(const linux::Netns home, linux::Netns::current());
  VPCCNI_TRY(const bool own, linux::is_same(home, netns));
  if (own) {
    return Error{Errc::invalid_argument, netns_path + " is the host's own network namespace"};
  }
  VPCCNI_TRY(linux::Netlink host, linux::Netlink::open());
  VPCCNI_TRY(linux::Netlink pod, linux::Netlink::open_in(netns));
  return PodSides{std::move(netns), std::move(host), std::move(pod)};
}

}  // namespace vpccni::podnet
