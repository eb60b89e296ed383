#include "examples/lab/fabric.h"

#include "linux/addresses.h"
#include "linux/iptables.h"
#include "linux/links.h"
#include "linux/neighbours.h"
#include "linux/routes.h"
#include "linux/sysctls.h"

namespace vpccni::lab {

namespace {

constexpr int kMtu = 9001;
constexpr std::uint64_t kMostNeighbours = 16;  // a /28

net::Ip ip(std::string_view text) {
  return *net::Ip::parse(text);
}

// The gateway of every IPv6 subnet, as in EC2.
constexpr std::string_view kGatewayV6 = "fe80:ec2::1";
/// Behind branch ENIs, whose nodes ask for their neighbours in another ENI's name.
constexpr std::string_view kSourceCheckV4 =
    "*raw\n-A PREROUTING -i eni-+ -m rpfilter --invert -j DROP\nCOMMIT\n";
// rp_filter is IPv4's; private IPv6 does not travel in a VPC.
constexpr std::string_view kSourceCheckV6 =
    "*raw\n-A PREROUTING -s 2000::/3 -m rpfilter --invert -j DROP\n"
    "-A PREROUTING -s fc00::/7 -j DROP\nCOMMIT\n";

/// Of the links that are no ENI's.
net::Mac outer_mac(std::uint8_t number) {
  return net::Mac({0x02, 0xff, 0, 0, 0, number});
}

linux::Address unique(net::IfIndex link, const net::Ip& address, int length) {
  linux::Address out = linux::address_of(link, {address, length});
  out.is_unique = true;
  return out;
}

net::Cidr default_v6() {
  return {net::Ip::v6({}), 0};
}

/// 15 characters at most: the last ten digits of the id are unique in the model.
std::string port_name(const net::EniId& eni) {
  const std::string text = to_string(eni);
  return "eni-" + text.substr(text.size() - std::min<std::size_t>(10, text.size()));
}

/// The router's side of the same number.
net::Mac router_mac(const net::Mac& mac) {
  auto bytes = mac.bytes();
  bytes[0] = static_cast<std::uint8_t>(bytes[0] | 0x40U);
  return net::Mac(bytes);
}

/// "eth1"; on another network card "eth1c0".
std::string node_name(const EniLink& eni) {
  const bool first = eni.card == net::NetworkCard(0);
  return "eth" + (first ? "" : to_string(eni.card) + "c") + to_string(eni.device);
}

net::Ip gateway_of(const net::Cidr& subnet) {
  return subnet.at(1);
}

Result<net::IfIndex> index_of(linux::Netlink& kernel, std::string_view name) {
  VPCCNI_TRY(const auto link, linux::get_link(kernel, name));
  return link.index;
}

Result<> up(linux::Netlink& kernel, std::string_view name) {
  VPCCNI_TRY(const auto link, index_of(kernel, name));
  return kernel.apply(linux::change_link(link, {.up = true}));
}

}  // namespace

Fabric::Fabric(linux::Netns router, linux::Netlink kernel, linux::Netns internet,
               linux::Netlink internet_kernel)
    : router_(std::move(router)),
      kernel_(std::move(kernel)),
      internet_(std::move(internet)),
      internet_kernel_(std::move(internet_kernel)) {}

Result<Fabric> Fabric::open(const std::string& router, const std::string& internet,
                            const std::vector<net::Cidr>& vpc_cidrs) {
  VPCCNI_TRY(auto router_ns, linux::Netns::open(router));
  VPCCNI_TRY(auto internet_ns, linux::Netns::open(internet));
  VPCCNI_TRY(auto kernel, linux::Netlink::open_in(router_ns));
  VPCCNI_TRY(auto internet_kernel, linux::Netlink::open_in(internet_ns));
  Fabric fabric(std::move(router_ns), std::move(kernel), std::move(internet_ns),
                std::move(internet_kernel));
  VPCCNI_CHECK(wrap(fabric.prepare(vpc_cidrs), "prepare the fabric"));
  return fabric;
}

Result<> Fabric::prepare(const std::vector<net::Cidr>& vpc_cidrs) {
  VPCCNI_CHECK(linux::with_netns(router_, []() -> Result<> {
    VPCCNI_CHECK(linux::Iptables({"iptables-save"}, {"iptables-restore"})
                     .restore(std::string(kSourceCheckV4)));
    VPCCNI_CHECK(linux::set_sysctl("net/ipv4/ip_forward", "1"));
    VPCCNI_CHECK(linux::set_sysctl("net/ipv4/conf/default/rp_filter", "1"));
    VPCCNI_CHECK(linux::set_sysctl("net/ipv4/conf/default/proxy_arp", "1"));
    return linux::set_sysctl("net/ipv4/conf/all/send_redirects", "0");
  }));
  for (const auto* netns : {&router_, &internet_}) {
    VPCCNI_CHECK(linux::with_netns(
        *netns, [] { return linux::set_sysctl("net/ipv6/conf/default/accept_dad", "0"); }));
  }
  VPCCNI_CHECK(up(kernel_, "lo"));
  VPCCNI_CHECK(up(internet_kernel_, "lo"));
  VPCCNI_TRY(const auto lo, index_of(kernel_, "lo"));
  for (const auto host : {kImdsHost, kEc2Host, kKubernetesHost}) {
    VPCCNI_CHECK(kernel_.ensure(linux::add_address({lo, {ip(host), 32}})));
  }
  linux::NewVeth veth;
  veth.name = "internet";
  veth.mac = outer_mac(1);
  veth.peer_name = "eth0";
  veth.peer_mac = outer_mac(2);
  veth.mtu = kMtu;
  veth.peer_netns = internet_.fd();
  VPCCNI_CHECK(kernel_.apply(linux::create_veth(veth)));
  VPCCNI_CHECK(up(internet_kernel_, "eth0"));
  VPCCNI_TRY(const auto outside, index_of(kernel_, "internet"));
  VPCCNI_TRY(to_router_, index_of(internet_kernel_, "eth0"));
  VPCCNI_CHECK(kernel_.apply(linux::add_address({outside, {ip("100.64.0.1"), 32}})));
  // Without it the internet host's source check drops the router's own ARP requests.
  VPCCNI_CHECK(
      internet_kernel_.apply(linux::add_route({.destination = net::Cidr::host(ip("100.64.0.1")),
                                               .link = to_router_,
                                               .scope = linux::Scope::link})));
  VPCCNI_TRY(const auto inside_lo, index_of(internet_kernel_, "lo"));
  VPCCNI_CHECK(internet_kernel_.apply(linux::add_address({inside_lo, {ip(kInternetHost), 32}})));
  VPCCNI_CHECK(kernel_.apply(linux::add_route({.destination = net::Cidr(net::Ip::v4(0), 0),
                                               .link = outside,
                                               .scope = linux::Scope::link})));
  // What nobody has inside the VPC must not leave it: a port of its own swallows it.
  linux::NewVeth hole = veth;
  hole.name = "nowhere";
  hole.mac = outer_mac(3);
  hole.peer_name = "nowhere";
  hole.peer_mac = outer_mac(4);
  VPCCNI_CHECK(kernel_.apply(linux::create_veth(hole)));
  VPCCNI_CHECK(up(internet_kernel_, "nowhere"));
  VPCCNI_TRY(const auto nowhere, index_of(kernel_, "nowhere"));
  for (const auto& cidr : vpc_cidrs) {
    VPCCNI_CHECK(kernel_.apply(
        linux::add_route({.destination = cidr, .link = nowhere, .scope = linux::Scope::link})));
  }
  VPCCNI_CHECK(linux::with_netns(
      router_, [] { return linux::set_sysctl("net/ipv4/neigh/internet/proxy_delay", "0"); }));
  VPCCNI_CHECK(prepare_v6(outside));
  return linux::with_netns(internet_, []() -> Result<> {
    VPCCNI_CHECK(linux::set_sysctl("net/ipv4/conf/all/rp_filter", "1"));
    // Its only neighbour is the router, whatever the address.
    return linux::set_sysctl("net/ipv4/conf/nowhere/arp_ignore", "8");
  });
}

Result<> Fabric::prepare_v6(net::IfIndex outside) {
  VPCCNI_CHECK(linux::with_netns(router_, []() -> Result<> {
    VPCCNI_CHECK(linux::set_sysctl("net/ipv6/conf/all/forwarding", "1"));
    return linux::Iptables({"ip6tables-save"}, {"ip6tables-restore"})
        .restore(std::string(kSourceCheckV6));
  }));
  const net::Ip host = ip(kInternetHostV6);
  VPCCNI_CHECK(internet_kernel_.apply(linux::add_address(unique(to_router_, host, 128))));
  VPCCNI_CHECK(
      kernel_.ensure(linux::add_address(unique(outside, net::link_local(outer_mac(1)), 64))));
  VPCCNI_CHECK(internet_kernel_.ensure(
      linux::add_address(unique(to_router_, net::link_local(outer_mac(2)), 64))));
  VPCCNI_CHECK(
      internet_kernel_.apply(linux::add_route({.destination = default_v6(),
                                               .link = to_router_,
                                               .gateway = net::link_local(outer_mac(1))})));
  return kernel_.apply(linux::add_route({.destination = net::Cidr::host(host),
                                         .link = outside,
                                         .gateway = net::link_local(outer_mac(2))}));
}

Result<> Fabric::set_up_node_end(const EniLink& eni, const linux::Netns& node) {
  if (!eni.configured) {
    return {};
  }
  VPCCNI_TRY(auto kernel, linux::Netlink::open_in(node));
  VPCCNI_CHECK(up(kernel, "lo"));
  const std::string name = node_name(eni);
  // A node has its addresses long before it has pods.
  VPCCNI_CHECK(linux::with_netns(
      node, [&] { return linux::set_sysctl("net/ipv6/conf/" + name + "/accept_dad", "0"); }));
  VPCCNI_CHECK(up(kernel, name));
  VPCCNI_TRY(const auto link, index_of(kernel, name));
  VPCCNI_CHECK(kernel.ensure(
      linux::add_address(linux::address_of(link, {eni.primary, eni.subnet.length()}))));
  VPCCNI_CHECK(kernel.ensure(linux::add_route({.destination = net::Cidr(net::Ip::v4(0), 0),
                                               .link = link,
                                               .gateway = gateway_of(eni.subnet)})));
  if (eni.primary_v6) {
    VPCCNI_CHECK(kernel.ensure(linux::add_address(unique(link, *eni.primary_v6, 128))));
    VPCCNI_CHECK(kernel.ensure(
        linux::add_route({.destination = default_v6(), .link = link, .gateway = ip(kGatewayV6)})));
  }
  return linux::with_netns(node, [&]() -> Result<> {
    VPCCNI_CHECK(linux::set_sysctl("net/ipv4/ip_forward", "1"));
    VPCCNI_CHECK(linux::set_sysctl("net/ipv6/conf/all/forwarding", eni.primary_v6 ? "1" : "0"));
    return linux::set_sysctl("net/ipv4/conf/" + name + "/rp_filter", "2");
  });
}

Result<> Fabric::attach(const EniLink& eni, const linux::Netns& node) {
  linux::NewVeth veth;
  veth.name = port_name(eni.id);
  veth.mac = router_mac(eni.mac);
  veth.peer_name = node_name(eni);
  veth.peer_mac = eni.mac;
  veth.mtu = kMtu;
  veth.peer_netns = node.fd();
  VPCCNI_CHECK(kernel_.apply(linux::create_veth(veth)));
  VPCCNI_CHECK(wrap(set_up_node_end(eni, node), "configure " + veth.peer_name));
  return serve(eni, veth.name);
}

Result<> Fabric::attach_branch(const EniLink& eni, const net::EniId& trunk, net::VlanId vlan) {
  const auto carrier = ports_.find(trunk);
  if (carrier == ports_.end()) {
    return Error{Errc::not_found, "trunk " + to_string(trunk) + " is not attached"};
  }
  const std::string name = port_name(eni.id);
  VPCCNI_CHECK(kernel_.apply(linux::create_vlan(
      {.name = name, .id = vlan, .parent = carrier->second.link, .mac = router_mac(eni.mac)})));
  // The VPC's router answers whoever asks. What the pod sends is checked by kSourceCheckV4.
  VPCCNI_CHECK(linux::with_netns(
      router_, [&] { return linux::set_sysctl("net/ipv4/conf/" + name + "/rp_filter", "0"); }));
  VPCCNI_CHECK(up(kernel_, name));
  return serve(eni, name);
}

Result<> Fabric::serve(const EniLink& eni, const std::string& name) {
  VPCCNI_TRY(const auto link, index_of(kernel_, name));
  VPCCNI_CHECK(kernel_.ensure(linux::add_address({link, {gateway_of(eni.subnet), 32}})));
  VPCCNI_CHECK(kernel_.ensure(linux::add_address(unique(link, ip(kGatewayV6), 64))));
  // The kernel answers for others up to 0.8 s late, unless told not to.
  VPCCNI_CHECK(linux::with_netns(
      router_, [&] { return linux::set_sysctl("net/ipv4/neigh/" + name + "/proxy_delay", "0"); }));
  const Port port{link, eni.mac, eni.primary};
  ports_.insert_or_assign(eni.id, port);
  for (const auto& block : blocks_[eni.id]) {
    VPCCNI_CHECK(deliver(port, block));
  }
  // Only primary addresses have a public mapping.
  VPCCNI_CHECK(
      internet_kernel_.ensure(linux::replace_route({.destination = net::Cidr::host(eni.primary),
                                                    .link = to_router_,
                                                    .scope = linux::Scope::link})));
  return {};
}

Result<> Fabric::deliver(const Port& port, const net::Cidr& block) {
  if (block.family() != net::Family::v4) {
    return kernel_.apply(linux::replace_route(
        {.destination = block, .link = port.link, .gateway = net::link_local(port.mac)}));
  }
  VPCCNI_CHECK(kernel_.apply(linux::replace_route(
      {.destination = block, .link = port.link, .scope = linux::Scope::link})));
  for (std::uint64_t i = 0; i < std::min(block.size(), kMostNeighbours); ++i) {
    VPCCNI_CHECK(kernel_.ensure(linux::add_neighbour(port.link, block.at(i), port.mac)));
  }
  return {};
}

Result<> Fabric::detach(const net::EniId& eni) {
  const auto found = ports_.find(eni);
  if (found == ports_.end()) {
    return {};
  }
  VPCCNI_CHECK(kernel_.remove(linux::delete_link(found->second.link)));
  VPCCNI_CHECK(internet_kernel_.remove(linux::delete_route(
      {.destination = net::Cidr::host(found->second.primary), .scope = linux::Scope::link})));
  ports_.erase(found);
  return {};
}

Result<> Fabric::assign(const net::EniId& eni, const net::Cidr& block) {
  blocks_[eni].insert(block);
  const auto port = ports_.find(eni);
  return port == ports_.end() ? Result<>() : deliver(port->second, block);
}

Result<> Fabric::unassign(const net::EniId& eni, const net::Cidr& block) {
  blocks_[eni].erase(block);
  const auto port = ports_.find(eni);
  if (port == ports_.end()) {
    return {};
  }
  const auto scope =
      block.family() == net::Family::v4 ? linux::Scope::link : linux::Scope::universe;
  VPCCNI_CHECK(kernel_.remove(
      linux::delete_route({.destination = block, .link = port->second.link, .scope = scope})));
  return {};
}

}  // namespace vpccni::lab
