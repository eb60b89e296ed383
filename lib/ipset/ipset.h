#pragma once
// Sets of IPv4 networks in the kernel (libipset, type hash:net), in the calling thread's namespace.
// Only the named set and <name>.new are touched. Calls block on netlink; one thread at a time.

#include <string>
#include <vector>

#include "base/result.h"
#include "net/ip.h"

namespace vpccni::ipset {

/// The set holds just these: a new one is filled aside and swapped in, so a packet meets the old
/// content or the new. True if it did not hold them before. No network of length 0: the kernel's
/// type has none. Errors carry the library's words; `unsupported` when the kernel has no sets.
Result<bool> fill(const std::string& name, const std::vector<net::Cidr>& networks);

/// Without such a set: success. `conflict` while a rule names it.
Result<> destroy(const std::string& name);

}  // namespace vpccni::ipset
