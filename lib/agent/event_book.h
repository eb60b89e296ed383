#pragma once
// Which Kubernetes events to write: an occurrence that is new makes an event, its repeats are
// counted and told as a series, at most every five minutes. Bounded: what happens often must not
// flood the API server, nor fill our memory. Pure; not thread-safe.

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/clock.h"

namespace vpccni::agent {

/// What counts as the same.
struct EventKey {
  std::string name_space;
  std::string pod;
  std::string reason;
  std::string action;
  friend auto operator<=>(const EventKey&, const EventKey&) = default;
};

/// A series to be told.
struct Repeats {
  std::string name_space;
  std::string event;  // its name
  int count = 0;
};

inline constexpr auto kSeriesPeriod = std::chrono::minutes(5);

class EventBook {
 public:
  /// One more occurrence. True if it is to be created; created() or failed() follows then.
  bool note(const EventKey& key, base::SteadyTime now);
  void created(const EventKey& key, std::string event);
  /// Could not be created: its next occurrence is new.
  void failed(const EventKey& key);
  /// Series whose count is to be told now. Forgets what has been quiet for two periods.
  std::vector<Repeats> due(base::SteadyTime now);

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string event;  // "" while it is being created
    int count = 1;
    int told = 1;
    base::SteadyTime last_seen{};
    base::SteadyTime last_told{};
  };
  bool may_create(base::SteadyTime now);
  void make_room();

  std::map<EventKey, Entry> entries_;
  double tokens_ = 0;  // events that may be created now
  std::optional<base::SteadyTime> counted_at_;
};

}  // namespace vpccni::agent
