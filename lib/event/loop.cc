#include "event/loop.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "base/fd.h"
#include "base/owned.h"

namespace vpccni::event {

namespace {

using OwnedBase = base::Owned<event_base, event_base_free>;
using OwnedConfig = base::Owned<event_config, event_config_free>;
using OwnedEvent = base::Owned<struct event, event_free>;

timeval to_timeval(base::Duration duration) {
  const auto us = std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
  return {static_cast<time_t>(us / 1'000'000), static_cast<suseconds_t>(us % 1'000'000)};
}

/// Real time for timers: neither the coarse clock (up to 4 ms behind) nor the time at which the
/// turn began, either of which would let a timer fire early.
OwnedBase make_base() {
  static const int threads = evthread_use_pthreads();
  const OwnedConfig config(event_config_new());
  if (threads != 0 || !config) {
    std::abort();
  }
  event_config_set_flag(config.get(), EVENT_BASE_FLAG_NO_CACHE_TIME);
  event_config_set_flag(config.get(), EVENT_BASE_FLAG_PRECISE_TIMER);
  return OwnedBase(event_base_new_with_config(config.get()));
}

/// libevent writes to sockets without MSG_NOSIGNAL: a client that has gone must not end us.
void ignore_broken_pipes() {
  struct sigaction current {};
  if (sigaction(SIGPIPE, nullptr, &current) == 0 && current.sa_handler == SIG_DFL) {
    std::signal(SIGPIPE, SIG_IGN);
  }
}

}  // namespace

/// What the loop and its registrations share, so that either may go first.
struct Live {
  std::unordered_set<Registration::Impl*> registrations;
};

struct Registration::Impl {
  std::weak_ptr<Live> live;
  OwnedEvent event;
  // Shared, so that a task may destroy its own registration while it runs.
  std::shared_ptr<std::function<void(bool, bool)>> call;

