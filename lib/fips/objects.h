#pragma once
// The shared objects of this process, and files' hashes.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vpccni::fips {

/// Their paths, in the order of loading.
std::vector<std::string> loaded_objects();
/// The first whose file name begins so; "" if there is none.
std::string object_named(const std::vector<std::string>& objects, std::string_view prefix);
std::string_view file_name(std::string_view path);

/// SHA-256 in lower-case hexadecimal, computed by the module. Errors as read_file's.
Result<std::string> hash_file(const std::string& path);

}  // namespace vpccni::fips
