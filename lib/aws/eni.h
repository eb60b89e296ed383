#pragma once
// EC2 objects as plain values, without wire names. Empty id or nullopt means absent.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "net/id.h"
#include "net/ip.h"
#include "net/mac.h"

namespace vpccni::aws {

using Tags = std::map<std::string, std::string>;

enum class EniKind { ordinary, trunk, branch, efa, efa_only };  // from EC2's InterfaceType

struct EniAddress {
  net::Ip ip;
  bool primary = false;
  friend bool operator==(const EniAddress&, const EniAddress&) = default;
};

struct Attachment {
  net::AttachmentId id;
  net::InstanceId instance;
  net::DeviceIndex device;
  net::NetworkCard card;
  std::string status;  // attaching, attached, detaching, …
  bool delete_on_termination = false;
};

/// Idle time-outs of the security groups' connection tracking, in seconds; nullopt = EC2's default.
struct ConnectionTracking {
  std::optional<int> tcp_established;
  std::optional<int> udp_stream;
  std::optional<int> udp;
  bool empty() const { return !tcp_established && !udp_stream && !udp; }
  friend bool operator==(const ConnectionTracking&, const ConnectionTracking&) = default;
};

struct Eni {
  net::EniId id;
  net::Mac mac;
  net::SubnetId subnet;
  net::VpcId vpc;
  std::string availability_zone;
  std::string description;
  std::string status;  // available, in-use, …
  EniKind kind = EniKind::ordinary;
  std::optional<Attachment> attachment;
  std::vector<EniAddress> addresses;  // IPv4, primary first
  std::vector<net::Cidr> prefixes;    // IPv4 /28
  std::vector<net::Ip> ipv6_addresses;
  std::vector<net::Cidr> ipv6_prefixes;  // /80
  std::vector<net::SecurityGroupId> groups;
  Tags tags;
  ConnectionTracking tracking;
};

struct Subnet {
  net::SubnetId id;
  net::VpcId vpc;
  std::string availability_zone;
  net::Cidr cidr;                      // IPv4
  std::optional<net::Cidr> ipv6_cidr;  // the associated one
  int available_addresses = 0;
  Tags tags;
};

struct CardLimit {
  net::NetworkCard card;
  int enis = 0;
  friend bool operator==(const CardLimit&, const CardLimit&) = default;
};

/// What an instance type can hold (spec aws.md section 7; data/instance-limits.json).
struct InstanceLimits {
  int enis = 0;          // on the default card
  int ipv4_per_eni = 0;  // primary included
  net::NetworkCard default_card;
  std::vector<CardLimit> cards;
  std::string hypervisor;  // nitro, xen, unknown
  bool bare_metal = false;
  bool prefixes_supported() const { return hypervisor == "nitro" || bare_metal; }
};

}  // namespace vpccni::aws
