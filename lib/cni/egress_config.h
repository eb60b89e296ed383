#pragma once
// The egress plugin's configuration (spec dataplane.md 3.1) and what it adds to the result of the
// plugins before it. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "net/ip.h"

namespace vpccni::cni {

/// The part of a host-local configuration that is understood: one range.
struct LocalAddresses {
  net::Cidr subnet;
  std::optional<net::Ip> first;
  std::optional<net::Ip> last;
  std::optional<net::Ip> gateway;
  std::vector<net::Cidr> routes;
  std::string directory;  // of the network's files
};

struct EgressConfig {
  bool enabled = false;
  std::optional<int> mtu;  // none: it is no integer, and ADD has to fail
  std::string randomize;   // randomizeSNAT as it came
  net::Family family = net::Family::v6;
  std::optional<net::Ip> node;
  std::optional<LocalAddresses> addresses;  // none only if not enabled
  std::string log_file;
  std::string log_level;
};

Result<EgressConfig> parse_egress_config(const base::Json& config);

struct EgressEnd {
  std::string name;
  std::string mac;
  std::string sandbox;  // empty on the host's side
};

/// prevResult as it came, with the ends appended to its interfaces (from 0.3.0 on).
base::Json with_interfaces(base::Json result, const std::vector<EgressEnd>& ends,
                           const std::string& cni_version);

}  // namespace vpccni::cni
