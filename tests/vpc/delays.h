#pragma once
// Things that shall happen later on a loop: keeps each timer until it has fired. Destroying it
// cancels what is still to come.

#include <map>
#include <utility>

#include "event/loop.h"

namespace vpccni::vpc {

class Delays {
 public:
  explicit Delays(event::Loop& loop) : loop_(loop) {}

  /// At once when `delay` is zero.
  void run(base::Duration delay, event::Loop::Task task) {
    if (delay <= base::Duration::zero()) {
      task();
      return;
    }
    const int id = next_++;
    timers_[id] = loop_.after(delay, [this, id, task = std::move(task)] {
      const auto done = timers_.extract(id);  // lives until the task has run
      task();
    });
  }

 private:
  event::Loop& loop_;
  int next_ = 0;
  std::map<int, event::Registration> timers_;
};

}  // namespace vpccni::vpc
