#pragma once
// Links (network devices) as values, and the requests on them. Pure but for the functions that
// take a Netlink. Lookups are by name or index; links() reads all and is not for the ADD path.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "linux/netlink_socket.h"
#include "net/id.h"
#include "net/mac.h"

namespace vpccni::linux {

struct Link {
  net::IfIndex index;
  std::string name;
  net::Mac mac;
  int mtu = 0;
  bool up = false;
  net::IfIndex peer;  // the other end of a veth, an index of its namespace
  std::string kind;   // "veth", "vlan", …; empty for hardware
  /// Of the namespace where the peer is, as this link's namespace numbers it; see netns_id.
  std::optional<std::uint32_t> peer_netns = {};
};

/// Both ends of a veth in one message. This end is created up; the kernel refuses that for the
/// peer (its other end does not exist yet: ENOTCONN).
struct NewVeth {
  std::string name;
  net::Mac mac;
  std::string peer_name;
  net::Mac peer_mac;
  int mtu = 0;
  int peer_netns = -1;  // borrowed descriptor
};

/// An 802.1Q link, down, with its parent's MTU.
struct NewVlan {
  std::string name;
  net::VlanId id;
  net::IfIndex parent;
  net::Mac mac;
};

struct LinkChange {
  bool up = false;  // false leaves the state as it is
  std::optional<int> mtu = {};
};

Request create_veth(const NewVeth& veth);
/// EOPNOTSUPP where the kernel has no 802.1Q.
Request create_vlan(const NewVlan& vlan);
Request get_link(std::string_view name);
Request change_link(net::IfIndex link, const LinkChange& change);
Request delete_link(net::IfIndex link);

std::optional<Link> parse_link(const std::string& object);

Result<std::vector<Link>> links(Netlink& netlink);
/// Null if none has the name.
const Link* find_link(const std::vector<Link>& links, std::string_view name);
/// Null if none has the address; hardware goes before what may carry its parent's (VLAN, macvlan).
const Link* find_link(const std::vector<Link>& links, const net::Mac& mac);
/// The number by which the socket's namespace knows another; nullopt: by none.
Result<std::optional<std::uint32_t>> netns_id(Netlink& netlink, int netns_fd);
/// `not_found` with cause ENODEV when there is none.
Result<Link> get_link(Netlink& netlink, std::string_view name);
Result<Link> get_link(Netlink& netlink, const net::Mac& mac);

}  // namespace vpccni::linux
