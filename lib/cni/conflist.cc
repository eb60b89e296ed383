#include "cni/conflist.h"

#include <algorithm>
#include <array>
#include <span>

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

/// In one pass: a value that looks like a placeholder stays a value.
std::string fill_in(std::string_view text, std::span<const Placeholder> placeholders) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto rest = text.substr(at);
    const auto found =
        std::find_if(placeholders.begin(), placeholders.end(),
                     [&](const Placeholder& each) { return rest.starts_with(each.name); });
    if (found == placeholders.end()) {
      out += text[at++];
    } else {
      out += escaped(found->value);
      at += found->name.size();
    }
  }
  return out;
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
  const std::string filled = fill_in(text, placeholders);
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
