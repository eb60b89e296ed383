#pragma once
// The kernel's connection tracking (libnetfilter_conntrack), of the calling thread's namespace.
// Entries of a pod that is gone would lead packets of old connections, or of clients that still
// try, to the pod that gets its address next (users.md C7).

#include <set>

#include "base/result.h"
#include "net/ip.h"

namespace vpccni::conntrack {

/// The address, and which entries that name it go.
struct Flush {
  /// In whatever direction and tuple: the pod is gone.
  std::set<net::Ip> released;
  /// Only those that lead to it: the pod that has it now may speak already, but nobody can know it.
  std::set<net::Ip> assigned;

  bool empty() const { return released.empty() && assigned.empty(); }
};

/// One dump of the table for all of them. How many entries went; entries that vanish meanwhile are
/// fine. Errors: unsupported when the kernel tracks no connections.
Result<int> flush(const Flush& what);

}  // namespace vpccni::conntrack
