#include <algorithm>
#include <map>

#include "linux/links.h"
#include "linux/netlink_socket.h"
#include "linux/routes.h"
#include "linux/rules.h"
#include "podnet/branch.h"
#include "podnet/host.h"
#include "podnet/policy_rules.h"

namespace vpccni::podnet {

namespace {

Result<std::vector<linux::Route>> main_routes(linux::Netlink& netlink) {
  VPCCNI_TRY(auto all, linux::routes(netlink, net::Family::v4, net::kMainTable));
  auto six = linux::routes(netlink, net::Family::v6, net::kMainTable);
  if (!six && six.error().code != Errc::unsupported) {
    return six;
  }
  if (six) {
    all.insert(all.end(), six->begin(), six->end());
  }
  return all;
}

Result<std::vector<linux::Rule>> all_rules(linux::Netlink& netlink) {
  VPCCNI_TRY(auto all, linux::rules(netlink, net::Family::v4));
  auto six = linux::rules(netlink, net::Family::v6);
  if (!six && six.error().code != Errc::unsupported) {
    return six;
  }
  if (six) {
    all.insert(all.end(), six->begin(), six->end());
  }
  return all;
}

/// The address of a pod's rule: "to A" at 512, "from A" at 1536.
std::optional<net::Ip> pod_of(const linux::Rule& rule) {
  const auto& selector = rule.priority == kToPod     ? rule.to
                         : rule.priority == kFromPod ? rule.from
                                                     : std::nullopt;
  return selector && selector->is_host() ? std::optional(selector->base()) : std::nullopt;
}

}  // namespace

Result<HostPods> host_pods() {
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  // Routes first: a pod that comes between the readings then has no route here, rather than a
  // route without its link.
  VPCCNI_TRY(const auto routes, main_routes(netlink));
  VPCCNI_TRY(const auto links, linux::links(netlink));
  VPCCNI_TRY(const auto rules, all_rules(netlink));
  HostPods pods;
  std::map<net::IfIndex, const linux::Link*> by_index;
  for (const linux::Link& link : links) {
    pods.links.push_back(link.name);
    by_index.emplace(link.index, &link);
  }
  for (const linux::Route& route : routes) {
    const auto link = by_index.find(route.link);
    if (route.destination.is_host() && !route.gateway && link != by_index.end()) {
      pods.routes.push_back({route.destination.base(), link->second->name, link->second->mac});
    }
  }
  for (const linux::Rule& rule : rules) {
    if (const auto address = pod_of(rule)) {
      pods.ruled.push_back(*address);
      if (rule.priority == kFromPod) {
        pods.tables.emplace(*address, rule.table);
      }
    }
  }
  return pods;
}

/// Both the table of a VLAN and that VLAN's link: a table alone could be somebody else's.
bool is_branch_route(const HostPods& pods, const HostPodRoute& route) {
  const auto from = pods.tables.find(route.address);
  return from != pods.tables.end() &&
         std::any_of(pods.links.begin(), pods.links.end(), [&](const std::string& link) {
           const auto vlan = vlan_of_link(link);
           return vlan && branch_table(*vlan) == from->second;
         });
}

}  // namespace vpccni::podnet
