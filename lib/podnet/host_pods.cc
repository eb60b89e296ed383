#include <map>

#include "linux/links.h"
#include "linux/netlink_socket.h"
#include "linux/routes.h"
#include "podnet/host.h"

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

}  // namespace

Result<HostPods> host_pods() {
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  // Routes first: a pod that comes between the readings then has no route here, rather than a
  // route without its link.
  VPCCNI_TRY(const auto routes, main_routes(netlink));
  VPCCNI_TRY(const auto links, linux::links(netlink));
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
  return pods;
}

}  // namespace vpccni::podnet
