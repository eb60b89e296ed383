#include "sre/pod_inside.h"

#include <algorithm>
#include <filesystem>

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

/// Those of the pods whose end is in this namespace, which ours knows by that number.
Result<> look_around(linux::Netlink& netlink, std::uint32_t number, const std::vector<PodRow>& pods,
                     const std::vector<linux::Link>& host, std::map<net::Ip, PodInside>& out) {
  VPCCNI_TRY(const auto links, linux::links(netlink));
  for (const auto& link : links) {
    for (const auto& pod : pods) {
      const auto* end = link.kind == "veth" ? linux::find_link(host, pod.host_veth) : nullptr;
      if (end == nullptr || end->peer_netns != number || end->peer != link.index) {
        continue;
      }
      VPCCNI_TRY(const auto addresses,
                 linux::addresses(netlink, link.index, pod.held.address.family()));
      const bool has = std::any_of(addresses.begin(), addresses.end(), [&](const auto& one) {
        return one.value.address == pod.held.address;
      });
      if (has) {
        VPCCNI_TRY(out[pod.held.address], look(netlink, link, pod));
      }
    }
  }
  return {};
}

}  // namespace

std::map<net::Ip, PodInside> look_into_pods(const std::vector<PodRow>& pods,
                                            const std::vector<linux::Link>& host) {
  std::map<net::Ip, PodInside> out;
  std::error_code none;
  int left = kMostNamespaces;
  auto own = linux::Netlink::open();
  for (const auto& entry : std::filesystem::directory_iterator(kNamespaces, none)) {
    if (pods.empty() || !own || --left < 0) {
      break;
    }
    const auto netns = linux::Netns::open(entry.path().string());
    if (!netns) {
      continue;
    }
    const auto number = linux::netns_id(*own, netns->fd());
    if (!number || !*number) {
      continue;  // no link of ours leads there
    }
    if (auto netlink = linux::Netlink::open_in(*netns)) {
      (void)look_around(*netlink, **number, pods, host, out);  // what is not seen is not judged
    }
  }
  return out;
}

}  // namespace vpccni::sre
