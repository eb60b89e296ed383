#include "cni/result.h"

#include "base/json.h"
#include "cni/version.h"

namespace vpccni::cni {

namespace {

using base::OrderedJson;

std::string host_prefix(const net::Ip& ip) {
  return to_string(ip) + (ip.family() == net::Family::v4 ? "/32" : "/128");
}

/// 0.2.0 and older: one address per family, no interfaces.
OrderedJson old_form(const Added& added) {
  OrderedJson out;
  for (const auto& each : added.interfaces) {
    const char* key = each.address.family() == net::Family::v4 ? "ip4" : "ip6";
    if (!out.contains(key)) {
      out[key]["ip"] = host_prefix(each.address);
      if (each.gateway) {
        out[key]["gateway"] = to_string(*each.gateway);
      }
    }
  }
  out["dns"] = OrderedJson::object();
  return out;
}

OrderedJson form(const Added& added, bool with_version_and_dns) {
  OrderedJson interfaces = OrderedJson::array();
  OrderedJson ips = OrderedJson::array();
  for (const auto& each : added.interfaces) {
    interfaces.push_back({{"name", each.host_veth}});
    OrderedJson ip;
    if (with_version_and_dns) {
      ip["version"] = each.address.family() == net::Family::v4 ? "4" : "6";
    }
    ip["interface"] = interfaces.size();
    ip["address"] = host_prefix(each.address);
    if (each.gateway) {
      ip["gateway"] = to_string(*each.gateway);
    }
    interfaces.push_back({{"name", each.container_link},
                          {"mac", std::to_string(each.table.value())},
                          {"sandbox", each.sandbox}});
    ips.push_back(std::move(ip));
  }
  interfaces.push_back({{"name", added.dummy}, {"mac", to_string(added.vlan)}});
  if (added.vlan == net::VlanId(0)) {
    interfaces.back()["sandbox"] = std::to_string(added.device);
  }
  OrderedJson out;
  out["interfaces"] = std::move(interfaces);
  out["ips"] = std::move(ips);
  if (with_version_and_dns) {
    out["dns"] = OrderedJson::object();
  }
  return out;
}

}  // namespace

std::string to_json(const Added& added, const std::string& cni_version) {
  OrderedJson out;
  out["cniVersion"] = cni_version;
  out.update(at_least(cni_version, "0.3.0") ? form(added, !at_least(cni_version, "1.0.0"))
                                            : old_form(added));
  if (at_least(cni_version, "1.0.0")) {
    return base::dump_json(base::Json(base::parse_json(base::dump_json(out)).value_or({})), 4);
  }
  return base::dump_json(out, 4);
}

}  // namespace vpccni::cni
