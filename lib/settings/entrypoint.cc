#include "settings/entrypoint.h"

#include <optional>

#include "base/text.h"
#include "settings/table.h"

namespace vpccni::settings {

namespace {

constexpr int kLeastMtu = 576;
constexpr int kLeastMtuIpv6 = 1280;
constexpr int kMostMtu = 9001;
constexpr std::size_t kMostVethPrefix = 4;

/// Reads variables; set but empty counts as set.
class Reader {
 public:
  Reader(const Environment& environment, Entrypoint& into)
      : environment_(environment), into_(into) {}

  std::string text(std::string_view name) const {
    const auto at = environment_.find(std::string(name));
    return at != environment_.end() ? at->second : std::string(find_setting(name)->fallback);
  }

  /// One that is no boolean is said, and the default counts.
  bool flag(std::string_view name) const {
    const auto value = base::parse_bool(text(name));
    if (value) {
      return *value;
    }
    const auto fallback = find_setting(name)->fallback;
    into_.warnings.push_back(quoted(name) + " is no boolean; " + std::string(fallback) +
                             " is used");
    return fallback == "true";
  }

  /// nullopt, and a refusal, when it is no integer between them.
  std::optional<int> integer(std::string_view name, const std::string& value, int least,
                             std::optional<int> most) const {
    const auto number = base::parse_integer<int>(value);
    if (number && *number >= least && (!most || *number <= *most)) {
      return *number;
    }
    into_.refusals.push_back(std::string(name) + "=\"" + value + "\": an integer " +
                             (most
                                  ? "from " + std::to_string(least) + " to " + std::to_string(*most)
                                  : "of at least " + std::to_string(least)) +
                             " is permitted");
    return std::nullopt;
  }

  std::string quoted(std::string_view name) const {
    return std::string(name) + "=\"" + text(name) + "\"";
  }

 private:
  const Environment& environment_;
  Entrypoint& into_;
};

/// Upstream's comparison, of texts.
bool more_than_zero(const std::string& text) {
  return text > "0";
}

}  // namespace

Entrypoint load_entrypoint(const Environment& environment) {
  Entrypoint out;
  const Reader read(environment, out);
  out.veth_prefix = read.text("AWS_VPC_K8S_CNI_VETHPREFIX");
  out.enforcing_mode = read.text("POD_SECURITY_GROUP_ENFORCING_MODE");
  out.randomize_snat = read.text("AWS_VPC_K8S_CNI_RANDOMIZESNAT");
  out.plugin_log_file = read.text("AWS_VPC_K8S_PLUGIN_LOG_FILE");
  out.plugin_log_level = read.text("AWS_VPC_K8S_PLUGIN_LOG_LEVEL");
  out.egress_v4_log_file = read.text("AWS_VPC_K8S_EGRESS_V4_PLUGIN_LOG_FILE");
  out.egress_v6_log_file = read.text("AWS_VPC_K8S_EGRESS_V6_PLUGIN_LOG_FILE");
  out.ipv6 = read.flag("ENABLE_IPv6");
  out.v4_egress = read.flag("ENABLE_V4_EGRESS");
  out.v6_egress = read.flag("ENABLE_V6_EGRESS");
  out.bandwidth = read.flag("ENABLE_BANDWIDTH_PLUGIN");
  out.pods_without_ipv6 = read.flag("DISABLE_POD_V6");
  out.checks = read.flag("VPCCNI_CNI_CHECKS");
  out.bin_dir = read.text("HOST_CNI_BIN_PATH");
  out.conf_dir = read.text("HOST_CNI_CONFDIR_PATH");
  out.no_early_demux = read.flag("DISABLE_TCP_EARLY_DEMUX");

  if (out.plugin_log_file == "stdout") {
    out.refusals.emplace_back(
        "AWS_VPC_K8S_PLUGIN_LOG_FILE=\"stdout\": the runtime reads the plugin's stdout; a file or "
        "stderr is permitted");
  }
  if (out.veth_prefix.size() > kMostVethPrefix) {
    out.refusals.push_back(read.quoted("AWS_VPC_K8S_CNI_VETHPREFIX") +
                           ": at most 4 characters are permitted");
  }
  if (out.veth_prefix == "eth" || out.veth_prefix == "lo" || out.veth_prefix == "vlan") {
    out.refusals.push_back(read.quoted("AWS_VPC_K8S_CNI_VETHPREFIX") +
                           ": eth, lo and vlan are the node's own");
  }
  if (read.flag("ENABLE_POD_ENI") && out.enforcing_mode != "strict" &&
      out.enforcing_mode != "standard") {
    out.refusals.push_back(read.quoted("POD_SECURITY_GROUP_ENFORCING_MODE") +
                           ": strict or standard are permitted");
  }
  (void)read.integer("IP_COOLDOWN_PERIOD", read.text("IP_COOLDOWN_PERIOD"), 0, std::nullopt);
  const int least = out.ipv6 ? kLeastMtuIpv6 : kLeastMtu;
  const auto eni_mtu = read.text("AWS_VPC_ENI_MTU");
  (void)read.integer("AWS_VPC_ENI_MTU", eni_mtu, least, kMostMtu);
  out.pod_mtu = environment.contains("POD_MTU") ? read.text("POD_MTU") : eni_mtu;
  if (environment.contains("POD_MTU")) {
    (void)read.integer("POD_MTU", out.pod_mtu, least, kMostMtu);
  }
  const auto target = [&](const char* name) {
    // The entrypoint's default, which for WARM_PREFIX_TARGET is not the manifest's.
    return environment.contains(name) && more_than_zero(environment.at(name));
  };
  if (read.flag("ENABLE_PREFIX_DELEGATION") && !target("WARM_IP_TARGET") &&
      !target("WARM_PREFIX_TARGET") && !target("MINIMUM_IP_TARGET")) {
    out.refusals.emplace_back(
        "ENABLE_PREFIX_DELEGATION=\"true\": one of WARM_IP_TARGET, WARM_PREFIX_TARGET and "
        "MINIMUM_IP_TARGET must be more than 0");
  }
  return out;
}

}  // namespace vpccni::settings
