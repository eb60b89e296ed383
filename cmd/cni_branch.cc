#include "cmd/cni_branch.h"

#include <algorithm>

#include "base/text.h"

namespace vpccni::cmd {

namespace {

constexpr std::string_view kStrictPrefix = "vlan";

std::string host_veth(const PodCall& call, std::string_view prefix) {
  return podnet::host_veth_name(prefix, call.args.name_space, call.args.pod, 0);
}

Result<net::Ip> address_of(const ::rpc::IPAllocationMetadata& entry) {
  const std::string& text = entry.ipv4addr().empty() ? entry.ipv6addr() : entry.ipv4addr();
  return wrap(net::Ip::parse(text), "the agent's reply");
}

podnet::BranchRoute route_of(const PodCall& call, const net::Ip& address, int vlan) {
  return {address,
          net::VlanId(vlan),
          {host_veth(call, kStrictPrefix), host_veth(call, call.config.veth_prefix)},
          podnet::host_veth_mac(call.request.container_id,
                                podnet::container_link_name(call.request.ifname, 0))};
}

}  // namespace

Result<cni::Added> wire_branch_pod(const PodCall& call, const ::rpc::AddNetworkReply& reply) {
  if (reply.ipallocationmetadata().empty()) {
    return Error{Errc::corrupt, "the agent's reply holds no address"};
  }
  podnet::BranchPod pod;
  pod.strict = call.config.strict_branches;
  pod.link.host_veth =
      host_veth(call, pod.strict ? kStrictPrefix : std::string_view(call.config.veth_prefix));
  pod.link.container_link = podnet::container_link_name(call.request.ifname, 0);
  pod.link.host_mac = podnet::host_veth_mac(call.request.container_id, pod.link.container_link);
  pod.link.mtu = call.config.mtu;
  pod.vlan = net::VlanId(reply.podvlanid());
  pod.trunk = net::IfIndex(reply.parentifindex());
  VPCCNI_TRY(pod.link.address, address_of(reply.ipallocationmetadata(0)));
  VPCCNI_TRY(pod.mac, wrap(net::Mac::parse(reply.podenimac()), "the agent's reply: PodENIMAC"));
  VPCCNI_TRY(pod.gateway,
             wrap(net::Ip::parse(reply.podenisubnetgw()), "the agent's reply: PodENISubnetGW"));
  VPCCNI_CHECK(podnet::attach_branch_pod(call.request.netns, pod));
  cni::Added added;
  added.interfaces.push_back({pod.link.host_veth, pod.link.container_link, call.request.netns,
                              pod.link.address, net::TableId(), pod.gateway});
  added.dummy = podnet::dummy_name(call.args.name_space, call.args.pod);
  added.vlan = pod.vlan;
  return added;
}

std::optional<podnet::BranchRoute> branch_of_result(const PodCall& call) {
  if (!call.prev_result) {
    return std::nullopt;
  }
  const auto& result = *call.prev_result;
  const auto dummy =
      find_interface(result, podnet::dummy_name(call.args.name_space, call.args.pod));
  if (!dummy || result.interfaces[*dummy].mac == "0") {
    return std::nullopt;
  }
  const auto vlan = base::parse_integer<int>(result.interfaces[*dummy].mac);
  const auto at = find_interface(result, podnet::container_link_name(call.request.ifname, 0));
  std::vector<net::Ip> addresses;
  for (const auto& ip : result.ips) {
    if (at && ip.interface && static_cast<std::size_t>(*ip.interface) == *at) {
      addresses.push_back(ip.address);
    }
  }
  if (!vlan || !podnet::check_vlan(net::VlanId(*vlan)) || addresses.size() != 1) {
    call.log.warn("prevResult names no usable VLAN and address; the agent is asked",
                  {{"mac", result.interfaces[*dummy].mac.substr(0, 32)},
                   {"addresses", std::to_string(addresses.size())}});
    return std::nullopt;
  }
  return route_of(call, addresses.front(), *vlan);
}

Result<podnet::BranchRoute> branch_of_reply(const PodCall& call,
                                            const ::rpc::DelNetworkReply& reply) {
  if (reply.ipallocationmetadata().empty()) {
    return Error{Errc::corrupt, "the agent's reply holds no address"};
  }
  VPCCNI_TRY(const auto address, address_of(reply.ipallocationmetadata(0)));
  return route_of(call, address, reply.podvlanid());
}

Result<> unwire_branch_pod(const PodCall& call, const podnet::BranchRoute& route) {
  return call.request.netns.empty() ? Result<>() : podnet::detach_branch_pod(route);
}

}  // namespace vpccni::cmd
