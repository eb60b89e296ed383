#pragma once
// The kernel edge of the agent: what it asks of podnet, so that tests can put a kernel that
// behaves in its place. Calls are synchronous, and come from the pool thread if nothing else is
// said.

#include <map>
#include <mutex>

#include "agent/host_chains.h"
#include "podnet/host.h"

namespace vpccni::agent {

class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual Result<podnet::EniTable> route_table(net::NetworkCard card, const net::Ip& primary_ip,
                                               net::DeviceIndex device, int max_enis) = 0;
  /// not_found while no link with that MAC is there yet.
  virtual Result<> set_up_eni(const podnet::EniNetwork& eni) = 0;
  virtual Result<> delete_rules_from(const net::Ip& source) = 0;
  /// From the side thread.
  virtual Result<> update_chains(const podnet::HostNetwork& network) = 0;
  virtual Result<podnet::HostPods> host_pods() = 0;
  /// The rules to and from a pod's address. At the start, then from the host thread.
  virtual Result<> remove_pod_rules(const net::Ip& /*address*/) { return {}; }
  /// The link of the trunk ENI that was set up. From the host thread.
  virtual Result<net::IfIndex> trunk_link() {
    return Error{Errc::not_found, "no trunk ENI is set up", "ENODEV"};
  }
  /// Those that were set up and whose rules were not deleted since. From any thread.
  virtual std::vector<podnet::EniNetwork> enis() const { return {}; }
};

class PodnetKernel final : public Kernel {
 public:
  Result<podnet::EniTable> route_table(net::NetworkCard card, const net::Ip& primary_ip,
                                       net::DeviceIndex device, int max_enis) override {
    return podnet::route_table(card, primary_ip, device, max_enis);
  }
  Result<> set_up_eni(const podnet::EniNetwork& eni) override {
    VPCCNI_CHECK(podnet::set_up_eni(eni));
    const std::lock_guard lock(mutex_);
    enis_.insert_or_assign(eni.ip, eni);
    return {};
  }
  Result<> delete_rules_from(const net::Ip& source) override {
    {
      const std::lock_guard lock(mutex_);
      enis_.erase(source);
    }
    return podnet::delete_rules_from(source);
  }
  Result<> update_chains(const podnet::HostNetwork& network) override {
    VPCCNI_CHECK(agent::update_chains(network));
    return {};
  }
  Result<podnet::HostPods> host_pods() override { return podnet::host_pods(); }
  Result<> remove_pod_rules(const net::Ip& address) override {
    return podnet::remove_pod_rules(address);
  }
  Result<net::IfIndex> trunk_link() override {
    for (const auto& eni : enis()) {
      if (eni.trunk) {
        return podnet::link_of(eni.mac);
      }
    }
    return Kernel::trunk_link();
  }
  std::vector<podnet::EniNetwork> enis() const override {
    const std::lock_guard lock(mutex_);
    std::vector<podnet::EniNetwork> all;
    for (const auto& [ip, eni] : enis_) {
      all.push_back(eni);
    }
    return all;
  }

 private:
  mutable std::mutex mutex_;
  std::map<net::Ip, podnet::EniNetwork> enis_;  // by primary address; guarded by mutex_
};

}  // namespace vpccni::agent
