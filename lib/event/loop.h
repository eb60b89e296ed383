#pragma once
// The agent's reactor: one thread, libevent underneath. Descriptors, timers and work posted from
// other threads become callbacks on the loop's thread. Not thread-safe except post() and stop().
// A turn = everything that is ready now; `after_turn` then runs once, which is where the agent
// commits a batch (one checkpoint write, then all replies).

#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/result.h"

struct event_base;

namespace vpccni::event {

/// Cancels its timer or watch when destroyed. May outlive the loop.
class Registration {
 public:
  struct Impl;
  Registration();
  explicit Registration(std::unique_ptr<Impl> impl);
  Registration(Registration&&) noexcept;
  Registration& operator=(Registration&&) noexcept;
  ~Registration();

 private:
  std::unique_ptr<Impl> impl_;
};

enum class Ready { read, write, read_write };

class Loop {
 public:
  using Task = std::function<void()>;

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until stop(). Calls `after_turn` once after each turn in which anything ran.
  void run(const Task& after_turn = {});
  /// One turn: waits for something, or up to `limit`. For tests.
  void run_once(base::Duration limit);

  /// Thread-safe. The task runs on the loop's thread in a later turn; tasks keep their order.
  void post(Task task);
  /// Thread-safe and async-signal-safe in effect: ends run() after the current turn.
  void stop();

  [[nodiscard]] Registration after(base::Duration delay, Task task);   // once
  [[nodiscard]] Registration every(base::Duration period, Task task);  // first after one period
  [[nodiscard]] Registration watch(int fd, Ready what,
                                   std::function<void(bool readable, bool writable)>);
  [[nodiscard]] Registration on_signal(int number, Task task);

  /// For the http and rpc servers, which speak libevent directly.
  event_base* base() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vpccni::event
