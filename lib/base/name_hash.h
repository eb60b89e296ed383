#pragma once
// SHA-1 and SHA-512 for *names* only: host veths and iptables chains are called after a digest.
// No security rests on them, and they must work where no crypto provider is, so they stand alone.
// Pure, thread-safe, cannot fail.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace vpccni::base {

std::array<std::uint8_t, 20> sha1_name(std::string_view text);
std::array<std::uint8_t, 64> sha512_name(std::string_view text);

/// The digests as lower-case hex: 40 and 128 digits.
std::string sha1_name_hex(std::string_view text);
std::string sha512_name_hex(std::string_view text);

}  // namespace vpccni::base
