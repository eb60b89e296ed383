#pragma once
// One retry loop for everybody. The policy is data; what is worth another try is a predicate.

#include <algorithm>
#include <functional>
#include <random>

#include "base/clock.h"
#include "base/result.h"

namespace vpccni::base {

/// delay before try k+1 = current + random[0, jitter·current); then current = min(max,
/// current·multiple).
struct Backoff {
  Duration first = std::chrono::milliseconds(100);
  Duration max = std::chrono::seconds(60);
  double jitter = 0.15;
  double multiple = 2;
  int tries = 5;  // in all, at least 1
};

/// Runs `attempt` until it succeeds, `again(error)` says no, tries are used up, or stop is asked.
template <class Attempt>
auto retry(const Clock& clock, const Backoff& policy, const std::stop_token& stop,
           const std::function<bool(const Error&)>& again, Attempt&& attempt)
    -> decltype(attempt()) {
  thread_local std::minstd_rand random{std::random_device{}()};
  auto current = std::chrono::duration<double>(policy.first);
  for (int tried = 1;; ++tried) {
    auto result = attempt();
    if (result || tried >= policy.tries || !again(result.error())) {
      return result;
    }
    std::uniform_real_distribution<double> part(0.0, policy.jitter);
    const auto delay = current * (1.0 + part(random));
    if (!clock.wait_for(std::chrono::duration_cast<Duration>(delay), stop)) {
      return result;
    }
    current = std::min(std::chrono::duration<double>(policy.max), current * policy.multiple);
  }
}

}  // namespace vpccni::base
