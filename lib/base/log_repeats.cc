#include "base/log_repeats.h"

#include <algorithm>
#include <mutex>
#include <vector>

namespace vpccni::base {

namespace {

constexpr std::size_t kRemembered = 32;  // kinds of lines

/// The line without the value of its "ts" member, which is the second.
std::string kind_of(std::string_view line) {
  constexpr std::string_view kTime = R"(,"ts":")";
  const auto start = line.find(kTime);
  const auto end = start == line.npos ? line.npos : line.find('"', start + kTime.size());
  if (end == line.npos) {
    return std::string(line);
  }
  return std::string(line.substr(0, start)) + std::string(line.substr(end));
}

std::string counted(std::string line, std::size_t count) {
  const auto end = line.rfind('}');
  if (end != line.npos) {
    line.insert(end, R"(,"repeated":")" + std::to_string(count) + '"');
  }
  return line;
}

class Repeats {
 public:
  Repeats(Sink inner, const Clock& clock, Duration window)
      : inner_(std::move(inner)), clock_(clock), window_(window) {}
  Repeats(const Repeats&) = delete;
  Repeats& operator=(const Repeats&) = delete;
  ~Repeats() {
    for (const auto& one : seen_) {
      say_count(one);
    }
  }

  void write(std::string_view line) {
    const std::lock_guard lock(seen_mutex_);
    const SteadyTime now = clock_.now().steady;
    forget_older_than(now - window_);
    std::string kind = kind_of(line);
    const auto known =
        std::find_if(seen_.begin(), seen_.end(), [&](const Seen& one) { return one.kind == kind; });
    if (known != seen_.end()) {
      known->count += 1;
      known->newest = line;
      return;
    }
    if (seen_.size() == kRemembered) {
      say_count(seen_.front());
      seen_.erase(seen_.begin());
    }
    seen_.push_back({std::move(kind), now, 0, {}});
    inner_(line);
  }

 private:
  struct Seen {
    std::string kind;
    SteadyTime written{};
    std::size_t count = 0;  // not written since
    std::string newest;     // of them
  };

  void say_count(const Seen& one) const {
    if (one.count > 0) {
      inner_(counted(one.newest, one.count));
    }
  }

  void forget_older_than(SteadyTime limit) {
    while (!seen_.empty() && seen_.front().written <= limit) {
      say_count(seen_.front());
      seen_.erase(seen_.begin());
    }
  }

  Sink inner_;
  const Clock& clock_;
  const Duration window_;
  std::mutex seen_mutex_;
  std::vector<Seen> seen_;  // guarded by seen_mutex_; oldest first
};

}  // namespace

Sink without_repeats(Sink inner, const Clock& clock, Duration window) {
  auto repeats = std::make_shared<Repeats>(std::move(inner), clock, window);
  return [repeats](std::string_view line) { repeats->write(line); };
}

}  // namespace vpccni::base
