#pragma once
// Addresses that only this node gives out, kept in the files of the reference IPAM plugin
// host-local, which may work on the same directory at the same time: `lock`, a file per address
// with its owner in it, `last_reserved_ip.0`. What is on disk is believed only as far as it parses.

#include <string>

#include "base/result.h"
#include "net/ip.h"

namespace vpccni::podnet {

/// Addresses first to last of a subnet; the gateway is not given out.
struct HostLocalRange {
  net::Cidr subnet;
  net::Ip first;
  net::Ip last;
  net::Ip gateway;

  /// All that a subnet has: its first address is the gateway, an IPv4 broadcast address is left
  /// out. `invalid_argument` if nothing is left for pods.
  static Result<HostLocalRange> of(const net::Cidr& subnet);
};

/// Who holds an address: CNI_CONTAINERID and CNI_IFNAME.
struct HostLocalOwner {
  std::string container_id;
  std::string ifname;
};

/// The next free address behind the one given out last; `directory` is made if it is not there.
/// `already_exists` if the owner has one, `exhausted` if none is free.
Result<net::Ip> reserve_address(const std::string& directory, const HostLocalRange& range,
                                const HostLocalOwner& owner);

/// Frees all that the owner has. Success if it has nothing or the directory is not there.
Result<> release_addresses(const std::string& directory, const HostLocalOwner& owner);

Result<bool> has_address(const std::string& directory, const HostLocalOwner& owner);

}  // namespace vpccni::podnet
