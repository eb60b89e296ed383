#pragma once
// One thread and its queue, for work that blocks (EC2, IMDS, netlink, Kubernetes). A task gets a
// stop token and must come back soon after it is asked to; what it found it posts to the loop.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace vpccni::agent {

class Worker {
 public:
  using Task = std::function<void(const std::stop_token&)>;

  Worker() : thread_([this](const std::stop_token& stop) { run(stop); }) {}
  ~Worker() { thread_.request_stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Thread-safe. Tasks run one after the other, in order; those not begun at the end are dropped.
  void post(Task task) {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(std::move(task));
    }
    wake_.notify_one();
  }
  /// Asks the running task to end.
  void request_stop() { thread_.request_stop(); }

 private:
  void run(const std::stop_token& stop) {
    for (;;) {
      Task task;
      {
        std::unique_lock lock(mutex_);
        if (!wake_.wait(lock, stop, [&] { return !queue_.empty(); })) {
          return;
        }
        task = std::move(queue_.front());
        queue_.pop_front();
      }
      task(stop);
      if (stop.stop_requested()) {
        return;
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<Task> queue_;  // guarded by mutex_
  std::jthread thread_;     // last: it uses the others
};

}  // namespace vpccni::agent
