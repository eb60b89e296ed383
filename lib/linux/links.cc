#include "linux/links.h"

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/veth.h>

#include <algorithm>

#include "linux/netlink_handle.h"

namespace vpccni::linux {

namespace {

using LinkObject = Object<ifinfomsg, IFLA_MAX>;

void put_end(Message& message, std::string_view name, const net::Mac& mac, int mtu) {
  message.put_name(IFLA_IFNAME, name);
  message.put(IFLA_ADDRESS, mac);
  message.put(IFLA_MTU, static_cast<std::uint32_t>(mtu));
  message.put(IFLA_TXQLEN, std::uint32_t{0});
}

ifinfomsg header_for(net::IfIndex link) {
  ifinfomsg header{};
  header.ifi_index = link.value();
  return header;
}

std::string kind_of(const LinkObject& object) {
  std::array<nlattr*, IFLA_INFO_MAX + 1> parts{};
  nlattr* nest = object.attribute(IFLA_LINKINFO);
  if (nest == nullptr || nla_parse_nested(parts.data(), IFLA_INFO_MAX, nest, nullptr) != 0 ||
      parts[IFLA_INFO_KIND] == nullptr) {
    return {};
  }
  const auto* text = static_cast<const char*>(nla_data(parts[IFLA_INFO_KIND]));
  return {text, strnlen(text, static_cast<std::size_t>(nla_len(parts[IFLA_INFO_KIND])))};
}

}  // namespace

Request create_veth(const NewVeth& veth) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  ifinfomsg header{};
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  message.append(header);
  put_end(message, veth.name, veth.mac, veth.mtu);
  nlattr* info = message.nest(IFLA_LINKINFO);
  message.put_name(IFLA_INFO_KIND, "veth");
  nlattr* data = message.nest(IFLA_INFO_DATA);
  nlattr* peer = message.nest(VETH_INFO_PEER);
  message.append(ifinfomsg{});
  put_end(message, veth.peer_name, veth.peer_mac, veth.mtu);
  message.put(IFLA_NET_NS_FD, static_cast<std::uint32_t>(veth.peer_netns));
  message.end(peer);
  message.end(data);
  message.end(info);
  return message.request("create veth " + veth.name + " with peer " + veth.peer_name);
}

Request create_vlan(const NewVlan& vlan) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.append(ifinfomsg{});
  message.put_name(IFLA_IFNAME, vlan.name);
  message.put(IFLA_ADDRESS, vlan.mac);
  message.put(IFLA_LINK, static_cast<std::uint32_t>(vlan.parent.value()));
  nlattr* info = message.nest(IFLA_LINKINFO);
  message.put_name(IFLA_INFO_KIND, "vlan");
  nlattr* data = message.nest(IFLA_INFO_DATA);
  message.put(IFLA_VLAN_ID, static_cast<std::uint16_t>(vlan.id.value()));
  message.end(data);
  message.end(info);
  return message.request("create VLAN link " + vlan.name);
}

Request get_link(std::string_view name) {
  Message message(RTM_GETLINK, 0);
  message.append(ifinfomsg{});
  message.put_name(IFLA_IFNAME, name);
  message.put(IFLA_EXT_MASK, std::uint32_t{RTEXT_FILTER_SKIP_STATS});
  return message.request("find link " + std::string(name));
}

Request change_link(net::IfIndex link, const LinkChange& change) {
  Message message(RTM_NEWLINK, 0);
  ifinfomsg header = header_for(link);
  if (change.up) {
    header.ifi_flags = IFF_UP;
    header.ifi_change = IFF_UP;
  }
  message.append(header);
  if (change.mtu) {
    message.put(IFLA_MTU, static_cast<std::uint32_t>(*change.mtu));
  }
  return message.request("set link " + to_string(link) + (change.up ? " up" : "") +
                         (change.mtu ? " mtu " + std::to_string(*change.mtu) : ""));
}

Request delete_link(net::IfIndex link) {
  Message message(RTM_DELLINK, 0);
  message.append(header_for(link));
  return message.request("delete link " + to_string(link));
}

std::optional<Link> parse_link(const std::string& bytes) {
  const LinkObject object(bytes);
  if (!object.valid()) {
    return std::nullopt;
  }
  return Link{.index = net::IfIndex(object.header().ifi_index),
              .name = object.name(IFLA_IFNAME),
              .mac = object.mac(IFLA_ADDRESS).value_or(net::Mac()),
              .mtu = static_cast<int>(object.number(IFLA_MTU).value_or(0)),
              .up = (object.header().ifi_flags & IFF_UP) != 0,
              .peer = net::IfIndex(static_cast<int>(object.number(IFLA_LINK).value_or(0))),
              .kind = kind_of(object),
              .peer_netns = object.number(IFLA_LINK_NETNSID)};
}

Result<std::vector<Link>> links(Netlink& netlink) {
  Message message(RTM_GETLINK, NLM_F_DUMP);
  message.append(ifinfomsg{});
  message.put(IFLA_EXT_MASK, std::uint32_t{RTEXT_FILTER_SKIP_STATS});
  VPCCNI_TRY(const auto objects, netlink.dump(message.request("list links")));
  std::vector<Link> all;
  for (const std::string& object : objects) {
    if (auto link = parse_link(object)) {
      all.push_back(*std::move(link));
    }
  }
  return all;
}

const Link* find_link(const std::vector<Link>& links, std::string_view name) {
  const auto found =
      std::find_if(links.begin(), links.end(), [&](const Link& link) { return link.name == name; });
  return found == links.end() ? nullptr : &*found;
}

const Link* find_link(const std::vector<Link>& links, const net::Mac& mac) {
  const Link* found = nullptr;
  for (const Link& link : links) {
    if (link.mac == mac && (found == nullptr || (!found->kind.empty() && link.kind.empty()))) {
      found = &link;
    }
  }
  return found;
}

Result<std::optional<std::uint32_t>> netns_id(Netlink& netlink, int netns_fd) {
  Message message(RTM_GETNSID, 0);
  message.append(rtgenmsg{});
  message.put(NETNSA_FD, static_cast<std::uint32_t>(netns_fd));
  const Request request = message.request("number of a network namespace");
  VPCCNI_TRY(const auto replies, netlink.batch({&request, 1}));
  VPCCNI_CHECK(outcome(request, replies.front()));
  if (replies.front().objects.empty()) {
    return std::optional<std::uint32_t>();
  }
  const Object<rtgenmsg, NETNSA_MAX> object(replies.front().objects.front());
  const auto id = object.number(NETNSA_NSID);
  const bool none = !id || *id == static_cast<std::uint32_t>(NETNSA_NSID_NOT_ASSIGNED);
  return none ? std::nullopt : id;
}

Result<Link> get_link(Netlink& netlink, std::string_view name) {
  const Request request = get_link(name);
  VPCCNI_TRY(const auto replies, netlink.batch({&request, 1}));
  VPCCNI_CHECK(outcome(request, replies.front()));
  if (!replies.front().objects.empty()) {
    if (auto link = parse_link(replies.front().objects.front())) {
      return *std::move(link);
    }
  }
  return Error{Errc::corrupt, request.what + ": no answer"};
}

Result<Link> get_link(Netlink& netlink, const net::Mac& mac) {
  VPCCNI_TRY(const auto all, links(netlink));
  const Link* found = find_link(all, mac);
  if (found == nullptr) {
    return Error{Errc::not_found, "no link has the MAC address " + to_string(mac), "ENODEV"};
  }
  return *found;
}

}  // namespace vpccni::linux
