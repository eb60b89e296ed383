#pragma once
// events.k8s.io/v1 events as the API server takes them: names, lengths, times. Pure.

#include <string>

#include "k8s/api.h"

namespace vpccni::k8s {

/// The body of a create. What is too long is cut to what the API server takes.
std::string new_event_json(const NewEvent& event, base::WallTime at);
/// The merge patch that turns an event into a series, or moves the series on.
std::string series_json(int count, base::WallTime at);

}  // namespace vpccni::k8s
