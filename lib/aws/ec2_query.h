#pragma once
// EC2's Query protocol, wire form only: forms out, XML in. Pure both ways; XML is foreign bytes
// (bounded, namespace-blind, unknown elements skipped, missing ids are `corrupt`). The name of each
// parameter is irregular by design of the service (spec aws.md 1.2): they are all here.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/ec2.h"

namespace vpccni::aws {

/// Parameters of one request; Action and Version are among them.
using Form = std::vector<std::pair<std::string, std::string>>;

/// application/x-www-form-urlencoded, sorted by key as the SDKs do.
std::string encode(Form form);

Form describe_network_interfaces(const EniFilter& filter, int page_size,
                                 const std::string& next_token);
Form describe_instance(const net::InstanceId& instance);
Form describe_subnets(const net::VpcId& vpc, const std::string& zone,
                      const std::string& next_token);
Form describe_instance_type(const std::string& type);
Form create_network_interface(const NewEni& wanted, const std::string& client_token);
Form attach_network_interface(const net::EniId& eni, const net::InstanceId& instance,
                              net::NetworkCard card, net::DeviceIndex device);
Form set_delete_on_termination(const net::EniId& eni, const net::AttachmentId& id);
Form set_security_groups(const net::EniId& eni, const std::vector<net::SecurityGroupId>& groups);
Form detach_network_interface(const net::AttachmentId& id);
Form delete_network_interface(const net::EniId& eni);
Form assign_private_addresses(const net::EniId& eni, int count);
Form assign_private_prefixes(const net::EniId& eni, int count);
Form assign_ipv6_prefix(const net::EniId& eni, int count);
Form unassign_private_addresses(const net::EniId& eni, const std::vector<net::Ip>& ips);
Form unassign_private_prefixes(const net::EniId& eni, const std::vector<net::Cidr>& which);
Form unassign_ipv6_prefixes(const net::EniId& eni, const std::vector<net::Cidr>& which);
Form create_tags(const std::string& resource, const Tags& tags);

struct EniPage {
  std::vector<Eni> enis;
  std::string next_token;
};
struct SubnetPage {
  std::vector<Subnet> subnets;
  std::string next_token;
};
Result<EniPage> parse_network_interfaces(std::string_view xml);
Result<std::vector<Attachment>> parse_instance_attachments(std::string_view xml);
Result<SubnetPage> parse_subnets(std::string_view xml);
Result<InstanceLimits> parse_instance_type(std::string_view xml);
Result<Eni> parse_created(std::string_view xml);
Result<net::AttachmentId> parse_attached(std::string_view xml);
Result<Added> parse_assigned(std::string_view xml);
Result<Added> parse_assigned_ipv6(std::string_view xml);
/// The answer of actions without output: only that it is one.
Result<> parse_done(std::string_view xml);

/// Code and message of an error document; nullopt if the bytes are none. A 200 may carry one.
struct ApiError {
  std::string code;
  std::string message;
  std::string request_id;
};
std::optional<ApiError> parse_error(std::string_view xml);

}  // namespace vpccni::aws
