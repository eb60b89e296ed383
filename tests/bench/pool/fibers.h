#pragma once
// Blocking code in virtual time, thousands of it at once: a fiber runs until it waits, then what
// is due next runs. One thread, no two fibers at a time, the same order in every run.

#include <functional>
#include <memory>
#include <vector>

#include "tests/sim/timeline.h"

namespace vpccni::pool {

class Fibers {
 public:
  explicit Fibers(sim::Timeline& time);
  /// Ends the fibers that still wait: their stacks are unwound.
  ~Fibers();
  Fibers(const Fibers&) = delete;
  Fibers& operator=(const Fibers&) = delete;

  /// Begins at the present time, after what is due now.
  void start(std::function<void()> work);
  /// Lets time pass for the calling fiber. REQUIRES that one calls.
  void wait(base::Duration how_long);
  base::Instant now() const { return time_.now(); }

 private:
  struct Fiber;
  static void enter();
  void resume(Fiber& fiber);
  void leave(Fiber& fiber, bool for_good);

  sim::Timeline& time_;
  std::unique_ptr<Fiber> outside_;  // the context of whoever resumes
  Fiber* current_ = nullptr;
  bool ending_ = false;
  std::vector<std::unique_ptr<Fiber>> all_;
  std::vector<Fiber*> idle_;  // ended: their stacks serve again
};

}  // namespace vpccni::pool
