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

Ip link_local(const Mac& mac) {
  const auto& m = mac.bytes();
  return Ip::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(m[0] ^ 2U), m[1], m[2],
                 0xff, 0xfe, m[3], m[4], m[5]});
}

}  // namespace vpccni::net
