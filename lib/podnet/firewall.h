#pragma once
// The node's iptables rules as pure plans: from what iptables-save shows and what is wanted to one
// iptables-restore --noflush transaction that holds only the difference. Thread-safe, cannot fail.
// A plan for a table that is already right is empty. Rules that are not ours are never named.
//
// Ours are: the chains AWS-SNAT-CHAIN-<n> and AWS-CONNMARK-CHAIN-<n> with all that is in them, and
// in PREROUTING and POSTROUTING the rules that carry both our comment and our target.

#include <string>
#include <string_view>

#include "linux/iptables.h"
#include "podnet/host.h"

namespace vpccni::podnet {

/// Table nat: the SNAT and connmark chains and the jumps to them. Empty when nothing is to do.
std::string plan_nat(const linux::SavedTable& existing, const HostNetwork& wanted);

/// Table mangle: marks of connections that arrive on the primary link, restored for pods.
std::string plan_mangle(const linux::SavedTable& existing, const HostNetwork& wanted,
                        std::string_view primary_link);

/// Table filter: new connections to the addresses that pods have for egress in this family are
/// refused. The rule is put first, once, and never removed.
std::string plan_filter(const linux::SavedTable& existing, net::Family family);

}  // namespace vpccni::podnet
