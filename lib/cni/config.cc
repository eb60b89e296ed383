#include "cni/config.h"

#include "base/text.h"
#include "cni/version.h"

namespace vpccni::cni {

namespace {

constexpr std::size_t kLongestPrefix = 4;
constexpr int kLeastMtu = 576;
constexpr int kMostMtu = 9001;
constexpr std::string_view kAnnotations = "io.kubernetes.cri.pod-annotations";
constexpr std::string_view kNicConfig = "k8s.amazonaws.com/nicConfig";

/// A string member; a number counts as its text, since hand-written conflists have them.
Result<std::string> text_member(const base::Json& config, std::string_view key,
                                std::string fallback) {
  const auto* value = base::find_member(config, key);
  if (value == nullptr || value->is_null()) {
    return fallback;
  }
  if (value->is_string()) {
    return value->get<std::string>();
  }
  if (value->is_number_integer()) {
    return base::dump_json(*value);
  }
  return Error{Errc::invalid_argument,
               "configuration key \"" + std::string(key) + "\" must be a string"};
}

int lenient_mtu(const std::string& text) {
  const auto value = base::parse_integer<int>(text);
  return value && *value >= kLeastMtu && *value <= kMostMtu ? *value : kMostMtu;
}

Error broken(std::string_view what) {
  return {Errc::corrupt, "prevResult: " + std::string(what)};
}

Result<ResultIp> parse_ip(const base::Json& item, std::size_t interfaces) {
  if (!item.is_object()) {
    return broken("an item of ips is no object");
  }
  ResultIp ip;
  const auto address = net::IpInterface::parse(base::string_member(item, "address"));
  if (!address) {
    return broken("ips: " + address.error().message);
  }
  ip.address = address->address;
  if (const auto index = base::integer_member(item, "interface")) {
    if (*index < 0 || static_cast<std::size_t>(*index) >= interfaces) {
      return broken("ips: interface index out of range");
    }
    ip.interface = static_cast<int>(*index);
  }
  return ip;
}

}  // namespace

Result<PluginConfig> parse_config(const base::Json& config) {
  PluginConfig out;
  VPCCNI_TRY(out.veth_prefix, text_member(config, "vethPrefix", "eni"));
  VPCCNI_TRY(const auto mtu, text_member(config, "mtu", "9001"));
  VPCCNI_TRY(out.log_file, text_member(config, "pluginLogFile", ""));
  VPCCNI_TRY(out.log_level, text_member(config, "pluginLogLevel", ""));
  VPCCNI_TRY(const auto enforcing, text_member(config, "podSGEnforcingMode", "strict"));
  out.mtu = lenient_mtu(mtu);
  out.strict_branches = enforcing != "standard";
  const auto* checks = base::find_member(config, "vpccniChecks");
  out.checks = checks != nullptr && (*checks == true || *checks == "true");
  if (out.veth_prefix.size() > kLongestPrefix) {
    return Error{Errc::invalid_argument, "conf.VethPrefix can be at most 4 characters long, got " +
                                             base::json_quote(out.veth_prefix)};
  }
  if (out.veth_prefix.find_first_of("/: \t\n") != std::string::npos) {
    return Error{Errc::invalid_argument, "conf.VethPrefix " + base::json_quote(out.veth_prefix) +
                                             " cannot begin a link's name"};
  }
  if (const auto* runtime = base::find_member(config, "runtimeConfig")) {
    if (const auto* annotations = base::find_member(*runtime, kAnnotations)) {
      out.multi_nic = base::string_member(*annotations, kNicConfig) == "multi-nic-attachment";
    }
  }
  return out;
}

Result<std::set<Attachment>> parse_valid_attachments(const base::Json& config) {
  const auto* list = base::find_member(config, "cni.dev/valid-attachments");
  if (list == nullptr || !list->is_array()) {
    return Error{Errc::invalid_argument, "cni.dev/valid-attachments is not a list"};
  }
  std::set<Attachment> valid;
  for (const auto& item : *list) {
    Attachment one{base::string_member(item, "containerID"), base::string_member(item, "ifname")};
    if (one.container_id.empty() || one.ifname.empty()) {
      return Error{Errc::invalid_argument,
                   "cni.dev/valid-attachments: an entry without containerID or ifname"};
    }
    valid.insert(std::move(one));
  }
  return valid;
}

Result<std::optional<PrevResult>> parse_prev_result(const base::Json& config,
                                                    const std::string& cni_version) {
  const auto* prev = base::find_member(config, "prevResult");
  if (prev == nullptr || prev->is_null()) {
    return std::optional<PrevResult>();
  }
  if (!prev->is_object()) {
    return broken("a JSON object expected");
  }
  if (!at_least(cni_version, "0.3.0")) {
    return std::optional<PrevResult>();
  }
  PrevResult out;
  if (const auto* interfaces = base::find_member(*prev, "interfaces");
      interfaces != nullptr && !interfaces->is_null()) {
    if (!interfaces->is_array()) {
      return broken("interfaces is no list");
    }
    for (const auto& item : *interfaces) {
      if (!item.is_object()) {
        return broken("an item of interfaces is no object");
      }
      out.interfaces.push_back({base::string_member(item, "name"), base::string_member(item, "mac"),
                                base::string_member(item, "sandbox")});
    }
  }
  if (const auto* ips = base::find_member(*prev, "ips"); ips != nullptr && !ips->is_null()) {
    if (!ips->is_array()) {
      return broken("ips is no list");
    }
    for (const auto& item : *ips) {
      VPCCNI_TRY(auto ip, parse_ip(item, out.interfaces.size()));
      out.ips.push_back(std::move(ip));
    }
  }
  return std::optional(std::move(out));
}

std::optional<std::size_t> find_interface(const PrevResult& result, std::string_view name) {
  for (std::size_t i = 0; i < result.interfaces.size(); ++i) {
    if (result.interfaces[i].name == name) {
      return i;
    }
  }
  return std::nullopt;
}

}  // namespace vpccni::cni
