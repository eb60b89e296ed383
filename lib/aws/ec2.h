#pragma once
// The EC2 edge. Thread-safe. Each verb is one EC2 action (paging is hidden); the real one signs,
// sends and retries by the policy of aws.md section 5 and nothing more. Error.cause is the API
// code ("InsufficientFreeAddressesInSubnet"), Error.code its class: throttled, denied, not_found,
// exhausted (subnet or limit), invalid_argument, unavailable, timeout, corrupt, internal.

#include <optional>
#include <string>
#include <vector>

#include "aws/eni.h"
#include "base/result.h"

namespace vpccni::aws {

/// All given conditions must hold.
struct EniFilter {
  std::vector<net::EniId> ids;
  std::vector<std::pair<std::string, std::vector<std::string>>> filters;  // EC2 filter name, values
};

struct NewEni {
  net::SubnetId subnet;
  std::vector<net::SecurityGroupId> groups;
  std::string description;
  Tags tags;
  ConnectionTracking tracking;
  int secondary_addresses = 0;  // at most one of these three is > 0
  int prefixes = 0;
  int ipv6_addresses = 0;
};

struct Added {
  std::vector<net::Ip> addresses;
  std::vector<net::Cidr> prefixes;
};

class Ec2 {
 public:
  virtual ~Ec2() = default;
  virtual Result<std::vector<Eni>> network_interfaces(const EniFilter& filter) = 0;
  /// Attachments of one instance, from DescribeInstances: card and device index in use.
  virtual Result<std::vector<Attachment>> attachments(const net::InstanceId& instance) = 0;
  virtual Result<std::vector<Subnet>> subnets(const net::VpcId& vpc, const std::string& zone) = 0;
  virtual Result<InstanceLimits> instance_type(const std::string& type) = 0;
  virtual Result<Eni> create(const NewEni& wanted) = 0;
  virtual Result<net::AttachmentId> attach(const net::EniId& eni, const net::InstanceId& instance,
                                           net::NetworkCard card, net::DeviceIndex device) = 0;
  virtual Result<> delete_on_termination(const net::EniId& eni, const net::AttachmentId& id) = 0;
  virtual Result<> set_groups(const net::EniId& eni,
                              const std::vector<net::SecurityGroupId>& groups) = 0;
  virtual Result<> detach(const net::AttachmentId& id) = 0;
  virtual Result<> remove(const net::EniId& eni) = 0;  // DeleteNetworkInterface
  virtual Result<Added> assign_addresses(const net::EniId& eni, int count) = 0;
  virtual Result<Added> assign_prefixes(const net::EniId& eni, int count) = 0;
  virtual Result<Added> assign_ipv6_prefixes(const net::EniId& eni, int count) = 0;
  virtual Result<> unassign_addresses(const net::EniId& eni, const std::vector<net::Ip>& ips) = 0;
  virtual Result<> unassign_prefixes(const net::EniId& eni,
                                     const std::vector<net::Cidr>& which) = 0;
  virtual Result<> unassign_ipv6_prefixes(const net::EniId& eni,
                                          const std::vector<net::Cidr>& which) = 0;
  virtual Result<> create_tags(const std::string& resource, const Tags& tags) = 0;
};

}  // namespace vpccni::aws
