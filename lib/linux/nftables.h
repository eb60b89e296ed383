#pragma once
// Tables of nf_tables, of which iptables knows nothing; in the calling thread's namespace.

#include <string>

#include "base/result.h"

namespace vpccni::linux {

/// Removes the IPv4 table with all that is in it, in one transaction. False if there is none.
/// `unsupported`: the kernel has no nf_tables.
Result<bool> delete_nft_table(const std::string& name);

}  // namespace vpccni::linux
