#include "agent/go_json.h"

#include <algorithm>
#include <array>
#include <ctime>

namespace vpccni::agent {

namespace {

/// The bytes of a netmask of that length, for an address of `size` bytes.
std::string mask_bytes(int length, std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) {
    const int ones = std::clamp(length - 8 * static_cast<int>(i), 0, 8);
    bytes += static_cast<char>(0xff00U >> static_cast<unsigned>(ones));
  }
  return bytes;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto group = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t n = 0; n < 3; ++n) {
      bits = bits << 8U | (n < group.size() ? static_cast<unsigned char>(group[n]) : 0U);
    }
    for (std::size_t n = 0; n < 4; ++n) {
      text += n <= group.size() ? kAlphabet[bits >> (18U - 6U * n) & 0x3fU] : '=';
    }
  }
  return text;
}

}  // namespace

std::string go_time(base::WallTime at) {
  const auto ns = at.time_since_epoch().count();
  if (ns == 0) {
    return "0001-01-01T00:00:00Z";
  }
  const std::time_t seconds = static_cast<std::time_t>(ns / 1'000'000'000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> buffer{};
  const auto n = std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::string text(buffer.data(), n);
  std::string fraction = std::to_string(1'000'000'000 + ns % 1'000'000'000).substr(1);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (!fraction.empty()) {
    text += '.' + fraction;
  }
  return text + 'Z';
}

base::OrderedJson go_cidr(const net::Cidr& cidr) {
  return {{"IP", to_string(cidr.base())},
          {"Mask", base64(mask_bytes(cidr.length(), cidr.base().size()))}};
}

}  // namespace vpccni::agent
