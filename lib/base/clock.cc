#include "base/clock.h"

#include <condition_variable>
#include <mutex>

namespace vpccni::base {

Instant SystemClock::now() const {
  return {std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now()),
          std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now())};
}

bool SystemClock::wait_until(SteadyTime until, std::stop_token stop) const {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_until(lock, stop, until, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace vpccni::base
