#include "sre/pod_inside.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "linux/addresses.h"
#include "linux/neighbours.h"
#include "linux/netns.h"
#include "linux/routes.h"

namespace vpccni::sre {

namespace {

constexpr const char* kNamespaces = "/run/netns";
constexpr int kMostNamespaces = 2048;

Result<PodInside> look(linux::Netlink& netlink, const linux::Link& link, const PodRow& pod) {
  PodInside inside;
  const auto family = pod.held.address.family();
  const net::TableId table = pod.interface == 0
                                 ? net::kMainTable
                                 : net::TableId(static_cast<std::uint32_t>(pod.interface));
  VPCCNI_TRY(const auto routes, linux::routes(netlink, family, table));
  for (const auto& route : routes) {
    if (route.destination.length() == 0 && route.link == link.index) {
      inside.gateway = route.gateway;
    }
  }
  VPCCNI_TRY(const auto known, linux::neighbours(netlink, link.index, family));
  for (const auto& one : known) {
    if (inside.gateway == one.address) {
      inside.gateway_mac = one.mac;
    }
  }
  return inside;
}

/// What is in one namespace, which ours knows by that number: addresses of links whose other end is
/// one of ours, and how the pods that we know are wired.
Result<> look_around(linux::Netlink& netlink, std::uint32_t number, const std::string& name,
                     NodeView& view) {
  VPCCNI_TRY(const auto links, linux::links(netlink));
  for (const auto& link : links) {
    const auto end = std::find_if(view.kernel.links.begin(), view.kernel.links.end(),
                                  [&](const linux::Link& host) {
                                    return host.peer_netns == number && host.peer == link.index &&
                                           host.name.starts_with(view.wanted.network.veth_prefix);
                                  });
    if (link.kind != "veth" || end == view.kernel.links.end()) {
      continue;
    }
    VPCCNI_TRY(const auto addresses,
               linux::addresses(netlink, link.index, view.wanted.network.family));
    for (const auto& one : addresses) {
      if (one.value.address.is_link_local()) {
        continue;  // egress's, the same in every pod
      }
      view.namespaces[one.value.address].push_back(name);
      for (const auto& pod : view.pods) {
        if (pod.host_veth == end->name && pod.held.address == one.value.address) {
          VPCCNI_TRY(view.inside[pod.held.address], look(netlink, link, pod));
        }
      }
    }
  }
  return {};
}

}  // namespace

void look_into_pods(NodeView& view) {
  std::error_code none;
  int left = kMostNamespaces;
  auto own = linux::Netlink::open();
  std::set<std::uint32_t> seen;  // one namespace may have several names
  for (const auto& entry : std::filesystem::directory_iterator(kNamespaces, none)) {
    if (view.pods.empty() || !own || --left < 0) {
      break;
    }
    const auto netns = linux::Netns::open(entry.path().string());
    if (!netns) {
      continue;
    }
    const auto number = linux::netns_id(*own, netns->fd());
    if (!number || !*number || !seen.insert(**number).second) {
      continue;  // no link of ours leads there
    }
    if (auto netlink = linux::Netlink::open_in(*netns)) {
      // What is not seen is not judged.
      (void)look_around(*netlink, **number, entry.path().filename().string(), view);
    }
  }
}

}  // namespace vpccni::sre
