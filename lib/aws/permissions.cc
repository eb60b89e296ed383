#include "aws/permissions.h"

#include "aws/ec2_error.h"
#include "base/json.h"

namespace vpccni::aws {

namespace {

/// The calls of spec aws.md 1.6, as the agent makes them.
std::vector<std::pair<std::string, Form>> calls(const InstanceIdentity& instance,
                                                const Eni& primary) {
  const auto attachment = primary.attachment ? primary.attachment->id : net::AttachmentId();
  const std::vector<net::Ip> address = {instance.local_ipv4};
  NewEni wanted;
  wanted.subnet = primary.subnet;
  wanted.groups = primary.groups;
  wanted.description = "aws-K8S-" + to_string(instance.id);
  return {
      {"DescribeInstances", describe_instance(instance.id)},
      {"DescribeInstanceTypes", describe_instance_type(instance.type)},
      {"DescribeNetworkInterfaces", describe_network_interfaces({{primary.id}, {}}, 0, "")},
      {"DescribeSubnets", describe_subnets(instance.vpc, instance.availability_zone, "")},
      {"CreateNetworkInterface", create_network_interface(wanted, "permission-check")},
      {"AttachNetworkInterface",
       attach_network_interface(primary.id, instance.id, net::NetworkCard(0), net::DeviceIndex(1))},
      {"DetachNetworkInterface", detach_network_interface(attachment)},
      {"DeleteNetworkInterface", delete_network_interface(primary.id)},
      {"ModifyNetworkInterfaceAttribute", set_security_groups(primary.id, primary.groups)},
      {"AssignPrivateIpAddresses", assign_private_addresses(primary.id, 1)},
      {"UnassignPrivateIpAddresses", unassign_private_addresses(primary.id, address)},
      {"AssignIpv6Addresses", assign_ipv6_prefix(primary.id, 1)},
      {"UnassignIpv6Addresses",
       unassign_ipv6_prefixes(primary.id, {*net::Cidr::parse("2001:db8::/80")})},
      {"CreateTags", create_tags(to_string(primary.id),
                                 {{"node.k8s.amazonaws.com/instance_id", to_string(instance.id)}})},
  };
}

}  // namespace

std::vector<Permission> ask_permissions(Ec2Http& ec2, const InstanceIdentity& instance,
                                        const Eni& primary) {
  std::vector<Permission> out;
  for (auto& [action, form] : calls(instance, primary)) {
    const auto outcome = ec2.dry_run(std::move(form));
    auto& one = out.emplace_back(Permission{"ec2:" + action, std::nullopt});
    if (outcome) {
      one.allowed = true;
    } else if (outcome.error().code == Errc::denied) {
      one.allowed = false;
    } else if (is_transient(outcome.error())) {
      break;
    }
  }
  return out;
}

std::vector<std::string> denied_actions(const std::vector<Permission>& permissions) {
  std::vector<std::string> out;
  for (const auto& one : permissions) {
    if (one.allowed == false) {
      out.push_back(one.action);
    }
  }
  return out;
}

std::string policy_statement(const std::vector<std::string>& actions) {
  const base::OrderedJson statement = {{"Effect", "Allow"}, {"Action", actions}, {"Resource", "*"}};
  return base::dump_json(statement, 2);
}

}  // namespace vpccni::aws
