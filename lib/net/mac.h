#pragma once
// An Ethernet address; text form is lower-case with colons.

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/ip.h"

namespace vpccni::net {

class Mac {
 public:
  Mac() = default;
  explicit Mac(const std::array<std::uint8_t, 6>& bytes) : bytes_(bytes) {}
  static Result<Mac> parse(std::string_view text);  // colon form, either case

  const std::array<std::uint8_t, 6>& bytes() const { return bytes_; }
  bool empty() const { return bytes_ == std::array<std::uint8_t, 6>{}; }
  friend auto operator<=>(const Mac&, const Mac&) = default;

 private:
  std::array<std::uint8_t, 6> bytes_{};
};

std::string to_string(const Mac& mac);

/// The IPv6 address that the kernel makes of it for its own link (EUI-64 in fe80::/64).
Ip link_local(const Mac& mac);

}  // namespace vpccni::net
