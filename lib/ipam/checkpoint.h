#pragma once
// The checkpoint's form on disk: upstream's, schema "vpc-cni-ipam/1" (spec agent.md 3.6), and the
// side file that lets a cooldown outlive a restart. Pure, both ways; foreign bytes on the way in.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ipam/lease.h"

namespace vpccni::ipam {

/// One compact JSON object and a newline. Entries in the order given.
std::string format_checkpoint(const std::vector<Assignment>& assignments);

/// As lenient as upstream (unknown members, letter case of names, bytes after the value), but an
/// entry that makes no sense makes the whole file `corrupt`: nothing is dropped silently. Errors:
/// corrupt (what is wrong, where), unsupported (another version).
Result<std::vector<Assignment>> parse_checkpoint(std::string_view bytes);

using Cooling = std::vector<std::pair<net::Ip, base::WallTime>>;
std::string format_cooling(const Cooling& cooling);
/// Unreadable entries are left out: the worst is an address that does not cool on.
Cooling parse_cooling(std::string_view bytes);

}  // namespace vpccni::ipam