  ~Impl() {
    if (const auto owner = live.lock()) {
      owner->registrations.erase(this);
    }
  }
};

Registration::Registration() = default;
Registration::Registration(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Registration::Registration(Registration&&) noexcept = default;
Registration& Registration::operator=(Registration&&) noexcept = default;
Registration::~Registration() = default;

namespace {

extern "C" void on_event(evutil_socket_t, short what, void* arg) noexcept {
  const auto call = static_cast<Registration::Impl*>(arg)->call;
  (*call)((what & EV_READ) != 0, (what & EV_WRITE) != 0);
}

extern "C" void on_limit(evutil_socket_t, short, void*) noexcept {}

}  // namespace

struct Loop::Impl {
  struct Posted {
    Task task;
    std::uint64_t turn = 0;  // the turn that posted it, 0 if that was another thread
  };

  OwnedBase base = make_base();
  std::shared_ptr<Live> live = std::make_shared<Live>();
  base::Fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  OwnedEvent wake_event;
  std::atomic<bool> stopping{false};
  std::atomic<std::thread::id> thread{};
  std::uint64_t turn = 1;  // loop thread only

  std::mutex queue_mutex;
  std::deque<Posted> queue;  // guarded by queue_mutex
  bool signalled = false;    // guarded by queue_mutex: wake was written for the queue

  void wake_up() const {
    const std::uint64_t one = 1;
    // A full counter is as good: it wakes. errno stays as it was, for signal handlers.
    const int saved = errno;
    (void)!::write(wake.get(), &one, sizeof(one));
    errno = saved;
  }
  void clear_wake() const {
    std::uint64_t count = 0;
    (void)!::read(wake.get(), &count, sizeof(count));
  }

  bool has_tasks() {
    const std::lock_guard lock(queue_mutex);
    return !queue.empty();
  }

  /// The tasks that were posted before this turn, or by other threads during it.
  std::deque<Posted> due_tasks() {
    const std::lock_guard lock(queue_mutex);
    if (std::exchange(signalled, false)) {
      clear_wake();
    }
    const auto first_new = std::find_if(queue.begin(), queue.end(),
                                        [this](const Posted& p) { return p.turn == turn; });
    std::deque<Posted> due(std::make_move_iterator(queue.begin()),
                           std::make_move_iterator(first_new));
    queue.erase(queue.begin(), first_new);
    return due;
  }

  void run_turn() {
    const int wait = has_tasks() ? EVLOOP_NONBLOCK : 0;
    event_base_loop(base.get(), EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY | wait);
    for (auto& posted : due_tasks()) {
      posted.task();
    }
    ++turn;
  }

  Registration add(int fd, short what, base::Duration delay,
                   std::function<void(bool, bool)> call) const {
    auto impl = std::make_unique<Registration::Impl>();
    impl->call = std::make_shared<std::function<void(bool, bool)>>(std::move(call));
    impl->event.reset(event_new(base.get(), fd, what, on_event, impl.get()));
    const timeval timeout = to_timeval(delay);
    const bool timed = (what & EV_TIMEOUT) != 0;
    if (!impl->event || event_add(impl->event.get(), timed ? &timeout : nullptr) != 0) {
      std::abort();  // out of memory, or a descriptor that cannot be watched: a defect
    }
    impl->live = live;
    live->registrations.insert(impl.get());
    return Registration(std::move(impl));
  }
};

namespace {

extern "C" void on_wake(evutil_socket_t fd, short, void*) noexcept {
  std::uint64_t count = 0;
  (void)!::read(fd, &count, sizeof(count));
}

}  // namespace

Loop::Loop() : impl_(std::make_unique<Impl>()) {
  ignore_broken_pipes();
  if (!impl_->base || !impl_->wake.valid()) {
    std::abort();
  }
  impl_->wake_event.reset(
      event_new(impl_->base.get(), impl_->wake.get(), EV_READ | EV_PERSIST, on_wake, nullptr));
  if (!impl_->wake_event || event_add(impl_->wake_event.get(), nullptr) != 0) {
    std::abort();
  }
}

Loop::~Loop() {
  for (auto* registration : impl_->live->registrations) {
    registration->event.reset();
  }
}

void Loop::run(const Task& after_turn) {
  impl_->thread = std::this_thread::get_id();
  while (!impl_->stopping.exchange(false)) {
    impl_->run_turn();
    if (after_turn) {
      after_turn();
    }
  }
  impl_->thread = std::thread::id();
}

void Loop::run_once(base::Duration limit) {
  const OwnedEvent timer(event_new(impl_->base.get(), -1, EV_TIMEOUT, on_limit, nullptr));
  const timeval timeout = to_timeval(limit);
  event_add(timer.get(), &timeout);
  impl_->thread = std::this_thread::get_id();
  impl_->run_turn();
  impl_->thread = std::thread::id();
}

void Loop::post(Task task) {
  const bool here = impl_->thread.load() == std::this_thread::get_id();
  const std::lock_guard lock(impl_->queue_mutex);
  impl_->queue.push_back({std::move(task), here ? impl_->turn : 0});
  if (!here && !std::exchange(impl_->signalled, true)) {
    impl_->wake_up();
  }
}

void Loop::stop() {
  impl_->stopping = true;
  impl_->wake_up();
}

Registration Loop::after(base::Duration delay, Task task) {
  return impl_->add(-1, EV_TIMEOUT, delay, [task = std::move(task)](bool, bool) { task(); });
}

Registration Loop::every(base::Duration period, Task task) {
  return impl_->add(-1, EV_TIMEOUT | EV_PERSIST, period,
                    [task = std::move(task)](bool, bool) { task(); });
}

Registration Loop::watch(int fd, Ready what, std::function<void(bool, bool)> call) {
  short flags = EV_PERSIST;
  if (what != Ready::write) {
    flags = static_cast<short>(flags | EV_READ);
  }
  if (what != Ready::read) {
    flags = static_cast<short>(flags | EV_WRITE);
  }
  return impl_->add(fd, flags, {}, std::move(call));
}

Registration Loop::on_signal(int number, Task task) {
  return impl_->add(number, EV_SIGNAL | EV_PERSIST, {},
                    [task = std::move(task)](bool, bool) { task(); });
}

event_base* Loop::base() const {
  return impl_->base.get();
}

}  // namespace vpccni::event
