#pragma once
// The lab's VPC network: one router namespace in which every ENI is a veth whose other end is in a
// node's namespace. It delivers an address only to the ENI that the model says has it, answers ARP
// for the rest of the subnet, and drops what an ENI sends with a source that is not its own
// (spec dataplane.md 9.6). IPv6 addresses are public: the internet reaches them as they are. Linux
// state only; decisions come from the model as changes. Not thread-safe; the calling thread keeps
// its own namespace.

#include <map>
#include <optional>
#include <set>
#include <string>

#include "linux/netlink_socket.h"
#include "linux/netns.h"
#include "tests/vpc/objects.h"

namespace vpccni::lab {

/// What the fabric has to know of an ENI when its link appears.
struct EniLink {
  net::EniId id;
  net::Mac mac;
  net::DeviceIndex device;
  net::NetworkCard card;
  net::Ip primary;
  net::Cidr subnet;
  std::optional<net::Ip> primary_v6;
  bool configured = false;  // the instance's own ENI: the "OS" gives it address and default route
};

class Fabric {
 public:
  /// Prepares router and internet namespaces, which exist and are empty.
  static Result<Fabric> open(const std::string& router, const std::string& internet,
                             const std::vector<net::Cidr>& vpc_cidrs);

  Result<> attach(const EniLink& eni, const linux::Netns& node);
  /// A branch ENI: a VLAN on the trunk's link, which has to be attached. `unsupported` where the
  /// kernel has no 802.1Q.
  Result<> attach_branch(const EniLink& eni, const net::EniId& trunk, net::VlanId vlan);
  /// Both ends go; success if they are gone already.
  Result<> detach(const net::EniId& eni);
  Result<> assign(const net::EniId& eni, const net::Cidr& block);
  Result<> unassign(const net::EniId& eni, const net::Cidr& block);

  const linux::Netns& router() const { return router_; }

 private:
  struct Port {
    net::IfIndex link;
    net::Mac mac;
    net::Ip primary;
  };
  Fabric(linux::Netns router, linux::Netlink kernel, linux::Netns internet,
         linux::Netlink internet_kernel);
  Result<> prepare(const std::vector<net::Cidr>& vpc_cidrs);
  Result<> prepare_v6(net::IfIndex outside);
  Result<> deliver(const Port& port, const net::Cidr& block);
  /// What the router's end of an ENI does, once it is there.
  Result<> serve(const EniLink& eni, const std::string& name);
  Result<> set_up_node_end(const EniLink& eni, const linux::Netns& node);

  linux::Netns router_;
  linux::Netlink kernel_;
  linux::Netns internet_;
  linux::Netlink internet_kernel_;
  net::IfIndex to_router_;                            // the internet host's link
  std::map<net::EniId, Port> ports_;                  // attached ENIs
  std::map<net::EniId, std::set<net::Cidr>> blocks_;  // all ENIs
};

/// The host in the internet namespace that answers pings.
inline constexpr std::string_view kInternetHost = "198.51.100.9";
inline constexpr std::string_view kInternetHostV6 = "2001:db8:9::9";
inline constexpr std::string_view kImdsHost = "169.254.169.254";
inline constexpr std::string_view kEc2Host = "192.0.2.1";
inline constexpr std::string_view kKubernetesHost = "192.0.2.2";

}  // namespace vpccni::lab
