#pragma once
// Permanent neighbour (ARP/ND) entries.

#include <vector>

#include "linux/netlink_socket.h"
#include "net/id.h"
#include "net/ip.h"
#include "net/mac.h"

namespace vpccni::linux {

/// `ip neigh add <ip> lladdr <mac> dev <link> nud permanent`. EEXIST if the link knows the address.
Request add_neighbour(net::IfIndex link, const net::Ip& ip, const net::Mac& mac);

struct Neighbour {
  net::Ip address;
  net::Mac mac;
};
/// Those of the link whose MAC address is known.
Result<std::vector<Neighbour>> neighbours(Netlink& netlink, net::IfIndex link, net::Family family);

}  // namespace vpccni::linux
