#pragma once
// Keeps somebody informed of this node, or of its pods: a list, then a watch, and again whenever
// the watch ends. Blocks until stop is requested. What comes back after a failure waits a random
// part of a growing delay, so that the nodes of a cluster do not come back together.

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "k8s/api.h"

namespace vpccni::k8s {

template <class T>
struct Follower {
  std::function<void(std::vector<T>)> listed;      // all there is: what was known is void
  std::function<void(const T&, bool gone)> heard;  // one change
  std::function<void(const Error&)> trouble;       // not heard for a while; following goes on
};

/// A number from 0 up to 1, without 1.
using RandomPart = std::function<double()>;

void follow_node(Api& api, const base::Clock& clock, const RandomPart& random,
                 const std::string& name, const Follower<Node>& follower,
                 const std::stop_token& stop);
void follow_pods(Api& api, const base::Clock& clock, const RandomPart& random,
                 const std::string& node, const Follower<Pod>& follower,
                 const std::stop_token& stop);

/// How long to wait before the next try, after `failures` in a row: 1 s, doubled each time, at most
/// 30 s, or 5 s as long as nothing has ever been heard; half of it random.
base::Duration follow_delay(int failures, bool heard_before, double random);

}  // namespace vpccni::k8s
