#include "tests/bench/pool/upstream_targets.h"

#include <algorithm>

namespace vpccni::pool {

namespace {

constexpr int kPrefixSize = 16;

int ceil16(int addresses) {
  return (addresses + kPrefixSize - 1) / kPrefixSize;
}

}  // namespace

UpstreamDistance distance(const UpstreamTargets& targets, const UpstreamCounts& counts) {
  if (!targets.ip_targets()) {
    return {};
  }
  const int available = counts.available();
  const int shortage =
      std::max(std::max(targets.warm_ips - available, 0), targets.minimum_ips - counts.total);
  if (!targets.prefixes) {
    const int surplus =
        std::min(std::max(available - targets.warm_ips, 0), counts.total - targets.minimum_ips);
    return {shortage, std::max(surplus, 0)};
  }
  const int warm = ceil16(counts.assigned + targets.warm_ips);
  const int minimum = ceil16(targets.minimum_ips);
  const int surplus = std::min(std::max(std::min(counts.free_prefixes, counts.prefixes - warm), 0),
                               counts.prefixes - minimum);
  return {ceil16(shortage), std::max(surplus, 0)};
}

bool too_low(const UpstreamTargets& targets, const UpstreamCounts& counts) {
  if (counts.total >= targets.max_pods) {
    return false;
  }
  if (targets.ip_targets()) {
    return distance(targets, counts).shortage > 0;
  }
  const int warm = targets.prefixes ? targets.warm_prefixes : targets.warm_enis;
  const int unit = targets.prefixes ? kPrefixSize : targets.ips_per_eni;
  return counts.available() < unit * warm || (warm == 0 && counts.available() == 0);
}

bool too_high(const UpstreamTargets& targets, const UpstreamCounts& counts) {
  return number_to_release(targets, counts) > 0;
}

int number_to_release(const UpstreamTargets& targets, const UpstreamCounts& counts) {
  if (targets.ip_targets()) {
    return distance(targets, counts).surplus;
  }
  return targets.prefixes ? std::max(counts.free_prefixes - targets.warm_prefixes, 0) : 0;
}

int prefixes_wanted(const UpstreamTargets& targets, const UpstreamCounts& counts) {
  return std::max(1, targets.ip_targets() ? distance(targets, counts).shortage
                                          : targets.warm_prefixes - counts.free_prefixes);
}

int wanted_for_new_eni(const UpstreamTargets& targets, const UpstreamCounts& counts) {
  if (targets.prefixes) {
    return std::min(prefixes_wanted(targets, counts), targets.prefixes_per_eni);
  }
  return targets.ip_targets() ? std::min(distance(targets, counts).shortage, targets.ips_per_eni)
                              : targets.ips_per_eni;
}

bool extra_enis(const UpstreamTargets& targets, const UpstreamCounts& counts, bool freeable) {
  if (targets.ip_targets()) {
    return true;
  }
  if (!targets.prefixes) {
    return counts.available() >= (targets.warm_enis + 1) * targets.ips_per_eni;
  }
  return counts.available() >= (targets.warm_prefixes + 1) * targets.ips_per_eni || freeable;
}

}  // namespace vpccni::pool
