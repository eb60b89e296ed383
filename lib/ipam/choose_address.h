#pragma once
// Which free address the next pod gets: pure. First what has cooled so long that no client can
// still mean its old pod; of those, out of the fullest prefix, so that prefixes empty and can be
// given back (spec users.md S6); of the others the one that is free the longest (C7).

#include <optional>

#include "base/clock.h"
#include "net/ip.h"

namespace vpccni::ipam {

class DataStore;

/// An address this long free is as good as new: a client's SYN_SENT entry (120 s by default) that
/// still points at the old pod has expired.
inline constexpr auto kFullyCooled = std::chrono::seconds(130);

/// nullopt: every address is held, cools, is quarantined, or is not confirmed.
std::optional<net::Ip> choose_address(const DataStore& store, base::WallTime now);

}  // namespace vpccni::ipam
