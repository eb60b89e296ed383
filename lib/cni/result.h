#pragma once
// What ADD prints (spec dataplane.md 1.8), in the form of each CNI version. Pure.

#include <optional>
#include <string>
#include <vector>

#include "net/id.h"
#include "net/ip.h"

namespace vpccni::cni {

struct AddedInterface {
  std::string host_veth;
  std::string container_link;
  std::string sandbox;  // CNI_NETNS
  net::Ip address;
  net::TableId table;  // of the address; DEL without an agent reads it back from "mac"
  std::optional<net::Ip> gateway = {};  // of a branch ENI's subnet
};

struct Added {
  std::vector<AddedInterface> interfaces;  // at least one
  std::string dummy;
  net::VlanId vlan;  // of a branch ENI; 0: none. DEL reads it back
  int device = 0;    // device number of the first interface's ENI; what 1.19 and older read back
};

/// JSON indented by four spaces, no newline at the end.
std::string to_json(const Added& added, const std::string& cni_version);

}  // namespace vpccni::cni
