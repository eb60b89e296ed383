#include "tests/vpc/address_space.h"

#include <algorithm>

namespace vpccni::vpc {

namespace {

constexpr std::uint64_t kPrefixSize = 16;

}  // namespace

AddressSpace::AddressSpace(const net::Cidr& cidr, std::vector<net::Cidr> prefix_only)
    : cidr_(cidr), prefix_only_(std::move(prefix_only)), slots_(cidr.size()) {
  for (std::uint64_t offset = 0; offset < slots_.size(); ++offset) {
    slots_[offset].taken = reserved(offset);
    free_ += slots_[offset].taken ? 0 : 1;
  }
}

std::uint64_t AddressSpace::offset_of(const net::Ip& ip) const {
  return ip.to_v4() - cidr_.base().to_v4();
}

bool AddressSpace::prefix_only(const net::Ip& ip) const {
  return std::any_of(prefix_only_.begin(), prefix_only_.end(),
                     [&](const net::Cidr& block) { return block.contains(ip); });
}

bool AddressSpace::warm(std::uint64_t offset, base::SteadyTime cooled) const {
  return slots_[offset].freed > cooled;
}

bool AddressSpace::is_free(const net::Ip& ip) const {
  return ip.is_v4() && cidr_.contains(ip) && !slots_[offset_of(ip)].taken;
}

bool AddressSpace::free_block(std::uint64_t offset) const {
  for (std::uint64_t i = 0; i < kPrefixSize; ++i) {
    if (slots_[offset + i].taken) {
      return false;
    }
  }
  return true;
}

bool AddressSpace::is_free(const net::Cidr& prefix) const {
  return prefix.length() == 28 && prefix.family() == net::Family::v4 && cidr_.contains(prefix) &&
         free_block(offset_of(prefix.base()));
}

std::optional<std::uint64_t> AddressSpace::scan(
    std::uint64_t start, std::uint64_t step, const std::function<bool(std::uint64_t)>& fits) const {
  const std::uint64_t steps = slots_.size() / step;
  start = std::max(start, lowest_);
  for (std::uint64_t i = 0; i < steps; ++i) {
    const std::uint64_t offset = (start / step + i) % steps * step;
    if (fits(offset)) {
      return offset;
    }
  }
  return std::nullopt;
}

std::optional<net::Ip> AddressSpace::find_address(std::uint64_t start,
                                                  base::SteadyTime cooled) const {
  const auto usable = [&](std::uint64_t offset) {
    return !slots_[offset].taken && !prefix_only(cidr_.at(offset));
  };
  auto found = scan(start, 1, [&](auto at) { return usable(at) && !warm(at, cooled); });
  if (!found) {
    found = scan(start, 1, usable);
  }
  return found ? std::optional(cidr_.at(*found)) : std::nullopt;
}

std::optional<net::Cidr> AddressSpace::find_prefix(std::uint64_t start,
                                                   base::SteadyTime cooled) const {
  const auto cold = [&](std::uint64_t offset) {
    for (std::uint64_t i = 0; i < kPrefixSize; ++i) {
      if (warm(offset + i, cooled)) {
        return false;
      }
    }
    return free_block(offset);
  };
  const auto reserved_for_it = [&](std::uint64_t offset) {
    return prefix_only(cidr_.at(offset)) && free_block(offset);
  };
  std::optional<std::uint64_t> found;
  if (!prefix_only_.empty()) {
    found = scan(0, kPrefixSize, reserved_for_it);
  }
  if (!found) {
    found = scan(start, kPrefixSize, cold);
  }
  if (!found) {
    found = scan(start, kPrefixSize, [this](auto at) { return free_block(at); });
  }
  return found ? std::optional(net::Cidr(cidr_.at(*found), 28)) : std::nullopt;
}

void AddressSpace::take(const net::Cidr& block) {
  const auto first = offset_of(block.base());
  for (std::uint64_t i = 0; i < block.size(); ++i) {
    slots_[first + i].taken = true;
    --free_;
  }
  while (lowest_ < slots_.size() && slots_[lowest_].taken) {
    ++lowest_;
  }
}

void AddressSpace::give_back(const net::Cidr& block, base::SteadyTime at) {
  const auto first = offset_of(block.base());
  for (std::uint64_t i = 0; i < block.size(); ++i) {
    slots_[first + i].freed = at;
  }
  undo(block);
}

void AddressSpace::undo(const net::Cidr& block) {
  const auto first = offset_of(block.base());
  for (std::uint64_t i = 0; i < block.size(); ++i) {
    slots_[first + i].taken = false;
    ++free_;
  }
  lowest_ = std::min(lowest_, first);
}

}  // namespace vpccni::vpc
