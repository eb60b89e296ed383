#pragma once
// May somebody take an address or an ENI from this node by hand? Pure: what speaks against it, in
// words, from one reading of the node. Nothing means: no pod can lose its address by it.

#include <string>
#include <vector>

#include "aws/eni.h"
#include "sre/node_view.h"

namespace vpccni::sre {

/// An ENI of the instance by EC2's word, and whether the CNI manages it.
struct AttachedEni {
  aws::Eni eni;
  bool managed = false;
  std::string because;  // "tag no_manage is true"
};

/// `block`: an address or a prefix. `enis`: EC2's word on all ENIs of the instance.
std::vector<std::string> against_unassign(const NodeView& view, const net::Cidr& block,
                                          const std::vector<AttachedEni>& enis);
std::vector<std::string> against_detach(const NodeView& view, const net::EniId& eni,
                                        const std::vector<AttachedEni>& enis);
/// More addresses: whatever the agent does, nobody loses one by it.
std::vector<std::string> against_assign(const net::EniId& eni,
                                        const std::vector<AttachedEni>& enis);

/// The ENI that EC2 lists with this address or prefix; null if none.
const AttachedEni* eni_with(const std::vector<AttachedEni>& enis, const net::Cidr& block);

}  // namespace vpccni::sre
