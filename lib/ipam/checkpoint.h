#pragma once
// The checkpoint's form on disk: upstream's, schema "vpc-cni-ipam/1" (spec agent.md 3.6), and the
// side files beside it. Pure, both ways; foreign bytes on the way in.

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

/// What happened in the last minute or two and must outlive a restart, each with its time:
/// addresses that pods gave back, blocks that were given back to EC2, ENIs that were taken off. EC2
/// and IMDS may list the latter two for a while.
struct Recent {
  Cooling cooling;
  std::vector<std::pair<net::Cidr, base::WallTime>> unassigned;
  std::vector<std::pair<net::EniId, base::WallTime>> leaving;
};
std::string format_recent(const Recent& recent);
/// Unreadable entries are left out: the worst is an address that does not cool on.
Recent parse_recent(std::string_view bytes);

/// The quarantined assignments, for people and tools; the agent itself reads the checkpoint.
std::string format_quarantine(const std::vector<Assignment>& quarantined);

}  // namespace vpccni::ipam
