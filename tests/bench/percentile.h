#pragma once
// The order statistic that the benchmarks print.

#include <algorithm>
#include <cmath>
#include <vector>

namespace vpccni::bench {

/// The smallest value that `part` of all values do not exceed, to three decimals; 0 for none.
inline double percentile(std::vector<double> values, double part) {
  if (values.empty()) {
    return 0;
  }
  std::sort(values.begin(), values.end());
  const auto at =
      static_cast<std::size_t>(std::ceil(part * static_cast<double>(values.size()))) - 1;
  return std::round(values[std::min(at, values.size() - 1)] * 1000) / 1000;
}

}  // namespace vpccni::bench
