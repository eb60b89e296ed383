#pragma once
// ADD and DEL of one pod: ask the agent, wire the pod, answer (spec dataplane.md 1.5, 1.9, 1.10).

#include <optional>
#include <string>

#include "base/log.h"
#include "cni/config.h"
#include "cni/request.h"
#include "cni/result.h"

namespace vpccni::cmd {

/// One call of the plugin, parsed.
struct PodCall {
  const cni::Request& request;
  cni::PluginConfig config;
  cni::PodArgs args;
  std::optional<cni::PrevResult> prev_result;
  const base::Log& log;
};

/// The pod's interface is up when this succeeds. On error nothing of this call is left and the
/// agent has its address back.
Result<cni::Added> add_pod(const PodCall& call);

/// Success also when the pod is unknown or the agent is away: a DEL that fails keeps the pod
/// terminating for ever. The agent recovers addresses of vanished pods from the kernel.
Result<> del_pod(const PodCall& call);

/// Is all there that an ADD made, on the host and in the pod? Changes nothing. The error names what
/// is missing. Without a result of that ADD there is nothing to compare with, which is an error.
Result<> check_pod(const PodCall& call);

/// Does the agent give addresses?
Result<> agent_serves();

/// The verb GC (cni_gc.cc): pods of this network that the agent's checkpoint still names, the
/// runtime does not, and the host shows nothing of, go to the release journal, as their DELs would
/// have.
Result<> collect_garbage(const cni::Request& request, const base::Log& log, base::WallTime now);

}  // namespace vpccni::cmd
