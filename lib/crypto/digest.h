#pragma once
// SHA-256 and HMAC-SHA-256 from the configured OpenSSL provider: with the validated module
// configured, these are its own. Thread-safe. Errors: unsupported when the provider has no such
// algorithm.

#include <string>
#include <string_view>

#include "base/result.h"

namespace vpccni::crypto {

Result<std::string> sha256(std::string_view bytes);                             // 32 raw bytes
Result<std::string> hmac_sha256(std::string_view key, std::string_view bytes);  // 32 raw bytes

/// n random bytes from the provider's generator.
Result<std::string> random_bytes(std::size_t n);

}  // namespace vpccni::crypto
