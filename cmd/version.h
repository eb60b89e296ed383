#pragma once
// The program's version, one place.

#include <string_view>

namespace vpccni::cmd {

inline constexpr std::string_view kVersion = "0.1.0";
/// The release of the AWS VPC CNI that this is a drop-in for.
inline constexpr std::string_view kUpstream = "v1.21.1";

}  // namespace vpccni::cmd
