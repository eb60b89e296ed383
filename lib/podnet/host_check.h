#pragma once
// What of ours is missing on the host, and how to put it back (users.md C4, C9, C10, C18). Finding
// is pure: from what should be and one reading of the kernel to faults. Only our own objects are
// named, and a repair only adds: nothing that somebody else made is removed or changed, but for a
// route to one of our pods that leads elsewhere.

#include <string>
#include <string_view>
#include <vector>

#include "linux/addresses.h"
#include "linux/links.h"
#include "linux/netlink_socket.h"
#include "linux/routes.h"
#include "linux/rules.h"
#include "podnet/host.h"
#include "podnet/pod.h"

namespace vpccni::podnet {

struct WantedHost {
  HostNetwork network;
  std::vector<EniNetwork> enis;  // secondary ones
  std::vector<PodRoute> pods;    // with their host_veth
};

struct SeenHost {
  std::vector<linux::Link> links;
  std::vector<linux::Rule> rules;         // of the pods' family, as the rest
  std::vector<linux::Route> routes;       // of main and of the ENIs' tables
  std::vector<linux::Address> addresses;  // of the ENIs' links
};

enum class HostObject {
  link,
  address,
  route_eni,
  route_pod,
  rule_to,
  rule_from,
  rule_eni,
  rule_mark,
  rule_local,
  rule_service,
  pod_link,
  chain
};
/// The metric's label: "rule_to".
std::string_view to_string(HostObject object);

struct Fault {
  HostObject object = HostObject::link;
  std::string what;  // "rule to 10.0.0.20 lookup main pref 512"; the same for the same object
  /// In order. Empty for a pod's link: only a new pod gets one.
  std::vector<linux::Request> repair;
};

/// All faults of the host, links first.
std::vector<Fault> find_faults(const WantedHost& wanted, const SeenHost& seen);
/// Those of one pod: what CHECK asks.
std::vector<Fault> find_pod_faults(const PodRoute& pod, const SeenHost& seen);

Result<SeenHost> read_host(const WantedHost& wanted);
/// One batch. A route or address that is there by now is fine; a rule is then there twice.
Result<> repair(const Fault& fault);

}  // namespace vpccni::podnet
