#pragma once
// HTTP as values, shared by client and server.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"

namespace vpccni::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// First value of the header, case-insensitive, or "".
inline std::string_view header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (base::iequals(key, name)) {
      return value;
    }
  }
  return {};
}

}  // namespace vpccni::http
