#pragma once
// The kernel edge of the agent: what it asks of podnet, so that tests can put a kernel that
// behaves in its place. Calls are synchronous and come from the pool thread.

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
  virtual Result<> update_snat_rules(const podnet::HostNetwork& network) = 0;
  virtual Result<podnet::HostPods> host_pods() = 0;
};

class PodnetKernel final : public Kernel {
 public:
  Result<podnet::EniTable> route_table(net::NetworkCard card, const net::Ip& primary_ip,
                                       net::DeviceIndex device, int max_enis) override {
    return podnet::route_table(card, primary_ip, device, max_enis);
  }
  Result<> set_up_eni(const podnet::EniNetwork& eni) override { return podnet::set_up_eni(eni); }
  Result<> delete_rules_from(const net::Ip& source) override {
    return podnet::delete_rules_from(source);
  }
  Result<> update_snat_rules(const podnet::HostNetwork& network) override {
    return podnet::update_snat_rules(network);
  }
  Result<podnet::HostPods> host_pods() override { return podnet::host_pods(); }
};

}  // namespace vpccni::agent
