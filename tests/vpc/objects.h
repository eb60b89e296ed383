#pragma once
// What the VPC model holds, as plain values: EC2's objects with the fields that its faces show.
// Times are the caller's (base::Instant); nothing here reads a clock.

#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "aws/eni.h"
#include "tests/vpc/address_space.h"

namespace vpccni::vpc {

struct Vpc {
  net::VpcId id;
  std::vector<net::Cidr> cidrs;  // primary first
  std::vector<net::Cidr> ipv6_cidrs;
  net::SecurityGroupId default_group;
  aws::Tags tags;
};

struct Subnet : aws::Subnet {
  std::optional<net::Cidr> ipv6;  // a /64
  AddressSpace space;
  std::uint64_t next_ipv6 = 0x10;  // addresses and /80s are handed out in order, never again
  std::uint64_t next_ipv6_prefix = 1;
  bool full = false;        // fault: no free address
  bool fragmented = false;  // fault: no whole /28
};

struct SecurityGroup {
  net::SecurityGroupId id;
  std::string name;
  net::VpcId vpc;
  aws::Tags tags;
};

using aws::ConnectionTracking;

/// `addresses` has the primary first; `status` and `attachment` are what EC2 shows at the last
/// verb's time.
struct Eni : aws::Eni {
  struct BranchOf {
    net::EniId trunk;
    net::VlanId vlan;
  };
  std::optional<BranchOf> branch_of;
  bool source_dest_check = true;
  base::WallTime attach_time{};

  const net::Ip& primary() const { return addresses.front().ip; }
  /// Primary, secondaries and prefixes: what counts against the type's limit.
  int slots() const { return static_cast<int>(addresses.size() + prefixes.size()); }
};

enum class InstanceState { running, stopped, terminated };

struct Instance {
  net::InstanceId id;
  std::string type;
  std::string zone;
  net::VpcId vpc;
  net::SubnetId subnet;
  net::EniId primary_eni;
  net::Mac primary_mac;
  net::Ip address;
  std::string private_dns;
  InstanceState state = InstanceState::running;
  base::WallTime launched{};
  aws::Tags tags;
};

/// Keys that the EC2 face accepts. `token` is empty for long-term keys.
struct AccessKey {
  std::string id;
  std::string secret;
  std::string token;
  net::InstanceId instance;  // whose role they are; empty for a person's
  std::optional<base::WallTime> expires;
};

/// What a fabric or a simulation follows. `at` is when it happened, not when it was taken.
struct LinkChange {
  bool attached = false;  // else detached: the link is gone
  net::EniId eni;
  net::InstanceId instance;
  net::Mac mac;
  net::NetworkCard card;
  net::DeviceIndex device;
  base::SteadyTime at{};
};
struct AddressChange {
  bool assigned = false;
  net::EniId eni;
  net::Cidr block;  // /32, /28, /128 or /80
  base::SteadyTime at{};
};
struct BranchChange {
  bool associated = false;
  net::EniId branch;
  net::EniId trunk;
  net::VlanId vlan;
  base::SteadyTime at{};
};
using Change = std::variant<LinkChange, AddressChange, BranchChange>;

struct NewSubnet {
  net::SubnetId id;  // empty = from the counter
  net::VpcId vpc;
  net::Cidr cidr;
  std::string zone;
  std::optional<net::Cidr> ipv6;
  std::vector<net::Cidr> prefix_reservations;
  aws::Tags tags;
};

struct NewInstance {
  net::InstanceId id;  // empty = from the counter
  std::string type = "m5.large";
  net::SubnetId subnet;
  std::vector<net::SecurityGroupId> groups;  // empty = the VPC's default group
  std::optional<net::Ip> address;            // primary address; else the next free one
  int secondary_addresses = 0;
  int ipv6_addresses = 0;
  aws::Tags tags;
};

struct NewInterface {
  net::SubnetId subnet;
  std::vector<net::SecurityGroupId> groups;
  std::string description;
  aws::Tags tags;
  aws::EniKind kind = aws::EniKind::ordinary;
  std::optional<net::Ip> primary;
  std::vector<net::Ip> secondaries;  // explicit ones, without the primary
  std::vector<net::Cidr> prefixes;   // explicit ones
  std::optional<int> secondary_count;
  std::optional<int> prefix_count;
  int ipv6_count = 0;
  int ipv6_prefix_count = 0;
  ConnectionTracking tracking;
  std::string client_token;
};

struct NewAddresses {
  net::EniId eni;
  std::optional<int> count;
  std::optional<int> prefix_count;
  std::vector<net::Ip> addresses;
  std::vector<net::Cidr> prefixes;
  bool allow_reassignment = false;
};

}  // namespace vpccni::vpc
