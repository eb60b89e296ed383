#pragma once
// Takes secrets out of text that leaves the node. Pure.

#include <string>
#include <string_view>

namespace vpccni::sre {

/// Access key ids, what follows a word such as "token", "secret", "password", "signature" or
/// "authorization", and JSON web tokens become "***".
std::string redact(std::string_view text);

}  // namespace vpccni::sre
