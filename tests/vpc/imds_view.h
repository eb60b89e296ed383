#pragma once
// The lagging copy of an instance's ENIs that its metadata service shows: every key changes at its
// own time, as on the real one (spec aws.md 6.10).

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "net/id.h"
#include "net/ip.h"
#include "net/mac.h"

namespace vpccni::vpc {

/// A value whose changes become visible later, in the order in which they were made.
template <class T>
class Lagging {
 public:
  void set(T value, base::SteadyTime visible) {
    if (!changes_.empty() && visible < changes_.back().first) {
      visible = changes_.back().first;
    }
    changes_.emplace_back(visible, std::move(value));
    if (changes_.size() > kKept) {
      changes_.pop_front();
    }
  }
  /// T() before the first change.
  T at(base::SteadyTime time) const {
    for (auto it = changes_.rbegin(); it != changes_.rend(); ++it) {
      if (it->first <= time) {
        return it->second;
      }
    }
    return T();
  }
  /// Whether it ever was `value` until then.
  bool was(base::SteadyTime time, const T& value) const {
    for (const auto& [at, one] : changes_) {
      if (at <= time && one == value) {
        return true;
      }
    }
    return false;
  }

 private:
  static constexpr std::size_t kKept = 64;
  std::deque<std::pair<base::SteadyTime, T>> changes_;
};

struct ImdsEntry {
  net::EniId id;
  net::Mac mac;
  net::DeviceIndex device;
  net::NetworkCard card;
  net::SubnetId subnet;
  Lagging<bool> present;
  Lagging<std::vector<net::Ip>> addresses;  // primary first
  Lagging<std::vector<net::Cidr>> prefixes;
  Lagging<std::vector<net::Ip>> ipv6_addresses;
  Lagging<std::vector<net::Cidr>> ipv6_prefixes;
  Lagging<std::vector<net::SecurityGroupId>> groups;
};

/// One ENI as IMDS shows it at one moment, faults applied.
struct ImdsEni {
  net::EniId id;
  net::Mac mac;
  std::optional<net::DeviceIndex> device;  // absent: the key answers 404
  net::NetworkCard card;
  net::SubnetId subnet;
  std::vector<net::Ip> addresses;
  std::vector<net::Cidr> prefixes;
  std::vector<net::Ip> ipv6_addresses;
  std::vector<net::Cidr> ipv6_prefixes;
  std::vector<net::SecurityGroupId> groups;
};

}  // namespace vpccni::vpc
