#pragma once
// How long the start took, as metrics: each step, the initialisation of the node, and all of it
// until the agent serves. Used by the thread that starts the agent.

#include <optional>
#include <string>
#include <string_view>

#include "agent/agent_metrics.h"
#include "base/clock.h"

namespace vpccni::agent {

class StartTimes {
 public:
  StartTimes(metrics::Registry& metrics, const base::Clock& clock);

  /// A step begins, and the one before it is over.
  void step(std::string_view name);
  /// The node is ready for pods. A start that fails ends the process, so nobody could see its time.
  void initialized();
  /// The agent serves.
  void serving(bool with_api_server);

 private:
  double since(base::SteadyTime begin) const;
  void end_step();

  metrics::Registry& metrics_;
  const base::Clock& clock_;
  std::optional<InProgress> running_;
  base::SteadyTime begin_;
  base::SteadyTime step_begin_{};
  std::string step_;
};

}  // namespace vpccni::agent
