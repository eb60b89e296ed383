#pragma once
// What the image's entrypoint and init container read: upstream's rules, which are stricter than
// the agent's (spec dataplane.md 4.2). Defaults are those of the table. Values only; pure.

#include <string>
#include <vector>

#include "settings/settings.h"

namespace vpccni::settings {

struct Entrypoint {
  // For the conflist; text goes in as it is.
  std::string veth_prefix;
  std::string pod_mtu;
  std::string enforcing_mode;
  std::string randomize_snat;
  std::string plugin_log_file;
  std::string plugin_log_level;
  std::string egress_v4_log_file;
  std::string egress_v6_log_file;
  bool ipv6 = false;  // the cluster's family
  bool v4_egress = true;
  bool v6_egress = false;
  bool bandwidth = false;
  bool pods_without_ipv6 = false;
  bool checks = false;
  // Where things are installed.
  std::string bin_dir;
  std::string conf_dir;
  // Of the init container.
  bool no_early_demux = false;

  /// What the entrypoint refuses to start with, in upstream's order; each names its variable and
  /// what is permitted.
  std::vector<std::string> refusals;
  /// What was not used as written.
  std::vector<std::string> warnings;
};

Entrypoint load_entrypoint(const Environment& environment);

}  // namespace vpccni::settings
