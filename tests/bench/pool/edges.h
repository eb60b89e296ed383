#pragma once
// The edges of one node's agent, ours or upstream's, on the shared account: calls take time, are
// throttled by the account and tried again as the SDK does (spec aws.md 5.1). To be called from a
// fiber.

#include <set>

#include "agent/kernel.h"
#include "aws/ec2.h"
#include "aws/imds.h"
#include "base/clock.h"
#include "tests/bench/pool/account.h"
#include "tests/bench/pool/fibers.h"
#include "tests/sim/kernel_state.h"
#include "tests/sim/random.h"

namespace vpccni::pool {

/// Where a node is; outlives its edges.
struct Site {
  Account& account;
  Fibers& fibers;
  sim::Random random;
  net::InstanceId instance;
  std::set<net::EniId> enis;  // that the node has or had: what its Describes can find
};

class NodeClock final : public base::Clock {
 public:
  explicit NodeClock(Site& site) : site_(site) {}
  base::Instant now() const override { return site_.fibers.now(); }
  bool wait_until(base::SteadyTime until, std::stop_token stop) const override;

 private:
  Site& site_;
};

class NodeEc2 final : public aws::Ec2 {
 public:
  explicit NodeEc2(Site& site) : site_(site) {}

  Result<std::vector<aws::Eni>> network_interfaces(const aws::EniFilter& filter) override;
  Result<std::vector<aws::Attachment>> attachments(const net::InstanceId& instance) override;
  Result<std::vector<aws::Subnet>> subnets(const net::VpcId& vpc, const std::string& zone) override;
  Result<aws::InstanceLimits> instance_type(const std::string& type) override;
  Result<aws::Eni> create(const aws::NewEni& wanted) override;
  Result<net::AttachmentId> attach(const net::EniId& eni, const net::InstanceId& instance,
                                   net::NetworkCard card, net::DeviceIndex device) override;
  Result<> delete_on_termination(const net::EniId& eni, const net::AttachmentId& id) override;
  Result<> set_groups(const net::EniId& eni,
                      const std::vector<net::SecurityGroupId>& groups) override;
  Result<> detach(const net::AttachmentId& id) override;
  Result<> remove(const net::EniId& eni) override;
  Result<aws::Added> assign_addresses(const net::EniId& eni, int count) override;
  Result<aws::Added> assign_prefixes(const net::EniId& eni, int count) override;
  Result<aws::Added> assign_ipv6_prefixes(const net::EniId& eni, int count) override;
  Result<> unassign_addresses(const net::EniId& eni, const std::vector<net::Ip>& ips) override;
  Result<> unassign_prefixes(const net::EniId& eni, const std::vector<net::Cidr>& which) override;
  Result<> unassign_ipv6_prefixes(const net::EniId& eni,
                                  const std::vector<net::Cidr>& which) override;
  Result<> create_tags(const std::string& resource, const aws::Tags& tags) override;

 private:
  template <class T, class Work>
  Result<T> call(std::string_view action, Work work);

  Site& site_;
  int quota_ = 500;  // of retries: one costs 5, which its success gives back
};

class NodeImds final : public aws::Imds {
 public:
  explicit NodeImds(Site& site) : site_(site) {}

  Result<aws::InstanceIdentity> identity() override;
  Result<std::vector<aws::ImdsEni>> enis() override;
  Result<std::vector<net::Cidr>> vpc_ipv4_cidrs(const net::Mac& mac) override;
  Result<std::vector<net::Cidr>> vpc_ipv6_cidrs(const net::Mac& mac) override;
  Result<std::vector<net::SecurityGroupId>> security_groups(const net::Mac& mac) override;
  Result<std::optional<std::string>> get(const std::string& path) override;

 private:
  Site& site_;
};

/// The node's kernel: links of ENIs are the VPC model's, pods are what the runtime wired.
class NodeKernel final : public agent::Kernel {
 public:
  explicit NodeKernel(Site& site) : site_(site) {}
  sim::KernelState& state() { return state_; }

  Result<podnet::EniTable> route_table(net::NetworkCard card, const net::Ip& primary_ip,
                                       net::DeviceIndex device, int max_enis) override;
  Result<> set_up_eni(const podnet::EniNetwork& eni) override;
  Result<> delete_rules_from(const net::Ip& source) override;
  Result<> update_chains(const podnet::HostNetwork& network) override;
  Result<podnet::HostPods> host_pods() override;

 private:
  Site& site_;
  sim::KernelState state_;
};

}  // namespace vpccni::pool
