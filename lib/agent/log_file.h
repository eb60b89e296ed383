#pragma once
// Where the agent's log goes (spec agent.md section 9). Only the agent rotates, and only its own
// file; plugins append to theirs.

#include <string>

#include "agent/old_logs.h"
#include "base/log.h"

namespace vpccni::agent {

/// "stdout", "stderr" (any case) or a path. A file that cannot be opened falls back to stderr, and
/// `trouble` says why. `clock` outlives the sink.
base::Sink agent_sink(const std::string& target, const LogLimits& limits, const base::Clock& clock,
                      std::string& trouble);

}  // namespace vpccni::agent
