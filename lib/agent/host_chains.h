#pragma once
// The node's chains together with the set of networks that they may name
// (VPCCNI_SNAT_IPSET): the set first, then the rules; the rules first, when it goes.

#include "podnet/host.h"

namespace vpccni::agent {

/// podnet's set_up_host_network. Where the kernel has no sets, `wanted` turns to rules, and
/// `trouble` says why.
Result<> set_up_host(podnet::HostNetwork& wanted, std::string& trouble);

/// podnet's update_chains; also true if the set did not hold what it should.
Result<bool> update_chains(const podnet::HostNetwork& wanted);

}  // namespace vpccni::agent
