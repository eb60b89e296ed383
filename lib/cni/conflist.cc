#include "cni/conflist.h"

#include <array>

#include "base/json.h"
#include "base/text.h"

namespace vpccni::cni {

namespace {

using base::OrderedJson;

struct Placeholder {
  std::string_view name;
  std::string value;
};

std::string escaped(const std::string& text) {
  const auto quoted = base::json_quote(text);
  return quoted.substr(1, quoted.size() - 2);
}

void replace_all(std::string& text, std::string_view name, const std::string& value) {
  for (auto at = text.find(name); at != std::string::npos;
       at = text.find(name, at + value.size())) {
    text.replace(at, name.size(), value);
  }
}

OrderedJson bandwidth_plugin() {
  return {{"type", "bandwidth"}, {"capabilities", {{"bandwidth", true}}}};
}

OrderedJson tuning_plugin() {
  return {{"type", "tuning"},
          {"sysctl",
           {{"net.ipv6.conf.all.disable_ipv6", "1"},
            {"net.ipv6.conf.default.disable_ipv6", "1"},
            {"net.ipv6.conf.lo.disable_ipv6", "1"}}}};
}

bool is_list(const OrderedJson& list) {
  return list.is_object() && list.contains("plugins") && list["plugins"].is_array();
}

void turn_checks_on(OrderedJson& list) {
  list["disableCheck"] = false;
  for (auto& plugin : list["plugins"]) {
    if (plugin.is_object() && plugin.value("type", "") == "aws-cni") {
      plugin["vpccniChecks"] = "true";
    }
  }
}

}  // namespace

Result<std::string> fill_in_conflist(std::string_view text, const ConflistValues& values) {
  const std::array<Placeholder, 12> placeholders = {
      {{"__VETHPREFIX__", values.veth_prefix},
       {"__MTU__", values.mtu},
       {"__PODSGENFORCINGMODE__", values.enforcing_mode},
       {"__PLUGINLOGFILE__", values.plugin_log_file},
       {"__PLUGINLOGLEVEL__", values.plugin_log_level},
       {"__EGRESSPLUGINLOGFILE__", values.egress_log_file},
       {"__EGRESSPLUGINENABLED__", values.egress ? "true" : "false"},
       {"__EGRESSPLUGINIPAMSUBNET__", values.ipv6 ? "169.254.172.0/22" : "fd00::ac:00/118"},
       {"__EGRESSPLUGINIPAMDST__", values.ipv6 ? "0.0.0.0/0" : "::/0"},
       {"__EGRESSPLUGINIPAMDATADIR__",
        values.ipv6 ? "/run/cni/v6pd/egress-v4-ipam" : "/run/cni/v4pd/egress-v6-ipam"},
       {"__RANDOMIZESNAT__", values.randomize_snat},
       {"__NODEIP__", values.node_ip}}};
  std::string filled(text);
  for (const auto& each : placeholders) {
    replace_all(filled, each.name, escaped(each.value));
  }
  VPCCNI_TRY(auto list, wrap(base::parse_ordered_json(filled), "the filled-in template"));
  if (!is_list(list)) {
    return Error{Errc::corrupt, "the filled-in template is no object with a list of plugins"};
  }
  if (!values.bandwidth && !values.pods_without_ipv6 && !values.checks) {
    return filled;
  }
  if (values.bandwidth) {
    list["plugins"].push_back(bandwidth_plugin());
  }
  if (values.pods_without_ipv6) {
    list["plugins"].push_back(tuning_plugin());
  }
  if (values.checks) {
    turn_checks_on(list);
  }
  return base::dump_json(list, 2) + "\n";
}

}  // namespace vpccni::cni
