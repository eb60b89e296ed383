#pragma once
// The node's own networking (spec dataplane.md section 2): policy rules, SNAT and connmark chains,
// ENI links, addresses, tables. Planning is pure (plan_* functions in firewall.h); these act.
// Run in the namespace of the calling thread.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "linux/iptables_variant.h"
#include "net/id.h"
#include "net/ip.h"
#include "net/mac.h"

namespace vpccni::podnet {

enum class RandomizeSnat { none, hash, fully };

struct HostNetwork {
  net::Mac primary_mac;
  net::Ip primary_ip;
  std::vector<net::Cidr> vpc_cidrs;
  std::vector<net::Cidr> snat_exclusions;
  std::vector<net::Cidr> external_services;
  bool external_snat = false;
  bool node_port_support = true;
  RandomizeSnat randomize = RandomizeSnat::fully;
  net::Mark mark{0x80};
  std::string veth_prefix = "eni";
  int mtu = 9001;
  net::Family family = net::Family::v4;  // of the pods; IPv6 has the mark rule and no chains
  linux::IptablesVariant iptables = linux::IptablesVariant::as_installed;
  /// Branch ENIs get their packets before the table local is asked (security groups for pods in
  /// strict mode).
  bool strict_branches = false;
  bool v6_egress = false;  // pods of an IPv4 cluster have IPv6 egress
  /// Where packets keep their source by one rule and the set kExemptSet (ipset.h), not by a rule
  /// for each block. The set has to be there before the chains are set up.
  bool exempt_by_set = false;

  /// What that set holds: VPC and excluded blocks. One of length 0 does not fit into it; it has a
  /// rule in any case.
  std::vector<net::Cidr> exempt_set() const;
};
inline constexpr std::string_view kExemptSet = "vpccni-exempt";

/// 2.4: primary link MTU, the rule against calls to egress addresses, rule 1024, iptables sets A
/// and B in one transaction per table, clean-up of stale chains. Idempotent; no window without
/// rules.
Result<> set_up_host_network(const HostNetwork& wanted);

/// The iptables part alone: when the VPC CIDRs changed, and to put back what somebody removed. True
/// if something was not as wanted.
Result<bool> update_chains(const HostNetwork& wanted);

/// 2.9.
Result<> update_external_service_rules(const std::vector<net::Cidr>& cidrs);

struct EniNetwork {
  net::Mac mac;
  net::Ip ip;  // primary IP of this ENI
  net::Cidr subnet;
  net::TableId table;  // never main
  int mtu = 9001;
  bool trunk = false;
  bool rule_exists = false;  // from route_table(): somebody else's source rule is in use
};

struct EniTable {
  net::TableId table;
  bool rule_exists = false;
};

/// 2.6: the table of an ENI, computed or found from an existing source rule (cards > 0).
Result<EniTable> route_table(net::NetworkCard card, const net::Ip& primary_ip,
                             net::DeviceIndex device, int max_enis);

/// 2.7. `not_found` with cause "ENODEV" when no link has that MAC yet: callers wait for the link.
Result<> set_up_eni(const EniNetwork& eni);

/// The VPC's router in a subnet: its base + 1, and for IPv6 always the same.
net::Ip vpc_gateway(const net::Cidr& subnet);

/// The link that has this MAC address. `not_found` with cause ENODEV when none has.
Result<net::IfIndex> link_of(const net::Mac& mac);

/// 2.10: all rules whose source is this address.
Result<> delete_rules_from(const net::Ip& source);

/// 2.8, made safe (users.md C4): the rule `from ip lookup table pref 1536` is there afterwards and
/// was there all the time; other rules with this source and priority are removed after.
Result<> refresh_pod_rule(const net::Ip& ip, net::TableId table);

/// Removes rule 512 (to ip, main) and the 1536 rules of a vanished pod.
Result<> remove_pod_rules(const net::Ip& ip);

/// What the kernel knows of pods on this host: host links whose name could be a host veth, and for
/// each host route /32 or /128 in main through one of them, its address. The agent uses it to
/// tell live pods from vanished ones.
struct HostPodRoute {
  net::Ip address;
  std::string link;
  net::Mac mac = {};  // of the link
};
struct HostPods {
  std::vector<std::string> links;  // all link names
  std::vector<HostPodRoute> routes;
  std::vector<net::Ip> ruled;  // addresses that a pod's policy rule names (512 and 1536)
  std::map<net::Ip, net::TableId> tables = {};  // that the rule "from" the address (1536) looks up
};
Result<HostPods> host_pods();
/// Is it the route of a pod with a branch ENI, in standard mode? Its address is no pool's.
bool is_branch_route(const HostPods& pods, const HostPodRoute& route);

}  // namespace vpccni::podnet
