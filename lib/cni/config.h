#pragma once
// The plugin's own keys of the network configuration, and the result of an earlier ADD that comes
// back in it (spec dataplane.md 1.2). Pure.

#include <compare>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "net/ip.h"

namespace vpccni::cni {

struct PluginConfig {
  std::string veth_prefix = "eni";
  int mtu = 9001;
  std::string log_file;   // "" means stderr
  std::string log_level;  // "" means debug
  /// podSGEnforcingMode: all but "standard" is strict.
  bool strict_branches = true;
  bool multi_nic = false;  // the pod's annotation asks for it
  /// CHECK, STATUS and GC look (key vpccniChecks, "true"); else they succeed, as upstream's.
  bool checks = false;
};

Result<PluginConfig> parse_config(const base::Json& config);

/// One interface of a sandbox that the runtime knows.
struct Attachment {
  std::string container_id;
  std::string ifname;
  friend auto operator<=>(const Attachment&, const Attachment&) = default;
};

/// GC's cni.dev/valid-attachments. One that is not wholly readable, or missing, is an error: what
/// it would leave out must not be taken for gone.
Result<std::set<Attachment>> parse_valid_attachments(const base::Json& config);

struct ResultInterface {
  std::string name;
  std::string mac;
  std::string sandbox;
};

struct ResultIp {
  std::optional<int> interface;  // index into interfaces
  net::Ip address;
};

struct PrevResult {
  std::vector<ResultInterface> interfaces;
  std::vector<ResultIp> ips;
};

/// nullopt if the configuration has none, or one of a version without interfaces (0.2.0 and older).
Result<std::optional<PrevResult>> parse_prev_result(const base::Json& config,
                                                    const std::string& cni_version);

/// Position of the interface of that name; nullopt if there is none.
std::optional<std::size_t> find_interface(const PrevResult& result, std::string_view name);

}  // namespace vpccni::cni
