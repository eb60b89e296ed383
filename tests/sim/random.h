#pragma once
// The only source of chance in a simulation: the same seed gives the same draws everywhere.

#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace vpccni::sim {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(mix(seed)) {}  // near seeds are not alike

  /// splitmix64.
  std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15U); }
  /// Both ends included.
  int between(int low, int high) {
    return low + static_cast<int>(next() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(double probability) {
    return static_cast<double>(next() >> 11U) * 0x1p-53 < probability;
  }
  base::Duration between(base::Duration low, base::Duration high) {
    return low + base::Duration(static_cast<std::int64_t>(
                     next() % static_cast<std::uint64_t>((high - low).count() + 1)));
  }
  /// REQUIRES all is not empty.
  template <class T>
  const T& pick(const std::vector<T>& all) {
    return all[next() % all.size()];
  }

 private:
  static std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
  }

  std::uint64_t state_;
};

}  // namespace vpccni::sim
