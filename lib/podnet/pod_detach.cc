#include <cerrno>
#include <optional>

#include "linux/links.h"
#include "linux/netlink_socket.h"
#include "linux/routes.h"
#include "linux/rules.h"
#include "podnet/pod.h"
#include "podnet/policy_rules.h"

namespace vpccni::podnet {

namespace {

constexpr std::size_t kMaxName = 15;  // IFNAMSIZ without its zero

/// What the kernel has of a pod's address now.
struct Standing {
  bool is_foreign = false;  // the address is routed through another pod's link
  net::IfIndex link;        // of host_veth; 0 if the name is not known or the link is gone
};

/// Asked by address and name, not by a dump: nodes have hundreds of pods.
Result<std::vector<Standing>> standings(linux::Netlink& netlink,
                                        const std::vector<PodRoute>& routes) {
  std::vector<linux::Request> requests;
  for (const PodRoute& route : routes) {
    requests.push_back(linux::get_route(route.address));
    requests.push_back(linux::get_link(route.host_veth));
  }
  VPCCNI_TRY(const auto replies, netlink.batch(requests));
  std::vector<Standing> all(routes.size());
  for (std::size_t i = 0; i < routes.size(); ++i) {
    if (routes[i].host_veth.empty()) {
      continue;
    }
    // A failed look-up is an answer too: no route, no such link.
    const auto& found = replies[2 * i].objects;
    const auto& named = replies[2 * i + 1].objects;
    const auto route = found.empty() ? std::nullopt : linux::parse_route(found.front());
    const auto link = named.empty() ? std::nullopt : linux::parse_link(named.front());
    const bool has_host_route = route && route->table == net::kMainTable &&
                                route->destination == net::Cidr::host(routes[i].address);
    all[i].link = link ? link->index : net::IfIndex();
    all[i].is_foreign = has_host_route && route->link != all[i].link;
  }
  return all;
}

bool is_absence(int number) {
  return number == ENOENT || number == ESRCH || number == ENODEV;
}

Result<> detach(linux::Netlink& netlink, const PodRoute& route, net::IfIndex link) {
  // The agent's protocol calls main 1. Table 0 is not known to the caller: it stands for any.
  const bool is_main = route.table == net::kMainTable || route.table.value() == 1;
  const linux::Rule from_pod = rule_from(route.address, route.table, kFromPod);
  std::vector<linux::Request> requests = {linux::delete_rule(rule_to_pod(route.address))};
  if (link.value() > 0 || route.host_veth.empty()) {
    requests.push_back(linux::delete_route({.destination = net::Cidr::host(route.address),
                                            .link = link,
                                            .scope = linux::Scope::link}));
  }
  if (!is_main) {
    requests.push_back(linux::delete_rule(from_pod));
  }
  VPCCNI_TRY(const auto replies, netlink.batch(requests));
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (!is_absence(replies[i].number)) {
      VPCCNI_CHECK(linux::outcome(requests[i], replies[i]));
    }
  }
  // Where one was there may be more.
  return !is_main && replies.back().number == 0 ? linux::delete_all_rules(netlink, from_pod)
                                                : Result<>();
}

}  // namespace

Result<> detach_pod(const std::vector<PodRoute>& routes) {
  for (const PodRoute& route : routes) {
    if (route.host_veth.size() > kMaxName) {  // from a stored result: it could be anything
      return Error{Errc::invalid_argument,
                   "\"" + route.host_veth.substr(0, 2 * kMaxName) + "…\" is not a link name"};
    }
  }
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  VPCCNI_TRY(const auto all, standings(netlink, routes));
  Result<> first;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    if (all[i].is_foreign) {
      continue;  // its rules look like ours and belong to the pod that has the route
    }
    auto done = detach(netlink, routes[i], all[i].link);
    if (!done && first) {
      first = wrap(std::move(done), "detach " + to_string(routes[i].address));
    }
  }
  return first;
}

}  // namespace vpccni::podnet
