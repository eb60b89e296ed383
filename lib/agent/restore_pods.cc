#include "agent/restore_pods.h"

#include <algorithm>

#include "agent/execute.h"
#include "podnet/pod.h"

namespace vpccni::agent {

namespace {

/// The name under which a pod is kept that only the kernel knows.
std::string link_identity(const podnet::HostPodRoute& route) {
  return podnet::is_host_veth_mac(route.mac) ? route.link + "/" + to_string(route.mac) : route.link;
}

/// Does the pod of this entry still have its link? As upstream: some link ends with its hash.
bool has_link(const ipam::Assignment& entry, const podnet::HostPods& pods) {
  if (entry.key.network == ipam::kRecoveredNetwork) {
    return std::any_of(pods.routes.begin(), pods.routes.end(), [&](const auto& route) {
      return route.address == entry.address && link_identity(route) == entry.key.container;
    });
  }
  const std::string suffix = podnet::host_veth_name("", entry.pod.name_space, entry.pod.name, 0);
  return std::any_of(pods.links.begin(), pods.links.end(),
                     [&](const std::string& link) { return link.ends_with(suffix); });
}

bool names(const Checkpoint& checkpoint, const net::Ip& address) {
  return std::any_of(checkpoint.assignments.begin(), checkpoint.assignments.end(),
                     [&](const auto& one) { return one.address == address; });
}

/// Where a pod that only the kernel shows belongs: to the pool whose checkpoint names its address,
/// else to the one whose blocks have it, else to the first.
std::size_t pool_of(const ipam::Pools& pools, const Checkpoints& checkpoints,
                    const net::Ip& address) {
  for (std::size_t pool = 0; pool < pools.size(); ++pool) {
    const auto checkpoint = checkpoints.find(pools.at(pool).store().options().card);
    if (checkpoint != checkpoints.end() && names(checkpoint->second, address)) {
      return pool;
    }
  }
  for (std::size_t pool = 0; pool < pools.size(); ++pool) {
    if (pools.at(pool).store().covers(address)) {
      return pool;
    }
  }
  return 0;
}

}  // namespace

std::vector<ipam::RestoreReport> restore_pods(ipam::Pools& pools, const Checkpoints& checkpoints,
                                              const podnet::HostPods& host,
                                              const std::string& veth_prefix, base::Instant now) {
  std::vector<std::vector<std::pair<net::Ip, std::string>>> routes(pools.size());
  for (const auto& route : pod_routes(host, veth_prefix)) {
    routes[pool_of(pools, checkpoints, route.address)].emplace_back(route.address,
                                                                    link_identity(route));
  }
  // An address may have been freed by another card's pool while nobody knew where it is.
  std::map<net::Ip, base::WallTime> cooling;
  for (const auto& [card, one] : checkpoints) {
    for (const auto& [address, freed] : one.recent.cooling) {
      auto& last = cooling[address];
      last = std::max(last, freed);
    }
  }
  std::vector<ipam::RestoreReport> reports;
  for (std::size_t pool = 0; pool < pools.size(); ++pool) {
    auto& core = pools.at(pool);
    const auto found = checkpoints.find(core.store().options().card);
    Checkpoint checkpoint = found == checkpoints.end() ? Checkpoint() : found->second;
    checkpoint.recent.cooling = {cooling.begin(), cooling.end()};
    reports.push_back(core.restore(
        checkpoint.assignments, routes[pool], checkpoint.recent,
        [&](const ipam::Assignment& entry) { return has_link(entry, host); }, now));
    // Another pod may have the address of one that is gone: the rules are its.
    std::erase_if(reports.back().dropped, [&](const ipam::Assignment& entry) {
      return std::any_of(host.routes.begin(), host.routes.end(),
                         [&](const auto& route) { return route.address == entry.address; });
    });
  }
  pools.hand_over(now);  // an earlier run may have kept an entry where its card did not show it
  return reports;
}

}  // namespace vpccni::agent
