#pragma once
// Routes as values, and the requests on them. An added route is unicast with protocol boot (3);
// a delete names neither protocol nor type, so that it also matches the kernel's own routes.

#include <optional>
#include <vector>

#include "linux/netlink_socket.h"
#include "linux/scope.h"
#include "net/id.h"
#include "net/ip.h"

namespace vpccni::linux {

struct Route {
  net::Cidr destination;
  net::TableId table = net::kMainTable;
  net::IfIndex link = {};  // 0 = any, on delete
  Scope scope = Scope::universe;
  std::optional<net::Ip> gateway = {};
  std::optional<net::Ip> preferred_source = {};
};

/// EEXIST if the table has a route to that destination.
Request add_route(const Route& route);
Request replace_route(const Route& route);
/// ESRCH if there is none.
Request delete_route(const Route& route);
/// The route that the kernel would take to `destination` now: read it with parse_route.
Request get_route(const net::Ip& destination);

/// None for a route that is not unicast or has several next hops.
std::optional<Route> parse_route(const std::string& object);

Result<std::vector<Route>> routes(Netlink& netlink, net::Family family, net::TableId table);

}  // namespace vpccni::linux
