#pragma once
// Start-up as a list of named steps over the edges (spec agent.md 1.2, 1.3). Each step is one
// function; a failure names the step. Nothing is served before all is done.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/execute.h"
#include "agent/node.h"
#include "agent/restore_pods.h"
#include "ipam/checkpoint_files.h"

namespace vpccni::agent {

/// Reads the checkpoint. A missing file is an empty one. A file that cannot be used is moved aside
/// to ….unusable-<wall time> and named in `trouble`; live pods are then found from the kernel.
Checkpoint read_checkpoint(const ipam::CheckpointFiles& files, base::WallTime now,
                           std::string& trouble);

/// What start_up hands to the loop.
struct Started {
  Node node;
  std::unique_ptr<ipam::Pools> pools;  // one for each card that is managed
};

/// Called as each step begins, 1 first. Its waits end when the token says so.
using StepListener = std::function<std::stop_token(int step, std::string_view name)>;

int start_step_count();

/// A step that takes more than a minute fails the start, with its name.
Result<Started> start_up(
    const Edges& edges, const settings::Settings& settings,
    const std::function<std::optional<aws::InstanceLimits>(const std::string&)>& limits_table,
    const StepListener& listener);

}  // namespace vpccni::agent
