#include <cerrno>

#include "linux/addresses.h"
#include "linux/links.h"
#include "linux/netlink_socket.h"
#include "linux/routes.h"
#include "linux/rules.h"
#include "podnet/host.h"
#include "podnet/policy_rules.h"

namespace vpccni::podnet {

namespace {

Result<> bring_up(linux::Netlink& netlink, const linux::Link& link, int mtu) {
  if (link.up && link.mtu == mtu) {
    return {};
  }
  return netlink.apply(linux::change_link(link.index, {.up = true, .mtu = mtu}));
}

/// Removes what a DHCP client or an earlier attachment left. The right address is not touched when
/// it is as wanted: removing a link's last address would flush the routes of its pods.
Result<> remove_other_addresses(linux::Netlink& netlink, const linux::Address& wanted) {
  const auto family = wanted.value.address.family();
  VPCCNI_TRY(const auto existing, linux::addresses(netlink, wanted.link, family));
  for (const linux::Address& address : existing) {
    if (address != wanted && address.value.address.is_global_unicast()) {
      VPCCNI_CHECK(netlink.remove(linux::delete_address(address)));
    }
  }
  return {};
}

Result<> address_and_routes(linux::Netlink& netlink, net::IfIndex link, const EniNetwork& eni) {
  const linux::Address address = linux::address_of(link, {eni.ip, eni.subnet.length()});
  VPCCNI_CHECK(remove_other_addresses(netlink, address));
  std::vector<linux::Request> requests = {linux::add_address(address),
                                          linux::delete_route(connected_route(eni, link))};
  for (const linux::Route& route : eni_routes(eni, link)) {
    requests.push_back(linux::replace_route(route));
  }
  VPCCNI_TRY(const auto replies, netlink.batch(requests));
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const bool is_fine = replies[i].number == (i == 0 ? EEXIST : i == 1 ? ESRCH : 0);
    VPCCNI_CHECK(is_fine ? Result<>() : linux::outcome(requests[i], replies[i]));
  }
  return {};
}

}  // namespace

linux::Route connected_route(const EniNetwork& eni, net::IfIndex link) {
  linux::Route connected{.destination = eni.subnet, .link = link, .scope = linux::Scope::link};
  if (eni.ip.is_v4()) {
    connected.preferred_source = eni.ip;
  }
  return connected;
}

std::vector<linux::Route> eni_routes(const EniNetwork& eni, net::IfIndex link) {
  const net::Ip gateway = vpc_gateway(eni.subnet);
  return {
      {.destination = net::Cidr::host(gateway),
       .table = eni.table,
       .link = link,
       .scope = linux::Scope::link},
      {.destination = net::Cidr(gateway, 0), .table = eni.table, .link = link, .gateway = gateway}};
}

net::Ip vpc_gateway(const net::Cidr& subnet) {
  if (subnet.family() == net::Family::v4) {
    return subnet.at(1);
  }
  return net::Ip::v6({0xfe, 0x80, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

Result<net::IfIndex> link_of(const net::Mac& mac) {
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  VPCCNI_TRY(const auto link, linux::get_link(netlink, mac));
  return link.index;
}

Result<> set_up_eni(const EniNetwork& eni) {
  if (eni.table == net::kMainTable || eni.table == net::kLocalTable || eni.table.value() == 0) {
    return Error{Errc::invalid_argument,
                 "ENI " + to_string(eni.mac) + " cannot have route table " + to_string(eni.table)};
  }
  if (eni.ip.family() != eni.subnet.family() || eni.subnet.size() < 2) {
    return Error{Errc::invalid_argument,
                 to_string(eni.ip) + " is no address of subnet " + to_string(eni.subnet)};
  }
  const std::string doing = "set up ENI " + to_string(eni.mac);
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  VPCCNI_TRY(const auto link, wrap(linux::get_link(netlink, eni.mac), doing));
  VPCCNI_CHECK(wrap(bring_up(netlink, link, eni.mtu), doing));
  VPCCNI_CHECK(wrap(address_and_routes(netlink, link.index, eni), doing));
  if (eni.trunk || eni.rule_exists) {
    return {};
  }
  VPCCNI_CHECK(wrap(keep_only(netlink, rule_from(eni.ip, eni.table, kFromEni)), doing));
  return {};
}

}  // namespace vpccni::podnet
