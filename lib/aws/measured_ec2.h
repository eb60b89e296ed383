#pragma once
// An Ec2 that counts and times what goes through it: the awscni_ec2api_*, awscni_aws_api_* and
// vpccni_ec2_* metrics (spec agent.md 7.2), and shows the free addresses of subnets as they come
// by. Thread-safe as what it wraps.

#include <functional>
#include <string_view>

#include "aws/ec2.h"
#include "base/clock.h"
#include "metrics/registry.h"

namespace vpccni::aws {

/// Told the action's name ("AttachNetworkInterface") on the thread of the call; must be
/// thread-safe, quick, and must not throw. Either may be empty.
struct Ec2Listener {
  std::function<void(std::string_view action)> denied;     // IAM does not allow the action
  std::function<void(std::string_view action)> throttled;  // EC2 refused it for its rate
};

/// vpccni_subnet_free_ips: as EC2 said last, for the subnets of the node's zone.
void show_free_addresses(const std::vector<Subnet>& subnets, metrics::Registry& metrics);

class MeasuredEc2 final : public Ec2 {
 public:
  MeasuredEc2(Ec2& inner, metrics::Registry& metrics, const base::Clock& clock,
              Ec2Listener listener = {})
      : inner_(inner), metrics_(metrics), clock_(clock), listener_(std::move(listener)) {}

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
  Result<> unassign_ipv6_prefixes(const net::EniId& eni,
                                  const std::vector<net::Cidr>& which) override;
  Result<> create_tags(const std::string& resource, const Tags& tags) override;

 private:
  template <class Call>
  auto measure(std::string_view action, Call call) -> decltype(call());
  void refused(std::string_view action, std::string_view code, const Error& error);

  Ec2& inner_;
  metrics::Registry& metrics_;
  const base::Clock& clock_;
  Ec2Listener listener_;
};

}  // namespace vpccni::aws
