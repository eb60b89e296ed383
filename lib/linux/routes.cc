#include "linux/routes.h"

#include "linux/netlink_handle.h"

namespace vpccni::linux {

namespace {

// Table ids from 256 on travel in the attribute alone.
constexpr std::uint32_t kHeaderTables = 256;

rtmsg header_for(const Route& route) {
  rtmsg header{};
  header.rtm_family = kernel_family(route.destination.family());
  header.rtm_dst_len = static_cast<std::uint8_t>(route.destination.length());
  header.rtm_scope = static_cast<std::uint8_t>(route.scope);
  const std::uint32_t table = route.table.value();
  header.rtm_table = table < kHeaderTables ? static_cast<std::uint8_t>(table) : 0;
  return header;
}

Request request_for(int type, int flags, const Route& route, std::string_view verb) {
  Message message(type, flags);
  rtmsg header = header_for(route);
  if (type == RTM_NEWROUTE) {
    header.rtm_protocol = RTPROT_BOOT;
    header.rtm_type = RTN_UNICAST;
  }
  message.append(header);
  if (route.destination.length() > 0) {
    message.put(RTA_DST, route.destination.base());
  }
  message.put(RTA_TABLE, route.table.value());
  if (route.link.value() > 0) {
    message.put(RTA_OIF, static_cast<std::uint32_t>(route.link.value()));
  }
  if (route.gateway) {
    message.put(RTA_GATEWAY, *route.gateway);
  }
  if (route.preferred_source) {
    message.put(RTA_PREFSRC, *route.preferred_source);
  }
  std::string what(verb);
  what += " route " + to_string(route.destination);
  if (route.gateway) {
    what += " via " + to_string(*route.gateway);
  }
  return message.request(what + " in table " + to_string(route.table));
}

}  // namespace

Request add_route(const Route& route) {
  return request_for(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route, "add");
}

Request replace_route(const Route& route) {
  return request_for(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route, "replace");
}

Request delete_route(const Route& route) {
  return request_for(RTM_DELROUTE, 0, route, "delete");
}

Request get_route(const net::Ip& destination) {
  Message message(RTM_GETROUTE, 0);
  rtmsg header{};
  header.rtm_family = kernel_family(destination.family());
  header.rtm_dst_len = static_cast<std::uint8_t>(destination.bits());
  header.rtm_flags = RTM_F_FIB_MATCH | RTM_F_LOOKUP_TABLE;
  message.append(header);
  message.put(RTA_DST, destination);
  return message.request("find route to " + to_string(destination));
}

std::optional<Route> parse_route(const std::string& bytes) {
  const Object<rtmsg, RTA_MAX> object(bytes);
  const rtmsg& header = object.header();
  const bool v4 = header.rtm_family == AF_INET;
  if (!object.valid() || header.rtm_type != RTN_UNICAST || (!v4 && header.rtm_family != AF_INET6) ||
      !object.number(RTA_OIF)) {
    return std::nullopt;
  }
  const net::Ip base = object.ip(RTA_DST).value_or(v4 ? net::Ip() : net::Ip::v6({}));
  return Route{.destination = {base, header.rtm_dst_len},
               .table = net::TableId(object.number(RTA_TABLE).value_or(header.rtm_table)),
               .link = net::IfIndex(static_cast<int>(*object.number(RTA_OIF))),
               .scope = static_cast<Scope>(header.rtm_scope),
               .gateway = object.ip(RTA_GATEWAY),
               .preferred_source = object.ip(RTA_PREFSRC)};
}

Result<std::vector<Route>> routes(Netlink& netlink, net::Family family, net::TableId table) {
  Message message(RTM_GETROUTE, NLM_F_DUMP);
  rtmsg header{};
  header.rtm_family = kernel_family(family);
  message.append(header);
  message.put(RTA_TABLE, table.value());
  std::vector<Route> all;
  auto objects = netlink.dump(message.request("list routes of table " + to_string(table)));
  if (!objects && objects.error().code == Errc::not_found) {
    return all;  // the kernel has not made that table yet
  }
  VPCCNI_CHECK(objects ? Result<>() : Result<>(objects.error()));
  for (const std::string& object : *objects) {
    auto route = parse_route(object);
    if (route && route->table == table) {
      all.push_back(*std::move(route));
    }
  }
  return all;
}

}  // namespace vpccni::linux
