#include "aws/pace.h"

#include <algorithm>
#include <cmath>

namespace vpccni::aws {

namespace {

constexpr double kAlmost = 1e-6;  // of a token: what rounding to nanoseconds may lose

double seconds_of(base::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

base::Duration duration_of(double seconds) {
  return base::Duration(static_cast<base::Duration::rep>(std::ceil(seconds * 1e9)));
}

}  // namespace

base::SteadyTime Pace::admit(base::SteadyTime now) {
  if (now > filled_) {
    tokens_ = std::min(rule_.tokens, tokens_ + seconds_of(now - filled_) * rule_.per_second);
    filled_ = now;
  }
  if (closed_until_ > now) {
    return closed_until_;
  }
  if (tokens_ < 1 - kAlmost) {
    return now + duration_of((1 - tokens_) / rule_.per_second);
  }
  tokens_ -= 1;
  return now;
}

void Pace::throttled(base::SteadyTime now, double chance) {
  const double shortest = seconds_of(rule_.shortest);
  const double last = std::max(shortest, seconds_of(pause_));
  const double next = shortest + chance * (3 * last - shortest);
  pause_ = std::min(rule_.longest, duration_of(next));
  closed_until_ = std::max(closed_until_, now + pause_);
}

}  // namespace vpccni::aws
