#pragma once
// An Ec2 that counts and times what goes through it: the awscni_ec2api_*, awscni_aws_api_* and
// vpccni_ec2_* metrics (spec agent.md 7.3). Thread-safe as what it wraps.

#include "aws/ec2.h"
#include "base/clock.h"
#include "metrics/registry.h"

namespace vpccni::aws {

class MeasuredEc2 final : public Ec2 {
 public:
  MeasuredEc2(Ec2& inner, metrics::Registry& metrics, const base::Clock& clock)
      : inner_(inner), metrics_(metrics), clock_(clock) {}

  Result<std::vector<Eni>> network_interfaces(const EniFilter& filter) override;
  Result<std::vector<Attachment>> attachments(const net::InstanceId& instance) override;
  Result<std::vector<Subnet>> subnets(const net::VpcId& vpc, const std::string& zone) override;
  Result<InstanceLimits> instance_type(const std::string& type) override;
  Result<Eni> create(const NewEni& wanted) override;
  Result<net::AttachmentId> attach(const net::EniId& eni, const net::InstanceId& instance,
                                   net::NetworkCard card, net::DeviceIndex device) override;
  Result<> delete_on_termination(const net::EniId& eni, const net::AttachmentId& id) override;
  Result<> set_groups(const net::EniId& eni,
                      const std::vector<net::SecurityGroupId>& groups) override;
  Result<> detach(const net::AttachmentId& id) override;
  Result<> remove(const net::EniId& eni) override;
  Result<Added> assign_addresses(const net::EniId& eni, int count) override;
  Result<Added> assign_prefixes(const net::EniId& eni, int count) override;
  Result<Added> assign_ipv6_prefixes(const net::EniId& eni, int count) override;
  Result<> unassign_addresses(const net::EniId& eni, const std::vector<net::Ip>& ips) override;
  Result<> unassign_prefixes(const net::EniId& eni, const std::vector<net::Cidr>& which) override;
  Result<> create_tags(const std::string& resource, const Tags& tags) override;

 private:
  template <class Call>
  auto measure(std::string_view action, Call call) -> decltype(call());

  Ec2& inner_;
  metrics::Registry& metrics_;
  const base::Clock& clock_;
};

}  // namespace vpccni::aws
