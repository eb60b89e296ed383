#pragma once
// Strong ids and numbers: a subnet id cannot be passed where an ENI id is meant, nor a table id
// where a priority is. No implicit conversions; text only through to_string.

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace vpccni::net {

template <class Tag>
class Id {
 public:
  Id() = default;
  explicit Id(std::string value) : value_(std::move(value)) {}
  bool empty() const { return value_.empty(); }
  const std::string& str() const { return value_; }
  friend auto operator<=>(const Id&, const Id&) = default;
  friend const std::string& to_string(const Id& id) { return id.value_; }

 private:
  std::string value_;
};

template <class Tag, class Rep>
class Number {
 public:
  constexpr Number() = default;
  constexpr explicit Number(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(const Number&, const Number&) = default;
  friend std::string to_string(Number number) { return std::to_string(number.value_); }

 private:
  Rep value_{};
};

using EniId = Id<struct EniTag>;                      // eni-0123456789abcdef0
using AttachmentId = Id<struct AttachmentTag>;        // eni-attach-…
using SubnetId = Id<struct SubnetTag>;                // subnet-…
using SecurityGroupId = Id<struct SecurityGroupTag>;  // sg-…
using InstanceId = Id<struct InstanceTag>;            // i-…
using VpcId = Id<struct VpcTag>;                      // vpc-…

using IfIndex = Number<struct IfIndexTag, int>;          // kernel link index, > 0
using TableId = Number<struct TableTag, std::uint32_t>;  // route table; main is 254
using RulePriority = Number<struct PriorityTag, std::uint32_t>;
using DeviceIndex = Number<struct DeviceTag, int>;  // slot of an ENI on its card
using NetworkCard = Number<struct CardTag, int>;    // index of the network card
using VlanId = Number<struct VlanTag, int>;
using Mark = Number<struct MarkTag, std::uint32_t>;  // packet mark; value and mask

inline constexpr TableId kMainTable{254};
inline constexpr TableId kLocalTable{255};
inline constexpr VlanId kLastVlan{4094};  // 4095 is reserved

}  // namespace vpccni::net

template <class Tag>
struct std::hash<vpccni::net::Id<Tag>> {
  std::size_t operator()(const vpccni::net::Id<Tag>& id) const noexcept {
    return std::hash<std::string>{}(id.str());
  }
};
