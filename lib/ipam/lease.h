#pragma once
// What the pool is about, as values: who holds an address, and where it lives.

#include <compare>
#include <optional>
#include <string>

#include "base/clock.h"
#include "net/id.h"
#include "net/ip.h"

namespace vpccni::ipam {

/// Upstream's IPAMKey: one interface of one sandbox.
struct PodKey {
  std::string network;    // name of the conflist, "aws-cni"
  std::string container;  // sandbox id
  std::string ifname;
  friend auto operator<=>(const PodKey&, const PodKey&) = default;
};

/// Upstream's IPAMMetadata. An older checkpoint may know nothing: empty names, 0 interfaces.
struct PodInfo {
  std::string name_space;
  std::string name;
  int interfaces = 0;
  friend bool operator==(const PodInfo&, const PodInfo&) = default;
};

/// An assignment as the checkpoint keeps it.
struct Assignment {
  PodKey key;
  PodInfo pod;
  net::Ip address;
  base::WallTime since{};
  friend bool operator==(const Assignment&, const Assignment&) = default;
};

/// What an ADD or DEL answers: the address and the ENI that owns it.
struct Lease {
  net::Ip address;
  net::EniId eni;
  net::DeviceIndex device;
  net::TableId table = net::kMainTable;
  int interfaces = 1;
  friend bool operator==(const Lease&, const Lease&) = default;
};

/// A key for a live pod that only the kernel remembers (its checkpoint was lost): the host veth
/// stands in for the sandbox id. DEL finds it by the veth name that follows from the pod's name;
/// `link` is "<veth>/<MAC>" where the MAC tells the sandbox, so that a late DEL of an older sandbox
/// of the same pod name finds nothing.
inline constexpr const char* kRecoveredNetwork = "_recovered-from-kernel";
inline PodKey recovered_key(const std::string& link) {
  return {kRecoveredNetwork, link, "unknown"};
}

}  // namespace vpccni::ipam
