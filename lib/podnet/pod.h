#pragma once
// Wiring of one pod (spec dataplane.md 1.6, 1.9, 1.10) and its names. The functions are
// synchronous, enter the pod's namespace only through its descriptor, and touch only the objects
// they name. Used by the plugin; safe to repeat.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/id.h"
#include "net/ip.h"
#include "net/mac.h"

namespace vpccni::podnet {

/// prefix + first 11 hex digits of SHA-1("<namespace>.<pod>" or "<namespace>.<pod>.<index>").
std::string host_veth_name(std::string_view prefix, std::string_view name_space,
                           std::string_view pod, int index);
/// "eth0" style name for index 0 (CNI_IFNAME), "mNicIf<i>" for the others.
std::string container_link_name(std::string_view ifname, int index);
/// "dummy" + the same 11 hex digits as index 0.
std::string dummy_name(std::string_view name_space, std::string_view pod);
/// Locally administered unicast MAC derived from container id and interface name
/// (users.md C5: no dump of all links is needed to find a free one).
net::Mac host_veth_mac(std::string_view container_id, std::string_view ifname);
/// True if it can have come from host_veth_mac: then it tells the sandbox.
bool is_host_veth_mac(const net::Mac& mac);

/// One interface of a pod.
struct PodLink {
  int index = 0;  // 0 is eth0; others get table `index` and rule 1 inside the pod
  net::Ip address;
  std::string host_veth;
  std::string container_link;
  net::Mac host_mac;
  int mtu = 9001;
  net::TableId table = net::kMainTable;  // of the ENI that owns the address
};

/// Creates the veth with final names, MAC, MTU and peer namespace, then the pod's addresses,
/// routes and neighbour, then the host route and rules 512 and 1536. On error what this call made
/// is undone, and nothing else.
Result<> attach_pod(const std::string& netns_path, const std::vector<PodLink>& links);

struct PodRoute {
  net::Ip address;
  net::TableId table = net::kMainTable;
  /// When known: only a host route through this link is removed, so that a late DEL cannot
  /// touch the address's new pod.
  std::string host_veth;
};

/// Removes rule 512, all 1536 rules of the address in its table, and the host route. Missing
/// objects are success. Never enters the pod's namespace.
Result<> detach_pod(const std::vector<PodRoute>& routes);

/// What of an attach_pod is not there any more, in words: on the host and, under `ifname` and the
/// names that follow from it, in the pod. Changes nothing.
Result<std::vector<std::string>> missing_of_pod(const std::string& netns_path,
                                                std::string_view ifname,
                                                const std::vector<PodRoute>& routes);

/// What the host shows of a pod while it is there.
struct PodTrace {
  net::Ip address;
  std::string name_space;
  std::string name;
  net::Mac host_mac;  // host_veth_mac of its sandbox
};

/// Those of which the host shows neither a route to the address nor a link that could be theirs: by
/// the pod's name, with the MAC of their sandbox or one that tells no sandbox. Indices, ascending.
Result<std::vector<std::size_t>> vanished(const std::vector<PodTrace>& pods);

}  // namespace vpccni::podnet
