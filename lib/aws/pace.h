#pragma once
// When the next call of one class of EC2 actions may go: a token bucket, and after a throttled
// answer a pause with decorrelated jitter. Pure: time and chance are given. Not thread-safe.

#include "base/clock.h"

namespace vpccni::aws {

struct PaceRule {
  double tokens = 100;     // calls that may go at once after a quiet time
  double per_second = 20;  // tokens that come back
  base::Duration shortest = std::chrono::seconds(1);  // pause after the first throttled answer
  base::Duration longest = std::chrono::seconds(120);
};

class Pace {
 public:
  explicit Pace(const PaceRule& rule) : rule_(rule), tokens_(rule.tokens) {}

  /// When a call may go. If that is not after `now`, its token is taken.
  base::SteadyTime admit(base::SteadyTime now);
  /// EC2 refused a call for its rate. `chance` is in [0, 1): the pause is that part of the way from
  /// the shortest to three times the last one.
  void throttled(base::SteadyTime now, double chance);
  /// EC2 answered otherwise: the next throttled answer starts from the shortest pause again.
  void answered() { pause_ = {}; }
  /// The pause in force since the last throttled answer; 0 = none.
  base::Duration pause() const { return pause_; }

 private:
  PaceRule rule_;
  double tokens_;
  base::SteadyTime filled_{};
  base::SteadyTime closed_until_{};
  base::Duration pause_{};
};

}  // namespace vpccni::aws
