#pragma once
// Time as an edge. A loop reads the clock once per turn and passes the Instant down; pure code
// takes it as an argument and never asks.

#include <chrono>
#include <stop_token>

namespace vpccni::base {

using Duration = std::chrono::nanoseconds;
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

/// One moment on both clocks: steady for intervals, wall for what is written down.
struct Instant {
  SteadyTime steady{};
  WallTime wall{};

  friend Instant operator+(Instant t, Duration d) { return {t.steady + d, t.wall + d}; }
};

/// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  /// Waits until `until` or until `stop` is requested, whichever is first. True if time is up.
  virtual bool wait_until(SteadyTime until, std::stop_token stop) const = 0;

  bool wait_for(Duration d, std::stop_token stop) const {
    return wait_until(now().steady + d, std::move(stop));
  }
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  Instant now() const override;
  bool wait_until(SteadyTime until, std::stop_token stop) const override;
};

}  // namespace vpccni::base
