#pragma once
// Values in the JSON forms that Go's encoder gives them: what introspection shares with upstream.

#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "net/ip.h"

namespace vpccni::agent {

/// RFC 3339 in UTC with up to nine fractional digits, trailing zeros trimmed; zero is Go's year 1.
std::string go_time(base::WallTime at);

/// A net.IPNet: {"IP": text, "Mask": base64 of the mask's bytes}.
base::OrderedJson go_cidr(const net::Cidr& cidr);

}  // namespace vpccni::agent
