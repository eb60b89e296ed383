#include "cni/egress_config.h"

#include <algorithm>

#include "base/text.h"
#include "cni/version.h"

namespace vpccni::cni {

namespace {

constexpr std::string_view kDefaultDirectory = "/var/lib/cni/networks";

Error unusable(std::string_view what) {
  return Error{Errc::invalid_argument, "ipam: " + std::string(what)};
}

Result<std::optional<net::Ip>> ip_member(const base::Json& object, std::string_view key,
                                         net::Family family) {
  const std::string text = base::string_member(object, key);
  if (text.empty()) {
    return std::optional<net::Ip>();
  }
  VPCCNI_TRY(const auto ip, wrap(net::Ip::parse(text), "ipam: " + std::string(key)));
  if (ip.family() != family) {
    return unusable(std::string(key) + " " + text + " is of another family");
  }
  return std::optional(ip);
}

/// The one element of a list.
const base::Json* only(const base::Json* list) {
  return list != nullptr && list->is_array() && list->size() == 1 ? &list->front() : nullptr;
}

Result<> parse_routes(const base::Json& ipam, LocalAddresses& out) {
  const auto* routes = base::find_member(ipam, "routes");
  if (routes == nullptr || routes->is_null()) {
    return {};
  }
  if (!routes->is_array()) {
    return unusable("routes is no list");
  }
  for (const auto& route : *routes) {
    VPCCNI_TRY(const auto dst,
               wrap(net::Cidr::parse(base::string_member(route, "dst")), "ipam: routes"));
    if (dst.family() != out.subnet.family() || base::find_member(route, "gw") != nullptr) {
      return unusable("a route of another family, or with a gateway of its own");
    }
    out.routes.push_back(dst);
  }
  return {};
}

Result<LocalAddresses> parse_addresses(const base::Json& ipam, const std::string& network) {
  const std::string type = base::string_member(ipam, "type");
  if (type != "host-local") {
    return unusable("type " + base::json_quote(type.substr(0, 64)) + "; only host-local is known");
  }
  const auto* range = only(base::find_member(ipam, "ranges"));
  range = range == nullptr ? nullptr : only(range);
  if (range == nullptr) {
    return unusable("ranges must be one list of one range");
  }
  LocalAddresses out;
  VPCCNI_TRY(out.subnet,
             wrap(net::Cidr::parse(base::string_member(*range, "subnet")), "ipam: subnet"));
  const auto family = out.subnet.family();
  VPCCNI_TRY(out.first, ip_member(*range, "rangeStart", family));
  VPCCNI_TRY(out.last, ip_member(*range, "rangeEnd", family));
  VPCCNI_TRY(out.gateway, ip_member(*range, "gateway", family));
  VPCCNI_CHECK(parse_routes(ipam, out));
  out.directory = base::string_member(ipam, "dataDir");
  if (out.directory.empty()) {
    out.directory = kDefaultDirectory;
  }
  if (out.directory.front() != '/') {
    return unusable("dataDir must be an absolute path");
  }
  out.directory += "/" + network;
  return out;
}

/// A number counts as its text; absent is "".
std::string text_of(const base::Json& config, std::string_view key) {
  const auto* value = base::find_member(config, key);
  return value != nullptr && value->is_number_integer() ? base::dump_json(*value)
                                                        : base::string_member(config, key);
}

}  // namespace

Result<EgressConfig> parse_egress_config(const base::Json& config) {
  EgressConfig out;
  out.log_file = base::string_member(config, "pluginLogFile");
  out.log_level = base::string_member(config, "pluginLogLevel");
  out.enabled = base::string_member(config, "enabled") == "true";
  out.randomize = base::string_member(config, "randomizeSNAT");
  if (const auto mtu = base::parse_integer<int>(text_of(config, "mtu"))) {
    out.mtu = *mtu;
  }
  if (const std::string node = base::string_member(config, "nodeIP"); !node.empty()) {
    VPCCNI_TRY(out.node, wrap(net::Ip::parse(node), "nodeIP"));
    out.family = out.node->family();
  }
  const auto* ipam = base::find_member(config, "ipam");
  auto addresses = ipam == nullptr ? Result<LocalAddresses>(unusable("missing"))
                                   : parse_addresses(*ipam, base::string_member(config, "name"));
  if (addresses && addresses->subnet.family() != out.family) {
    addresses = unusable("subnet " + to_string(addresses->subnet) + " is not of nodeIP's family");
  }
  if (addresses) {
    out.addresses = *std::move(addresses);
  } else if (out.enabled) {
    return std::move(addresses).error();
  }
  return out;
}

base::Json with_interfaces(base::Json result, const std::vector<EgressEnd>& ends,
                           const std::string& cni_version) {
  if (!at_least(cni_version, "0.3.0")) {
    return result;
  }
  auto& interfaces = result["interfaces"];
  if (!interfaces.is_array()) {
    interfaces = base::Json::array();
  }
  for (const auto& end : ends) {
    base::Json one = {{"name", end.name}, {"mac", end.mac}};
    if (!end.sandbox.empty()) {
      one["sandbox"] = end.sandbox;
    }
    interfaces.push_back(std::move(one));
  }
  return result;
}

}  // namespace vpccni::cni
