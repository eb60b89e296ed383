#include "agent/event_book.h"

#include <algorithm>

namespace vpccni::agent {

namespace {

constexpr std::size_t kMostEntries = 256;
constexpr double kBurst = 20;                         // new events at once
constexpr auto kNewEvent = std::chrono::seconds(10);  // in which one more may follow

}  // namespace

bool EventBook::may_create(base::SteadyTime now) {
  if (!counted_at_) {
    tokens_ = kBurst;
  } else {
    tokens_ = std::min(kBurst, tokens_ + std::chrono::duration<double>(now - *counted_at_) /
                                             std::chrono::duration<double>(kNewEvent));
  }
  counted_at_ = now;
  if (tokens_ < 1) {
    return false;
  }
  tokens_ -= 1;
  return true;
}

void EventBook::make_room() {
  if (entries_.size() >= kMostEntries) {
    entries_.erase(std::min_element(
        entries_.begin(), entries_.end(),
        [](const auto& a, const auto& b) { return a.second.last_seen < b.second.last_seen; }));
  }
}

bool EventBook::note(const EventKey& key, base::SteadyTime now) {
  if (const auto known = entries_.find(key); known != entries_.end()) {
    ++known->second.count;
    known->second.last_seen = now;
    return false;
  }
  if (!may_create(now)) {
    return false;
  }
  make_room();
  entries_.emplace(key, Entry{{}, 1, 1, now, now});
  return true;
}

void EventBook::created(const EventKey& key, std::string event) {
  if (const auto known = entries_.find(key); known != entries_.end()) {
    known->second.event = std::move(event);
  }
}

void EventBook::failed(const EventKey& key) {
  entries_.erase(key);
}

std::vector<Repeats> EventBook::due(base::SteadyTime now) {
  std::vector<Repeats> due;
  for (auto it = entries_.begin(); it != entries_.end();) {
    Entry& entry = it->second;
    if (entry.count > entry.told && !entry.event.empty() &&
        now - entry.last_told >= kSeriesPeriod) {
      due.push_back({it->first.name_space, entry.event, entry.count});
      entry.told = entry.count;
      entry.last_told = now;
    }
    const bool quiet = now - entry.last_seen >= 2 * kSeriesPeriod && entry.told == entry.count;
    it = quiet ? entries_.erase(it) : std::next(it);
  }
  return due;
}

}  // namespace vpccni::agent
