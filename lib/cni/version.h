#pragma once
// Versions of the CNI specification that the plugins speak. Pure.

#include <array>
#include <string>
#include <string_view>

namespace vpccni::cni {

inline constexpr std::array<std::string_view, 7> kVersions = {"0.1.0", "0.2.0", "0.3.0", "0.3.1",
                                                              "0.4.0", "1.0.0", "1.1.0"};

bool is_supported(std::string_view version);

/// `version` is `than` or later; both are supported ones.
bool at_least(std::string_view version, std::string_view than);

/// The answer to VERSION, one line.
std::string version_json();

}  // namespace vpccni::cni
