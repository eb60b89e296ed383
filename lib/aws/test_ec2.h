#pragma once
// For tests of what wraps an Ec2: a clock that jumps, an Ec2 whose every verb takes a time and
// answers as told, and a row per verb.

#include <functional>
#include <optional>
#include <vector>

#include "aws/ec2.h"
#include "base/clock.h"

namespace vpccni::aws::test {

inline const net::EniId kEni("eni-1");

struct FakeClock final : base::Clock {
  base::Instant now() const override { return now_; }
  bool wait_until(base::SteadyTime until, std::stop_token stop) const override {
    if (stop.stop_requested()) {
      return false;
    }
    now_ = now_ + (until - now_.steady);
    return true;
  }
  mutable base::Instant now_{};
};

/// Every verb takes `took` and ends with `failure`, if there is one.
struct FakeEc2 final : Ec2 {
  explicit FakeEc2(const FakeClock& clock) : clock_(clock) {}

  template <class T>
  Result<T> done() {
    ++calls;
    clock_.wait_for(took, {});
    if (failure) {
      return *failure;
    }
    if constexpr (std::is_void_v<T>) {
      return {};
    } else {
      return T();
    }
  }
  Result<std::vector<Eni>> network_interfaces(const EniFilter&) override {
    return done<std::vector<Eni>>();
  }
  Result<std::vector<Attachment>> attachments(const net::InstanceId&) override {
    return done<std::vector<Attachment>>();
  }
  Result<std::vector<Subnet>> subnets(const net::VpcId&, const std::string&) override {
    auto answer = done<std::vector<Subnet>>();
    return answer ? Result<std::vector<Subnet>>(subnets_shown) : answer;
  }
  Result<InstanceLimits> instance_type(const std::string&) override {
    return done<InstanceLimits>();
  }
  Result<Eni> create(const NewEni&) override { return done<Eni>(); }
  Result<net::AttachmentId> attach(const net::EniId&, const net::InstanceId&, net::NetworkCard,
                                   net::DeviceIndex) override {
    return done<net::AttachmentId>();
  }
  Result<> delete_on_termination(const net::EniId&, const net::AttachmentId&) override {
    return done<void>();
  }
  Result<> set_groups(const net::EniId&, const std::vector<net::SecurityGroupId>&) override {
    return done<void>();
  }
  Result<> detach(const net::AttachmentId&) override { return done<void>(); }
  Result<> remove(const net::EniId&) override { return done<void>(); }
  Result<Added> assign_addresses(const net::EniId&, int) override { return done<Added>(); }
  Result<Added> assign_prefixes(const net::EniId&, int) override { return done<Added>(); }
  Result<Added> assign_ipv6_prefixes(const net::EniId&, int) override { return done<Added>(); }
  Result<> unassign_addresses(const net::EniId&, const std::vector<net::Ip>&) override {
    return done<void>();
  }
  Result<> unassign_prefixes(const net::EniId&, const std::vector<net::Cidr>&) override {
    return done<void>();
  }
  Result<> unassign_ipv6_prefixes(const net::EniId&, const std::vector<net::Cidr>&) override {
    return done<void>();
  }
  Result<> create_tags(const std::string&, const Tags&) override { return done<void>(); }

  base::Duration took = std::chrono::microseconds(1234900);
  std::optional<Error> failure;
  std::vector<Subnet> subnets_shown;
  int calls = 0;

 private:
  const FakeClock& clock_;
};

struct Verb {
  std::string_view fn;  // EC2's action
  std::function<bool(Ec2&)> call;
  std::string_view latency = {};  // the api label of the latency, if it differs
};

inline std::vector<Verb> verbs() {
  const net::AttachmentId attachment("eni-attach-1");
  const net::InstanceId instance("i-1");
  return {
      {"DescribeNetworkInterfaces", [](Ec2& e) { return e.network_interfaces({}).has_value(); }},
      {"DescribeInstances", [=](Ec2& e) { return e.attachments(instance).has_value(); }},
      {"DescribeSubnets",
       [](Ec2& e) { return e.subnets(net::VpcId("vpc-1"), "us-west-2a").has_value(); }},
      {"DescribeInstanceTypes", [](Ec2& e) { return e.instance_type("m9x.large").has_value(); }},
      {"CreateNetworkInterface", [](Ec2& e) { return e.create({}).has_value(); }},
      {"AttachNetworkInterface",
       [=](Ec2& e) {
         return e.attach(kEni, instance, net::NetworkCard(0), net::DeviceIndex(1)).has_value();
       }},
      {"ModifyNetworkInterfaceAttribute",
       [=](Ec2& e) { return e.delete_on_termination(kEni, attachment).has_value(); }},
      {"ModifyNetworkInterfaceAttribute",
       [](Ec2& e) { return e.set_groups(kEni, {}).has_value(); }},
      {"DetachNetworkInterface", [=](Ec2& e) { return e.detach(attachment).has_value(); }},
      {"DeleteNetworkInterface", [](Ec2& e) { return e.remove(kEni).has_value(); }},
      {"AssignPrivateIpAddresses", [](Ec2& e) { return e.assign_addresses(kEni, 1).has_value(); }},
      {"AssignPrivateIpAddresses", [](Ec2& e) { return e.assign_prefixes(kEni, 1).has_value(); }},
      {"AssignIpv6Addresses", [](Ec2& e) { return e.assign_ipv6_prefixes(kEni, 1).has_value(); },
       "AssignIpv6AddressesWithContext"},
      {"UnassignPrivateIpAddresses",
       [](Ec2& e) { return e.unassign_addresses(kEni, {}).has_value(); }},
      {"UnassignPrivateIpAddresses",
       [](Ec2& e) { return e.unassign_prefixes(kEni, {}).has_value(); }},
      {"UnassignIpv6Addresses",
       [](Ec2& e) { return e.unassign_ipv6_prefixes(kEni, {}).has_value(); }},
      {"CreateTags", [](Ec2& e) { return e.create_tags("eni-1", {}).has_value(); }}};
}

}  // namespace vpccni::aws::test
