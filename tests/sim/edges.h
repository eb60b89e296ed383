#pragma once
// The agent's edges as one simulated process sees them: EC2 and IMDS on the VPC model, the kernel,
// the clock. Every call takes virtual time, may fail, and may find its process dead before or
// after the work was done; a dead process gets errors and changes nothing.

#include "agent/kernel.h"
#include "aws/ec2.h"
#include "aws/imds.h"
#include "base/clock.h"
#include "tests/sim/world.h"

namespace vpccni::sim {

class ProcessClock final : public base::Clock {
 public:
  ProcessClock(World& world, Process& process) : world_(world), process_(process) {}
  base::Instant now() const override { return world_.now(); }
  bool wait_until(base::SteadyTime until, std::stop_token stop) const override;

 private:
  World& world_;
  Process& process_;
};

class ProcessEc2 final : public aws::Ec2 {
 public:
  ProcessEc2(World& world, Process& process) : world_(world), process_(process) {}

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
  Result<T> call(const char* action, const std::string& what, Work work);

  World& world_;
  Process& process_;
};

class ProcessImds final : public aws::Imds {
 public:
  ProcessImds(World& world, Process& process) : world_(world), process_(process) {}

  Result<aws::InstanceIdentity> identity() override;
  Result<std::vector<aws::ImdsEni>> enis() override;
  Result<std::vector<net::Cidr>> vpc_ipv4_cidrs(const net::Mac& mac) override;
  Result<std::vector<net::Cidr>> vpc_ipv6_cidrs(const net::Mac& mac) override;
  Result<std::vector<net::SecurityGroupId>> security_groups(const net::Mac& mac) override;
  Result<std::optional<std::string>> get(const std::string& path) override;

 private:
  Result<std::vector<vpc::ImdsEni>> shown();

  World& world_;
  Process& process_;
};

class ProcessKernel final : public agent::Kernel {
 public:
  ProcessKernel(World& world, Process& process) : world_(world), process_(process) {}

  Result<podnet::EniTable> route_table(net::NetworkCard card, const net::Ip& primary_ip,
                                       net::DeviceIndex device, int max_enis) override;
  Result<> set_up_eni(const podnet::EniNetwork& eni) override;
  Result<> delete_rules_from(const net::Ip& source) override;
  Result<> update_chains(const podnet::HostNetwork& network) override;
  Result<podnet::HostPods> host_pods() override;

 private:
  Result<> enter(const char* what);

  World& world_;
  Process& process_;
};

}  // namespace vpccni::sim
