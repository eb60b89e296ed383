#pragma once
// Permanent neighbour (ARP/ND) entries.

#include "linux/netlink_socket.h"
#include "net/id.h"
#include "net/ip.h"
#include "net/mac.h"

namespace vpccni::linux {

/// `ip neigh add <ip> lladdr <mac> dev <link> nud permanent`. EEXIST if the link knows the address.
Request add_neighbour(net::IfIndex link, const net::Ip& ip, const net::Mac& mac);

}  // namespace vpccni::linux
