#pragma once
// Pods with an ENI of their own (security groups for pods, spec dataplane.md 1.7, 1.9): a VLAN link
// on the node's trunk ENI, a table of its own, and in strict mode rules that send all of the pod's
// packets by it, those to its own node included. As lib/podnet/pod.h otherwise.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "podnet/pod.h"

namespace vpccni::podnet {

struct BranchPod {
  PodLink link;      // index 0; its table does not count
  net::VlanId vlan;  // 1 to 4094
  net::Mac mac;      // the branch ENI's
  net::Ip gateway;   // of the branch ENI's subnet
  net::IfIndex trunk;
  bool strict = true;
};

/// "vlan.eth.7"
std::string vlan_link_name(net::VlanId vlan);
std::optional<net::VlanId> vlan_of_link(std::string_view name);
/// 100 + VLAN
net::TableId branch_table(net::VlanId vlan);

/// `invalid_argument` for what is no VLAN id, and for 153 to 155: their tables are the kernel's
/// own.
Result<> check_vlan(net::VlanId vlan);

/// On error what this call made is undone, and nothing else. `unsupported` where the kernel has no
/// 802.1Q.
Result<> attach_branch_pod(const std::string& netns_path, const BranchPod& pod);

struct BranchRoute {
  net::Ip address;
  net::VlanId vlan;
  std::vector<std::string> host_veths;  // its names in both modes: the mode may have changed
  net::Mac host_mac;                    // host_veth_mac of its sandbox
};

/// Removes the VLAN link, and rules and routes of both modes. Where the VLAN, or the pod's name, is
/// another sandbox's by now, nothing is touched (users.md C14). Missing objects are success.
Result<> detach_branch_pod(const BranchRoute& route);

/// What of an attach_branch_pod is not there any more, in words. Changes nothing.
Result<std::vector<std::string>> missing_of_branch_pod(const std::string& netns_path,
                                                       std::string_view ifname,
                                                       const BranchRoute& route);

}  // namespace vpccni::podnet
