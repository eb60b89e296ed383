#include "tests/sim/kernel_state.h"

#include "podnet/branch.h"
#include "podnet/pod.h"

namespace vpccni::sim {

void KernelState::remove_link(const std::string& veth) {
  veths_.erase(veth);
  std::erase_if(routes_, [&](const auto& route) { return route.second == veth; });
}

void KernelState::attach(const std::string& sandbox, const std::string& veth, const net::Mac& mac,
                         const net::Ip& address, net::TableId table) {
  remove_link(veth);
  veths_[veth] = {sandbox, mac};
  routes_[address] = veth;
  to_pod_.insert(address);
  from_pod_.erase(address);
  if (table != net::kMainTable) {
    from_pod_[address] = table;
  }
}

void KernelState::detach(const std::string& veth, const net::Ip& address, net::TableId table) {
  const auto route = routes_.find(address);
  if (route != routes_.end()) {
    if (route->second != veth) {
      return;
    }
    routes_.erase(route);
  }
  to_pod_.erase(address);
  const auto rule = from_pod_.find(address);
  if (rule != from_pod_.end() && rule->second == table) {
    from_pod_.erase(rule);
  }
}

void KernelState::destroy(const std::string& sandbox) {
  for (auto veth = veths_.begin(); veth != veths_.end();) {
    const std::string name = veth->first;
    const bool its_own = veth->second.sandbox == sandbox;
    ++veth;
    if (its_own) {
      remove_link(name);
    }
  }
}

void KernelState::attach_branch(const std::string& sandbox, const std::string& veth,
                                net::VlanId vlan, const net::Ip& address, bool strict) {
  vlans_[vlan] = strict;
  const auto mac = podnet::host_veth_mac(sandbox, "eth0");
  if (strict) {  // all else is in the branch's own table
    remove_link(veth);
    veths_[veth] = {sandbox, mac};
  } else {
    attach(sandbox, veth, mac, address, podnet::branch_table(vlan));
  }
}

void KernelState::detach_branch(const std::string& veth, net::VlanId vlan, const net::Ip& address) {
  detach(veth, address, podnet::branch_table(vlan));
  remove_link(veth);
  vlans_.erase(vlan);
}

std::string KernelState::branch_trouble(const std::string& veth, net::VlanId vlan,
                                        const net::Ip& address) const {
  const auto strict = vlans_.find(vlan);
  const auto link = veths_.find(veth);
  if (strict == vlans_.end() || link == veths_.end()) {
    return "one of its links is gone";
  }
  return strict->second ? std::string()
                        : trouble(link->second.sandbox, veth, address, podnet::branch_table(vlan));
}

podnet::HostPods KernelState::host_pods() const {
  podnet::HostPods pods;
  pods.links = {"lo", "eth0"};
  for (const auto& [name, veth] : veths_) {
    pods.links.push_back(name);
  }
  for (const auto& [vlan, strict] : vlans_) {
    pods.links.push_back(podnet::vlan_link_name(vlan));
  }
  for (const auto& [address, veth] : routes_) {
    pods.routes.push_back({address, veth, veths_.at(veth).mac});
  }
  pods.ruled.assign(to_pod_.begin(), to_pod_.end());
  pods.tables = from_pod_;
  return pods;
}

void KernelState::remove_pod_rules(const net::Ip& address) {
  to_pod_.erase(address);
  from_pod_.erase(address);
}

void KernelState::delete_rules_from(const net::Ip& source) {
  eni_rules_.erase(source);
  from_pod_.erase(source);
}

std::string KernelState::trouble(const std::string& sandbox, const std::string& veth,
                                 const net::Ip& address, net::TableId table) const {
  const auto link = veths_.find(veth);
  if (link == veths_.end() || link->second.sandbox != sandbox) {
    return "its link is gone";
  }
  const auto route = routes_.find(address);
  if (route == routes_.end() || route->second != veth) {
    return "its host route is gone";
  }
  if (!to_pod_.contains(address)) {
    return "its rule 512 is gone";
  }
  const auto rule = from_pod_.find(address);
  if (table != net::kMainTable && (rule == from_pod_.end() || rule->second != table)) {
    return "its rule 1536 is gone or names another table";
  }
  return {};
}

}  // namespace vpccni::sim
