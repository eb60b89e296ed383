#pragma once
// The instance metadata edge (IMDSv2). Thread-safe. 404 on an optional path is an empty value;
// any other failure is an error: a list that could not be read is never an empty list.

#include <optional>
#include <string>
#include <vector>

#include "aws/eni.h"
#include "base/result.h"

namespace vpccni::aws {

/// Facts that do not change while the instance runs.
struct InstanceIdentity {
  net::InstanceId id;
  std::string type;
  std::string region;
  std::string availability_zone;
  net::VpcId vpc;
  net::Mac primary_mac;
  net::EniId primary_eni;
  net::SubnetId primary_subnet;
  net::Ip local_ipv4;
};

/// One ENI as IMDS shows it. `addresses` holds the primary first.
struct ImdsEni {
  net::EniId id;
  net::Mac mac;
  net::DeviceIndex device;
  net::NetworkCard card;
  std::optional<net::SubnetId> subnet;
  std::vector<net::Ip> addresses;
  std::vector<net::Cidr> prefixes;
  std::vector<net::Ip> ipv6_addresses;
  std::vector<net::Cidr> ipv6_prefixes;
  std::optional<net::Cidr> subnet_ipv4;
  std::optional<net::Cidr> subnet_ipv6;
};

class Imds {
 public:
  virtual ~Imds() = default;
  virtual Result<InstanceIdentity> identity() = 0;
  virtual Result<std::vector<ImdsEni>> enis() = 0;  // every attached ENI, by (card, device)
  virtual Result<std::vector<net::Cidr>> vpc_ipv4_cidrs(const net::Mac& mac) = 0;
  virtual Result<std::vector<net::Cidr>> vpc_ipv6_cidrs(const net::Mac& mac) = 0;
  virtual Result<std::vector<net::SecurityGroupId>> security_groups(const net::Mac& mac) = 0;
  /// Raw document under /latest/ (e.g. "meta-data/iam/security-credentials/"); nullopt on 404.
  virtual Result<std::optional<std::string>> get(const std::string& path) = 0;
};

}  // namespace vpccni::aws
