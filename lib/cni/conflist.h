#pragma once
// The network configuration list that the entrypoint installs: upstream's template, filled in
// (spec dataplane.md 4.3). Pure.

#include <string>
#include <string_view>

#include "base/result.h"

namespace vpccni::cni {

inline constexpr const char* kConflistName = "10-aws.conflist";

struct ConflistValues {
  std::string veth_prefix;
  std::string mtu;
  std::string enforcing_mode;
  std::string plugin_log_file;
  std::string plugin_log_level;
  std::string randomize_snat;
  std::string egress_log_file;
  bool ipv6 = false;  // the cluster's family; egress is of the other one
  bool egress = false;
  std::string node_ip;  // of the egress family; "" without
  // What is appended, and changed.
  bool bandwidth = false;
  bool pods_without_ipv6 = false;
  bool checks = false;
};

/// The template's text with its placeholders filled in, as JSON strings are escaped. It is left as
/// it is written unless a plugin or a key is added. `corrupt` if the result is no list of plugins.
Result<std::string> fill_in_conflist(std::string_view text, const ConflistValues& values);

}  // namespace vpccni::cni
