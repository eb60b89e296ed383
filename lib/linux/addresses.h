#pragma once
// Addresses of links as values, and the requests on them.

#include <optional>
#include <vector>

#include "linux/netlink_socket.h"
#include "linux/scope.h"
#include "net/id.h"
#include "net/ip.h"

namespace vpccni::linux {

struct Address {
  net::IfIndex link;
  net::IpInterface value;
  std::optional<net::Ip> broadcast = {};
  bool permanent = true;          // only read: false if somebody gave it a lifetime (DHCP)
  Scope scope = Scope::universe;  // only written
  bool is_unique = false;  // only written: IPv6 does not look for duplicates before it is used

  friend bool operator==(const Address&, const Address&) = default;
};

/// With the broadcast address where IPv4 has one: prefixes shorter than /31.
Address address_of(net::IfIndex link, const net::IpInterface& value);

/// No label. EEXIST when the link has it.
Request add_address(const Address& address);
/// Address, length and link decide.
Request delete_address(const Address& address);

Result<std::vector<Address>> addresses(Netlink& netlink, net::IfIndex link, net::Family family);

}  // namespace vpccni::linux
