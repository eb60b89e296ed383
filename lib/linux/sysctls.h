#pragma once
// Kernel parameters under /proc/sys, named in the slash form: link names may contain dots. Those
// of net/ belong to the calling thread's network namespace.

#include <string_view>

#include "base/result.h"

namespace vpccni::linux {

/// The parameter has that value afterwards; it is read first, because some writes wait for locks.
/// `not_found` if the kernel has no such parameter.
Result<> set_sysctl(std::string_view path, std::string_view value);

/// The same where a missing parameter is fine (a kernel without IPv6).
Result<> set_sysctl_if_present(std::string_view path, std::string_view value);

/// Its value without white space at the ends.
Result<std::string> sysctl(std::string_view path);

}  // namespace vpccni::linux
