#pragma once
// The agent's log file with rotation (upstream: 100 MB, 5 old files). Only the agent rotates;
// plugins append.

#include <string>

#include "base/log.h"

namespace vpccni::agent {

/// "stdout", "stderr" (any case) or a path. A file that cannot be opened falls back to stderr, and
/// `trouble` says why.
base::Sink agent_sink(const std::string& target, std::string& trouble);

}  // namespace vpccni::agent
