#pragma once
// Addresses as values. Ip is one address of either family; Cidr is a block (masked at
// construction); IpInterface keeps the host bits beside a prefix length.

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vpccni::net {

enum class Family : std::uint8_t { v4 = 4, v6 = 6 };

class Ip {
 public:
  Ip() = default;  // 0.0.0.0
  static Result<Ip> parse(std::string_view text);
  /// From 4 or 16 network-order bytes.
  static Ip v4(std::uint32_t host_order);
  static Ip v6(const std::array<std::uint8_t, 16>& bytes);

  Family family() const { return family_; }
  bool is_v4() const { return family_ == Family::v4; }
  int bits() const { return is_v4() ? 32 : 128; }
  /// 4 or 16 bytes in network order.
  const std::uint8_t* data() const { return bytes_.data(); }
  std::size_t size() const { return is_v4() ? 4 : 16; }
  std::uint32_t to_v4() const;  // REQUIRES is_v4()
  /// The address `offset` further on; wraps at the end of the family's space.
  Ip plus(std::uint64_t offset) const;
  bool is_link_local() const;
  bool is_global_unicast()
      const;  // as Go's net.IP: not unspecified, loopback, multicast, link-local

  friend auto operator<=>(const Ip&, const Ip&) = default;

 private:
  Family family_ = Family::v4;
  std::array<std::uint8_t, 16> bytes_{};
};

std::string to_string(const Ip& ip);

class Cidr {
 public:
  Cidr() = default;                       // 0.0.0.0/0
  Cidr(const Ip& ip, int prefix_length);  // host bits are cleared; length is clamped to the family
  static Cidr host(const Ip& ip) { return {ip, ip.bits()}; }
  static Result<Cidr> parse(std::string_view text);

  const Ip& base() const { return base_; }
  int length() const { return length_; }
  Family family() const { return base_.family(); }
  bool is_host() const { return length_ == base_.bits(); }
  bool contains(const Ip& ip) const;
  bool contains(const Cidr& other) const;
  /// Number of addresses; saturates at 2^63.
  std::uint64_t size() const;
  /// The address at `offset` from the base. REQUIRES offset < size().
  Ip at(std::uint64_t offset) const { return base_.plus(offset); }

  friend auto operator<=>(const Cidr&, const Cidr&) = default;

 private:
  Ip base_;
  int length_ = 0;
};

std::string to_string(const Cidr& cidr);

struct IpInterface {
  Ip address;
  int length = 0;
  Cidr network() const { return {address, length}; }
  static Result<IpInterface> parse(std::string_view text);
  friend auto operator<=>(const IpInterface&, const IpInterface&) = default;
};

std::string to_string(const IpInterface& value);

}  // namespace vpccni::net

template <>
struct std::hash<vpccni::net::Ip> {
  std::size_t operator()(const vpccni::net::Ip& ip) const noexcept {
    return std::hash<std::string_view>{}(
        {reinterpret_cast<const char*>(ip.data()), ip.size()});  // NOLINT
  }
};
