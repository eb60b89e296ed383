#pragma once
// Keeps a log readable when something goes wrong over and over: a line that was written less than a
// minute ago, the time aside, is counted instead, and the count is written in its stead.

#include "base/log.h"

namespace vpccni::base {

inline constexpr auto kRepeatWindow = std::chrono::seconds(60);

/// Wraps a sink of Log's lines. A line that stood back comes out after the window, or with the last
/// copy of the sink, as the newest of its kind with a last member `"repeated":"<how many>"`.
/// Thread-safe. `clock` outlives the sink.
Sink without_repeats(Sink inner, const Clock& clock, Duration window = kRepeatWindow);

}  // namespace vpccni::base
