#pragma once
// Virtual time: what shall happen, in order of time and, at one time, in the order in which it was
// asked for. A blocking call inside of an event lets time pass by running what is due meanwhile.

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "base/clock.h"

namespace vpccni::sim {

class Timeline {
 public:
  using Task = std::function<void()>;

  base::Instant now() const { return now_; }
  void after(base::Duration delay, Task task) {
    tasks_.emplace(std::pair(now_.steady + std::max(delay, base::Duration::zero()), ++order_),
                   std::move(task));
  }
  /// Lets `how_long` pass. Ends early, at the time of the last task, once `ended` says so.
  void pass(base::Duration how_long, const std::function<bool()>& ended) {
    const auto until = now_.steady + how_long;
    while (!ended()) {
      if (tasks_.empty() || tasks_.begin()->first.first > until) {
        set(until);
        return;
      }
      const auto next = tasks_.extract(tasks_.begin());
      set(next.key().first);
      next.mapped()();
    }
  }

 private:
  void set(base::SteadyTime at) {
    if (at > now_.steady) {
      now_ = now_ + (at - now_.steady);
    }
  }

  base::Instant now_{base::SteadyTime(std::chrono::hours(1)),
                     base::WallTime(std::chrono::seconds(1700000000))};
  std::uint64_t order_ = 0;
  std::map<std::pair<base::SteadyTime, std::uint64_t>, Task> tasks_;
};

}  // namespace vpccni::sim
