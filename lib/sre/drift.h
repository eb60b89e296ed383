#pragma once
// Where the views of a node differ: each address that a pod has by any of them. Pure.

#include <string>
#include <vector>

#include "sre/node_view.h"

namespace vpccni::sre {

enum class Known { no, yes, unseen };  // unseen: that view could not be read
std::string_view to_string(Known known);

struct DriftRow {
  net::Ip address;
  std::string pod;  // "namespace/name"; "" when only the kernel has it
  Known agent = Known::unseen;
  Known checkpoint = Known::unseen;
  Known kernel = Known::unseen;
  Known imds = Known::unseen;
  Known ec2 = Known::unseen;

  /// Two views that were seen say different things.
  bool differs() const;
};

/// Sorted by address. Of addresses that no pod has nothing is said.
/// Addresses with a host route by a link that could be a pod's.
std::vector<net::Ip> routed_addresses(const NodeView& view);

std::vector<DriftRow> find_drift(const NodeView& view);

}  // namespace vpccni::sre
