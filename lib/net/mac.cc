#include "net/mac.h"

#include <charconv>

namespace vpccni::net {

Result<Mac> Mac::parse(std::string_view text) {
  std::array<std::uint8_t, 6> bytes{};
  bool good = text.size() == 17;
  for (std::size_t i = 0; good && i < 6; ++i) {
    const char* at = text.data() + i * 3;
    const auto [end, ec] = std::from_chars(at, at + 2, bytes[i], 16);
    good = ec == std::errc{} && end == at + 2 && (i == 5 || at[2] == ':');
  }
  if (!good) {
    return Error{Errc::invalid_argument,
                 "MAC address expected, got \"" + std::string(text.substr(0, 32)) + "\""};
  }
  return Mac(bytes);
}

std::string to_string(const Mac& mac) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const auto byte : mac.bytes()) {
    if (!text.empty()) {
      text += ':';
    }
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 0xfU];
  }
  return text;
}

}  // namespace vpccni::net
