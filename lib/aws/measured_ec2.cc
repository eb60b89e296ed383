#include "aws/measured_ec2.h"

#include "aws/ec2_error.h"

namespace vpccni::aws {

namespace {

/// Upstream names one action otherwise where it times it.
std::string_view timed_name(std::string_view action) {
  return action == "AssignIpv6Addresses" ? "AssignIpv6AddressesWithContext" : action;
}

}  // namespace

void show_free_addresses(const std::vector<Subnet>& subnets, metrics::Registry& metrics) {
  std::vector<metrics::Sample<1>> free;
  for (const auto& subnet : subnets) {
    free.push_back({{to_string(subnet.id)}, static_cast<double>(subnet.available_addresses)});
  }
  metrics.replace<metrics::Metric::vpccni_subnet_free_ips>(free);
}

template <class Call>
auto MeasuredEc2::measure(std::string_view action, Call call) -> decltype(call()) {
  using metrics::Metric;
  const auto begin = clock_.now().steady;
  auto result = call();
  const auto took = clock_.now().steady - begin;
  const auto seconds = std::chrono::duration<double>(took).count();
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  const bool ok = result.has_value();
  const std::string_view status = ok ? std::string_view("200") : error_label(result.error());
  metrics_.add<Metric::awscni_ec2api_req_count>({action});
  metrics_.observe<Metric::awscni_aws_api_latency_ms>(
      static_cast<double>(milliseconds), {timed_name(action), ok ? "false" : "true", status});
  metrics_.observe<Metric::vpccni_ec2_seconds>(seconds, {action, ok ? "ok" : "error"});
  if (!ok) {
    refused(action, status, result.error());
  }
  return result;
}

void MeasuredEc2::refused(std::string_view action, std::string_view code, const Error& error) {
  using metrics::Metric;
  metrics_.add<Metric::awscni_ec2api_error_count>({action});
  if (!code.empty()) {
    metrics_.add<Metric::awscni_aws_api_error_count>({action, code});
  }
  if (error.code == Errc::throttled) {
    metrics_.add<Metric::vpccni_ec2_throttled_total>({action});
    if (listener_.throttled) {
      listener_.throttled(action);
    }
  }
  if (code == "UnauthorizedOperation" && listener_.denied) {
    listener_.denied(action);
  }
}

Result<std::vector<Eni>> MeasuredEc2::network_interfaces(const EniFilter& filter) {
  return measure("DescribeNetworkInterfaces", [&] { return inner_.network_interfaces(filter); });
}

Result<std::vector<Attachment>> MeasuredEc2::attachments(const net::InstanceId& instance) {
  return measure("DescribeInstances", [&] { return inner_.attachments(instance); });
}

Result<std::vector<Subnet>> MeasuredEc2::subnets(const net::VpcId& vpc, const std::string& zone) {
  auto answer = measure("DescribeSubnets", [&] { return inner_.subnets(vpc, zone); });
  if (answer) {
    show_free_addresses(*answer, metrics_);
  }
  return answer;
}

Result<InstanceLimits> MeasuredEc2::instance_type(const std::string& type) {
  return measure("DescribeInstanceTypes", [&] { return inner_.instance_type(type); });
}

Result<Eni> MeasuredEc2::create(const NewEni& wanted) {
  return measure("CreateNetworkInterface", [&] { return inner_.create(wanted); });
}

Result<net::AttachmentId> MeasuredEc2::attach(const net::EniId& eni,
                                              const net::InstanceId& instance,
                                              net::NetworkCard card, net::DeviceIndex device) {
  return measure("AttachNetworkInterface",
                 [&] { return inner_.attach(eni, instance, card, device); });
}

Result<> MeasuredEc2::delete_on_termination(const net::EniId& eni, const net::AttachmentId& id) {
  return measure("ModifyNetworkInterfaceAttribute",
                 [&] { return inner_.delete_on_termination(eni, id); });
}

Result<> MeasuredEc2::set_groups(const net::EniId& eni,
                                 const std::vector<net::SecurityGroupId>& groups) {
  return measure("ModifyNetworkInterfaceAttribute", [&] { return inner_.set_groups(eni, groups); });
}

Result<> MeasuredEc2::detach(const net::AttachmentId& id) {
  return measure("DetachNetworkInterface", [&] { return inner_.detach(id); });
}

Result<> MeasuredEc2::remove(const net::EniId& eni) {
  return measure("DeleteNetworkInterface", [&] { return inner_.remove(eni); });
}

Result<Added> MeasuredEc2::assign_addresses(const net::EniId& eni, int count) {
  return measure("AssignPrivateIpAddresses", [&] { return inner_.assign_addresses(eni, count); });
}

Result<Added> MeasuredEc2::assign_prefixes(const net::EniId& eni, int count) {
  return measure("AssignPrivateIpAddresses", [&] { return inner_.assign_prefixes(eni, count); });
}

Result<Added> MeasuredEc2::assign_ipv6_prefixes(const net::EniId& eni, int count) {
  return measure("AssignIpv6Addresses", [&] { return inner_.assign_ipv6_prefixes(eni, count); });
}

Result<> MeasuredEc2::unassign_addresses(const net::EniId& eni, const std::vector<net::Ip>& ips) {
  return measure("UnassignPrivateIpAddresses", [&] { return inner_.unassign_addresses(eni, ips); });
}

Result<> MeasuredEc2::unassign_prefixes(const net::EniId& eni,
                                        const std::vector<net::Cidr>& which) {
  return measure("UnassignPrivateIpAddresses",
                 [&] { return inner_.unassign_prefixes(eni, which); });
}

Result<> MeasuredEc2::unassign_ipv6_prefixes(const net::EniId& eni,
                                             const std::vector<net::Cidr>& which) {
  return measure("UnassignIpv6Addresses",
                 [&] { return inner_.unassign_ipv6_prefixes(eni, which); });
}

Result<> MeasuredEc2::create_tags(const std::string& resource, const Tags& tags) {
  return measure("CreateTags", [&] { return inner_.create_tags(resource, tags); });
}

}  // namespace vpccni::aws
