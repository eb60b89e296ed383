#include "net/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace vpccni::net {

namespace {

Error bad(std::string_view what, std::string_view text) {
  return {Errc::invalid_argument,
          std::string(what) + " expected, got \"" + std::string(text.substr(0, 64)) + "\""};
}

Result<int> prefix_length(std::string_view text, std::string_view digits, int bits) {
  int length = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (ec != std::errc{} || end != digits.data() + digits.size() || length < 0 || length > bits ||
      (digits.size() > 1 && digits[0] == '0')) {
    return bad("CIDR", text);
  }
  return length;
}

}  // namespace

Result<Ip> Ip::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (text.empty() || text.size() >= buffer.size() || text.find('\0') != std::string_view::npos) {
    return bad("IP address", text);
  }
  std::copy(text.begin(), text.end(), buffer.begin());
  Ip ip;
  if (text.find(':') == std::string_view::npos) {
    ip.family_ = Family::v4;
    if (inet_pton(AF_INET, buffer.data(), ip.bytes_.data()) != 1) {
      return bad("IP address", text);
    }
    return ip;
  }
  ip.family_ = Family::v6;
  if (inet_pton(AF_INET6, buffer.data(), ip.bytes_.data()) != 1) {
    return bad("IP address", text);
  }
  return ip;
}

Ip Ip::v4(std::uint32_t host_order) {
  Ip ip;
  for (unsigned i = 0; i < 4; ++i) {
    ip.bytes_[i] = static_cast<std::uint8_t>(host_order >> (24U - 8U * i));
  }
  return ip;
}

Ip Ip::v6(const std::array<std::uint8_t, 16>& bytes) {
  Ip ip;
  ip.family_ = Family::v6;
  ip.bytes_ = bytes;
  return ip;
}

std::uint32_t Ip::to_v4() const {
  return (std::uint32_t{bytes_[0]} << 24U) | (std::uint32_t{bytes_[1]} << 16U) |
         (std::uint32_t{bytes_[2]} << 8U) | std::uint32_t{bytes_[3]};
}

Ip Ip::plus(std::uint64_t offset) const {
  Ip next = *this;
  for (std::size_t i = size(); i-- > 0 && offset != 0;) {
    const std::uint64_t sum = next.bytes_[i] + (offset & 0xffU);
    next.bytes_[i] = static_cast<std::uint8_t>(sum);
    offset = (offset >> 8U) + (sum >> 8U);
  }
  return next;
}

bool Ip::is_link_local() const {
  return is_v4() ? bytes_[0] == 169 && bytes_[1] == 254
                 : bytes_[0] == 0xfe && (bytes_[1] & 0xc0U) == 0x80;
}

bool Ip::is_global_unicast() const {
  if (is_link_local()) {
    return false;
  }
  const bool unspecified = std::all_of(bytes_.begin(), bytes_.end(), [](auto b) { return b == 0; });
  if (unspecified) {
    return false;
  }
  if (is_v4()) {
    return bytes_[0] != 127 && bytes_[0] < 224;
  }
  Ip loopback;
  loopback.family_ = Family::v6;
  loopback.bytes_[15] = 1;
  return bytes_[0] != 0xff && *this != loopback;
}

std::string to_string(const Ip& ip) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  inet_ntop(ip.is_v4() ? AF_INET : AF_INET6, ip.data(), buffer.data(), buffer.size());
  return buffer.data();
}

Cidr::Cidr(const Ip& ip, int prefix_length)
    : base_(ip), length_(std::clamp(prefix_length, 0, ip.bits())) {
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), ip.data(), ip.size());
  for (std::size_t i = 0; i < ip.size(); ++i) {
    const int kept = std::clamp(length_ - static_cast<int>(i) * 8, 0, 8);
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00U >> static_cast<unsigned>(kept)));
  }
  if (ip.is_v4()) {
    base_ = Ip::v4((std::uint32_t{bytes[0]} << 24U) | (std::uint32_t{bytes[1]} << 16U) |
                   (std::uint32_t{bytes[2]} << 8U) | std::uint32_t{bytes[3]});
  } else {
    base_ = Ip::v6(bytes);
  }
}

Result<Cidr> Cidr::parse(std::string_view text) {
  VPCCNI_TRY(const auto value, IpInterface::parse(text));
  return value.network();
}

bool Cidr::contains(const Ip& ip) const {
  return ip.family() == family() && Cidr(ip, length_).base_ == base_;
}

bool Cidr::contains(const Cidr& other) const {
  return other.length_ >= length_ && contains(other.base_);
}

std::uint64_t Cidr::size() const {
  const int host_bits = base_.bits() - length_;
  return std::uint64_t{1} << static_cast<unsigned>(std::min(host_bits, 63));
}

std::string to_string(const Cidr& cidr) {
  return to_string(cidr.base()) + "/" + std::to_string(cidr.length());
}

Result<IpInterface> IpInterface::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) {
    return bad("CIDR", text);
  }
  auto ip = Ip::parse(text.substr(0, slash));
  if (!ip) {
    return bad("CIDR", text);
  }
  VPCCNI_TRY(const int length, prefix_length(text, text.substr(slash + 1), ip->bits()));
  return IpInterface{*ip, length};
}

std::string to_string(const IpInterface& value) {
  return to_string(value.address) + "/" + std::to_string(value.length);
}

}  // namespace vpccni::net
