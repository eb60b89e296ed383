#include <algorithm>

#include "linux/addresses.h"
#include "linux/links.h"
#include "linux/netns.h"
#include "podnet/host.h"
#include "podnet/host_check.h"
#include "podnet/pod_sides.h"

namespace vpccni::podnet {

Result<> look_inside(const std::string& netns_path, std::string_view ifname,
                     const std::vector<net::Ip>& addresses, std::vector<std::string>& missing) {
  VPCCNI_TRY(const auto netns, linux::Netns::open(netns_path));
  VPCCNI_TRY(auto inside, linux::Netlink::open_in(netns));
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const net::Ip& address = addresses[i];
    const auto name = container_link_name(ifname, static_cast<int>(i));
    const auto link = linux::get_link(inside, name);
    if (!link) {
      missing.push_back("link " + name + " of the pod");
      continue;
    }
    VPCCNI_TRY(const auto all, linux::addresses(inside, link->index, address.family()));
    if (std::none_of(all.begin(), all.end(),
                     [&](const auto& one) { return one.value.address == address; })) {
      missing.push_back("address " + to_string(address) + " of the pod");
    }
  }
  return {};
}

Result<std::vector<std::string>> missing_of_pod(const std::string& netns_path,
                                                std::string_view ifname,
                                                const std::vector<PodRoute>& routes) {
  std::vector<std::string> missing;
  if (routes.empty()) {
    return missing;
  }
  WantedHost wanted;
  wanted.network.family = routes.front().address.family();
  VPCCNI_TRY(const auto seen, read_host(wanted));
  std::vector<net::Ip> addresses;
  for (const PodRoute& route : routes) {
    addresses.push_back(route.address);
    for (const Fault& fault : find_pod_faults(route, seen)) {
      missing.push_back(fault.what);
    }
  }
  VPCCNI_CHECK(look_inside(netns_path, ifname, addresses, missing));
  return missing;
}

Result<std::vector<std::size_t>> vanished(const std::vector<PodTrace>& pods) {
  VPCCNI_TRY(auto netlink, linux::Netlink::open());
  VPCCNI_TRY(const auto links, linux::links(netlink));
  VPCCNI_TRY(const auto host, host_pods());
  const auto shown = [&](const PodTrace& pod) {
    const std::string suffix = host_veth_name("", pod.name_space, pod.name, 0);
    return std::any_of(host.routes.begin(), host.routes.end(),
                       [&](const auto& route) { return route.address == pod.address; }) ||
           std::any_of(links.begin(), links.end(), [&](const linux::Link& link) {
             return link.name.ends_with(suffix) &&
                    (link.mac == pod.host_mac || !is_host_veth_mac(link.mac));
           });
  };
  std::vector<std::size_t> gone;
  for (std::size_t i = 0; i < pods.size(); ++i) {
    if (!shown(pods[i])) {
      gone.push_back(i);
    }
  }
  return gone;
}

}  // namespace vpccni::podnet
