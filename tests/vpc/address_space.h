#pragma once
// The IPv4 addresses of one subnet: which are taken. The first four and the last are reserved; a
// prefix is an aligned /28 with all sixteen addresses free. Not thread-safe.

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "net/ip.h"

namespace vpccni::vpc {

class AddressSpace {
 public:
  AddressSpace() = default;
  /// `prefix_only` are reservations of type `prefix`: single addresses are not taken from them.
  AddressSpace(const net::Cidr& cidr, std::vector<net::Cidr> prefix_only);

  int free_addresses() const { return free_; }
  bool is_free(const net::Ip& ip) const;
  bool is_free(const net::Cidr& prefix) const;
  bool contains(const net::Ip& ip) const { return cidr_.contains(ip); }

  /// The next free address at or after `start` (an offset, wrapping), not yet taken. Addresses
  /// given back after `cooled` come last.
  std::optional<net::Ip> find_address(std::uint64_t start, base::SteadyTime cooled) const;
  /// The next free /28, from a reservation if there is one.
  std::optional<net::Cidr> find_prefix(std::uint64_t start, base::SteadyTime cooled) const;

  void take(const net::Cidr& block);  // REQUIRES it is free
  void give_back(const net::Cidr& block, base::SteadyTime at);
  void undo(const net::Cidr& block);  // of a take(), as if it had not been

 private:
  bool reserved(std::uint64_t offset) const { return offset < 4 || offset + 1 == slots_.size(); }
  bool prefix_only(const net::Ip& ip) const;
  bool warm(std::uint64_t offset, base::SteadyTime cooled) const;
  bool free_block(std::uint64_t offset) const;
  std::uint64_t offset_of(const net::Ip& ip) const;
  std::optional<std::uint64_t> scan(std::uint64_t start, std::uint64_t step,
                                    const std::function<bool(std::uint64_t)>& fits) const;

  struct Slot {
    bool taken = false;
    base::SteadyTime freed = base::SteadyTime::min();
  };
  net::Cidr cidr_;
  std::vector<net::Cidr> prefix_only_;
  std::vector<Slot> slots_;
  std::uint64_t lowest_ = 0;  // everything below is taken
  int free_ = 0;
};

}  // namespace vpccni::vpc
