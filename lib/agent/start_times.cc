#include "agent/start_times.h"

namespace vpccni::agent {

namespace {

using metrics::Metric;

std::string_view text_of(bool value) {
  return value ? "true" : "false";
}

}  // namespace

StartTimes::StartTimes(metrics::Registry& metrics, const base::Clock& clock)
    : metrics_(metrics), clock_(clock), begin_(clock.now().steady) {
  running_.emplace(metrics_, "nodeInit");
}

double StartTimes::since(base::SteadyTime begin) const {
  return std::chrono::duration<double>(clock_.now().steady - begin).count();
}

void StartTimes::end_step() {
  if (!step_.empty()) {
    metrics_.set<Metric::vpccni_startup_seconds>(since(step_begin_), {step_});
  }
  step_.clear();
}

void StartTimes::step(std::string_view name) {
  end_step();
  step_ = name;
  step_begin_ = clock_.now().steady;
}

void StartTimes::initialized() {
  end_step();
  running_.reset();
  metrics_.observe<Metric::awscni_ipamd_node_initialization_duration_seconds>(since(begin_),
                                                                              {"true"});
}

void StartTimes::serving(bool with_api_server) {
  end_step();
  metrics_.observe<Metric::awscni_ipamd_startup_duration_seconds>(
      since(begin_), {"true", text_of(with_api_server), ""});
}

}  // namespace vpccni::agent
