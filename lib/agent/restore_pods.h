#pragma once
// Start-up: who holds which address, from the checkpoints and from what the kernel shows. Pure.

#include <map>
#include <string>
#include <vector>

#include "ipam/pools.h"
#include "podnet/host.h"

namespace vpccni::agent {

struct Checkpoint {
  std::vector<ipam::Assignment> assignments;
  ipam::Recent recent;
};
using Checkpoints = std::map<net::NetworkCard, Checkpoint>;

/// After the pools' ENIs came in. By pool.
std::vector<ipam::RestoreReport> restore_pods(ipam::Pools& pools, const Checkpoints& checkpoints,
                                              const podnet::HostPods& host,
                                              const std::string& veth_prefix, base::Instant now);

}  // namespace vpccni::agent
