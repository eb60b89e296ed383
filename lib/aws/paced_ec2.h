#pragma once
// An Ec2 that keeps to a rate: one Pace for the actions that describe, one for those that change.
// A call that may not go yet waits; one that would have to wait too long is refused as throttled
// without being sent, so that the caller can plan anew with what it knows then. Thread-safe as what
// it wraps; deterministic with a given clock and source of chance.

#include <functional>
#include <mutex>
#include <stop_token>
#include <string_view>

#include "aws/ec2.h"
#include "aws/pace.h"
#include "metrics/registry.h"

namespace vpccni::aws {

struct PacedOptions {
  // What AWS gives to a whole account (spec users.md section 4: describing 100 and 20/s, changing
  // 50 and 5/s): one node never asks for more, however wrong its plans are.
  PaceRule describe{.tokens = 100, .per_second = 20};
  PaceRule mutate{.tokens = 50, .per_second = 5};
  base::Duration longest_wait = std::chrono::seconds(15);  // of one call, before it is refused
  std::stop_token stop;                  // ends waits; calls that waited fail as `unavailable`
  std::function<double()> chance;        // in [0, 1); empty = the machine's
  metrics::Registry* metrics = nullptr;  // vpccni_ec2_backoff_seconds
};

class PacedEc2 final : public Ec2 {
 public:
  PacedEc2(Ec2& inner, const base::Clock& clock, PacedOptions options);

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
  struct Class {
    std::string_view name;  // label of the gauge
    Pace pace;
  };
  template <class Call>
  auto paced(Class& which, Call call) -> decltype(call());
  Result<> wait(Class& which);
  void note(Class& which, const Error* error);

  Ec2& inner_;
  const base::Clock& clock_;
  PacedOptions options_;
  std::mutex pace_mutex_;
  Class describe_;  // guarded by pace_mutex_
  Class mutate_;    // guarded by pace_mutex_
};

}  // namespace vpccni::aws
