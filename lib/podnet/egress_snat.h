#pragma once
// The SNAT chain of one pod's egress (spec dataplane.md 3.4) as pure plans, in the manner of
// firewall.h: the difference as one iptables-restore --noflush transaction, empty if there is none.
// The chain's name is a digest of network and container, so what it holds and what jumps to it is
// ours.

#include <string>
#include <string_view>

#include "linux/iptables.h"
#include "net/ip.h"
#include "podnet/host.h"

namespace vpccni::podnet {

/// Whose egress it is: the conflist's name and CNI_CONTAINERID.
struct EgressOwner {
  std::string network;
  std::string container_id;
};

struct EgressSnat {
  EgressOwner owner;
  net::Ip pod;   // the pod's egress address
  net::Ip node;  // what the world sees
  RandomizeSnat randomize = RandomizeSnat::fully;
};

/// "CNI-E4-" or "CNI-E6-" and 21 hex digits.
std::string egress_chain(net::Family family, const EgressOwner& owner);

/// Table nat with chain and jump.
std::string plan_egress_snat(const linux::SavedTable& nat, const EgressSnat& wanted);

/// Table nat without them, whatever address they were for.
std::string plan_egress_removal(const linux::SavedTable& nat, std::string_view chain);

}  // namespace vpccni::podnet
