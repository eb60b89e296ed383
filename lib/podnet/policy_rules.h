#pragma once
// Private to lib/podnet: the policy rules of pods and ENIs, with their priorities (spec
// dataplane.md 0.1), and the routes of ENIs.

#include <vector>

#include "base/result.h"
#include "linux/netlink_socket.h"
#include "linux/routes.h"
#include "linux/rules.h"
#include "net/id.h"
#include "net/ip.h"
#include "podnet/host.h"

namespace vpccni::podnet {

inline constexpr net::RulePriority kInsidePod{1};
inline constexpr net::RulePriority kBranchIn{10};
inline constexpr net::RulePriority kLocalLater{20};  // table local, in strict mode of branch ENIs
inline constexpr net::RulePriority kToPod{512};
inline constexpr net::RulePriority kMarked{1024};
inline constexpr net::RulePriority kExternalService{1535};
inline constexpr net::RulePriority kFromPod{1536};
inline constexpr net::RulePriority kFromEni{32765};

/// "to <ip> lookup main pref 512".
linux::Rule rule_to_pod(const net::Ip& ip);
/// "from <ip> lookup <table> pref <priority>". Table 0 stands for any, to delete.
linux::Rule rule_from(const net::Ip& ip, net::TableId table, net::RulePriority priority);

/// "to <cidr> lookup main pref 1535".
linux::Rule external_service_rule(const net::Cidr& cidr);
/// "fwmark <mark>/<mark> lookup main pref 1024": marked connections leave by the primary ENI.
linux::Rule mark_rule(const HostNetwork& network);
bool wants_mark_rule(const HostNetwork& network);
/// "from all lookup local pref 20": behind the rules of branch ENIs.
linux::Rule local_rule(net::Family family, net::RulePriority priority);
/// "from fe80:ec2::1 ipproto ipv6-icmp lookup local pref 0": the VPC's router is still a neighbour.
linux::Rule router_rule();

/// Of the ENI's table, in the order in which they can be made.
std::vector<linux::Route> eni_routes(const EniNetwork& eni, net::IfIndex link);
/// The kernel's route to the subnet, which comes with the address and goes at once: in main only
/// the primary ENI's may stand. A deletion names no protocol, so it matches the kernel's.
linux::Route connected_route(const EniNetwork& eni, net::IfIndex link);

/// The same selectors and table, whoever made it.
bool is_same(const linux::Rule& a, const linux::Rule& b);

bool contains(const std::vector<linux::Rule>& rules, const linux::Rule& rule);

/// `wanted` is there afterwards and, if it was before, all the time. Then the other rules with its
/// source and priority are removed. True if it had to be added. Reads all rules: not for the ADD
/// path.
Result<bool> keep_only(linux::Netlink& netlink, const linux::Rule& wanted);

}  // namespace vpccni::podnet
