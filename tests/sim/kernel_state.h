#pragma once
// The node's kernel as far as the agent and the plugin see it: host veths, host routes and rules of
// pods, rules of ENIs. It survives the agent. Links of ENIs are the VPC model's.

#include <map>
#include <set>
#include <string>

#include "net/id.h"
#include "net/ip.h"
#include "net/mac.h"
#include "podnet/host.h"

namespace vpccni::sim {

/// As podnet::route_table, for an ENI without a rule of somebody else's.
inline net::TableId table_of(net::NetworkCard card, net::DeviceIndex device) {
  const int first = card.value() == 0 ? 1 : 10000 + 100 * card.value();
  return card.value() == 0 && device.value() == 0
             ? net::kMainTable
             : net::TableId(static_cast<std::uint32_t>(first + device.value()));
}

class KernelState {
 public:
  struct Veth {
    std::string sandbox;
    net::Mac mac;
  };

  /// As podnet::attach_pod, for one of its links: an older one of that name goes, and its routes
  /// with it.
  void attach(const std::string& sandbox, const std::string& veth, const net::Mac& mac,
              const net::Ip& address, net::TableId table);
  /// As podnet::detach_pod: nothing if the address is routed through another link.
  void detach(const std::string& veth, const net::Ip& address, net::TableId table);
  /// The sandbox's namespace is destroyed: its links and the routes through them go, rules stay.
  void destroy(const std::string& sandbox);

  /// As podnet::attach_branch_pod and detach_branch_pod.
  void attach_branch(const std::string& sandbox, const std::string& veth, net::VlanId vlan,
                     const net::Ip& address, bool strict);
  void detach_branch(const std::string& veth, net::VlanId vlan, const net::Ip& address);
  /// What is wrong with the wiring of this pod with a branch ENI; empty if nothing.
  std::string branch_trouble(const std::string& veth, net::VlanId vlan,
                             const net::Ip& address) const;

  podnet::HostPods host_pods() const;
  void remove_pod_rules(const net::Ip& address);
  void refresh_pod_rule(const net::Ip& address, net::TableId table) { from_pod_[address] = table; }
  void set_eni_rule(const net::Ip& source, net::TableId table) { eni_rules_[source] = table; }
  void delete_rules_from(const net::Ip& source);

  bool has_link(const std::string& veth) const { return veths_.contains(veth); }
  /// What is wrong with the wiring of this pod; empty if nothing.
  std::string trouble(const std::string& sandbox, const std::string& veth, const net::Ip& address,
                      net::TableId table) const;

 private:
  void remove_link(const std::string& veth);

  std::map<std::string, Veth> veths_;
  std::map<net::Ip, std::string> routes_;
  std::map<net::Ip, net::TableId> from_pod_;  // priority 1536
  std::set<net::Ip> to_pod_;                  // priority 512
  std::map<net::Ip, net::TableId> eni_rules_;
  std::map<net::VlanId, bool> vlans_;  // links on the trunk; strict?
};

}  // namespace vpccni::sim
