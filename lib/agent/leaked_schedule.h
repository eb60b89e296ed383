#pragma once
// When clean_leaked_enis runs: each time an hour and a random part of five minutes after the last
// run has ended, so that the nodes of a cluster do not look all at once.

#include <memory>

#include "agent/leaked_enis.h"
#include "agent/worker.h"
#include "event/loop.h"

namespace vpccni::agent {

/// Lives on the loop's thread; the work is done by the worker. What is referenced outlives it, and
/// it outlives the worker's tasks.
class LeakedSchedule {
 public:
  LeakedSchedule(event::Loop& loop, Worker& worker, const Edges& edges, const Node& node);

 private:
  void arm();

  event::Loop& loop_;
  Worker& worker_;
  const Edges& edges_;
  const Node& node_;
  event::Registration timer_;
};

/// Null where the clean-up is off.
std::unique_ptr<LeakedSchedule> schedule_leaked(event::Loop& loop, Worker& worker,
                                                const Edges& edges, const Node& node);

}  // namespace vpccni::agent
