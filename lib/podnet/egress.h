#pragma once
// Egress of a pod in the family that the cluster does not have (spec dataplane.md 3.2, 3.3): a
// second veth with an address that only the node knows, and SNAT to the node's own. Synchronous;
// the pod's namespace is entered only through its descriptor. Used by the egress plugin.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/ip.h"
#include "net/mac.h"
#include "podnet/egress_snat.h"

namespace vpccni::podnet {

struct EgressPod {
  EgressOwner owner;
  std::string main_link;       // CNI_IFNAME; with IPv6 egress it loses the IPv6 it may have
  net::IpInterface address;    // with the length of its subnet
  net::Ip gateway;             // IPv4: what the host's end answers to
  std::vector<net::Cidr> via;  // IPv4: destinations routed there; IPv6 has the default route
  net::Ip node;                // of the same family
  int mtu = 9001;
  RandomizeSnat randomize = RandomizeSnat::fully;
};

struct EgressEnds {
  std::string host_link;
  net::Mac host_mac;
  std::string container_link;
  net::Mac container_mac;
};

/// "v4if0", "v6if0".
std::string_view egress_link_name(net::Family family);

/// On error what this call made is undone, but for kernel parameters (ip_forward, disable_ipv6).
Result<EgressEnds> attach_egress(const std::string& netns_path, const EgressPod& pod);

/// Removes chain, jumps and the host's link, by the owner alone: neither address nor namespace need
/// be known. Missing objects are success. Links of other makes go with the pod's namespace.
Result<> detach_egress(net::Family family, const EgressOwner& owner);

}  // namespace vpccni::podnet
