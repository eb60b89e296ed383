#pragma once
// Private to lib/linux: the message builder and reader over libnl. One message at a time, one
// thread. A message that outgrows libnl's page is a defect of the caller and aborts.

#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/owned.h"
#include "linux/netlink_socket.h"
#include "net/ip.h"
#include "net/mac.h"

namespace vpccni::linux {

inline std::uint8_t kernel_family(net::Family family) {
  return family == net::Family::v4 ? AF_INET : AF_INET6;
}

class Message {
 public:
  Message(int type, int flags) : msg_(nlmsg_alloc_simple(type, NLM_F_REQUEST | flags)) {
    must(msg_ ? 0 : -1);
  }

  /// The family's fixed header, or a nested one.
  template <class Header>
  void append(Header header) {
    must(nlmsg_append(msg_.get(), &header, sizeof(header), NLMSG_ALIGNTO));
  }
  void put(int type, std::uint32_t value) {
    must(nla_put(msg_.get(), type, sizeof(value), &value));
  }
  void put(int type, std::uint16_t value) {
    must(nla_put(msg_.get(), type, sizeof(value), &value));
  }
  void put(int type, std::uint8_t value) { must(nla_put(msg_.get(), type, sizeof(value), &value)); }
  void put(int type, const net::Ip& ip) {
    must(nla_put(msg_.get(), type, static_cast<int>(ip.size()), ip.data()));
  }
  void put(int type, const net::Mac& mac) {
    must(nla_put(msg_.get(), type, static_cast<int>(mac.bytes().size()), mac.bytes().data()));
  }
  void put_name(int type, std::string_view name) {
    const std::string text(name);  // with its terminating zero
    must(nla_put(msg_.get(), type, static_cast<int>(text.size() + 1), text.c_str()));
  }
  nlattr* nest(int type) {
    nlattr* start = nla_nest_start(msg_.get(), type);
    must(start != nullptr ? 0 : -1);
    return start;
  }
  void end(nlattr* start) { must(nla_nest_end(msg_.get(), start)); }

  Request request(std::string what) const {
    const nlmsghdr* header = nlmsg_hdr(msg_.get());
    return {std::string(reinterpret_cast<const char*>(header), header->nlmsg_len),  // NOLINT
            std::move(what)};
  }

 private:
  static void must(int status) {
    if (status < 0) {
      std::abort();
    }
  }
  base::Owned<nl_msg, nlmsg_free> msg_;
};

/// The attributes of a received object; borrows its bytes. Absent and short ones read as none.
template <class Header, int MaxAttribute>
class Object {
 public:
  explicit Object(const std::string& bytes) {
    if (bytes.size() < static_cast<std::size_t>(nlmsg_total_size(sizeof(Header)))) {
      return;
    }
    std::memcpy(&header_, bytes.data() + NLMSG_HDRLEN, sizeof(header_));
    const std::size_t offset = static_cast<std::size_t>(NLMSG_HDRLEN) + NLMSG_ALIGN(sizeof(Header));
    if (bytes.size() >= offset) {
      auto* first = reinterpret_cast<nlattr*>(const_cast<char*>(bytes.data() + offset));  // NOLINT
      valid_ = nla_parse(attributes_.data(), MaxAttribute, first,
                         static_cast<int>(bytes.size() - offset), nullptr) == 0;
    }
  }

  bool valid() const { return valid_; }
  const Header& header() const { return header_; }
  nlattr* attribute(std::size_t type) const { return attributes_[type]; }
  std::optional<std::uint32_t> number(std::size_t type) const {
    const nlattr* a = attributes_[type];
    return a != nullptr && nla_len(a) >= 4 ? std::optional(nla_get_u32(a)) : std::nullopt;
  }
  std::optional<std::uint8_t> byte(std::size_t type) const {
    const nlattr* a = attributes_[type];
    return a != nullptr && nla_len(a) >= 1 ? std::optional(nla_get_u8(a)) : std::nullopt;
  }
  std::string name(std::size_t type) const {
    const nlattr* a = attributes_[type];
    if (a == nullptr) {
      return {};
    }
    const auto* text = static_cast<const char*>(nla_data(a));
    return {text, strnlen(text, static_cast<std::size_t>(nla_len(a)))};
  }
  std::optional<net::Ip> ip(std::size_t type) const {
    const nlattr* a = attributes_[type];
    std::array<std::uint8_t, 16> bytes{};
    if (a == nullptr || (nla_len(a) != 4 && nla_len(a) != 16)) {
      return std::nullopt;
    }
    std::memcpy(bytes.data(), nla_data(a), static_cast<std::size_t>(nla_len(a)));
    if (nla_len(a) == 16) {
      return net::Ip::v6(bytes);
    }
    return net::Ip::v4((std::uint32_t{bytes[0]} << 24U) | (std::uint32_t{bytes[1]} << 16U) |
                       (std::uint32_t{bytes[2]} << 8U) | std::uint32_t{bytes[3]});
  }
  std::optional<net::Mac> mac(std::size_t type) const {
    const nlattr* a = attributes_[type];
    std::array<std::uint8_t, 6> bytes{};
    if (a == nullptr || nla_len(a) != 6) {
      return std::nullopt;
    }
    std::memcpy(bytes.data(), nla_data(a), bytes.size());
    return net::Mac(bytes);
  }

 private:
  Header header_{};
  std::array<nlattr*, static_cast<std::size_t>(MaxAttribute) + 1> attributes_{};
  bool valid_ = false;
};

}  // namespace vpccni::linux
