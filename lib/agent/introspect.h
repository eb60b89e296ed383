#pragma once
// The agent's state as JSON (spec agent.md 7.1): read-only, pure.

#include <string>

#include "ipam/core.h"

namespace vpccni::agent {

/// /v1/enis, upstream's members in upstream's order.
std::string enis_json(const ipam::DataStore& store);
/// /v1/pods, ours: one object per pod with its address, ENI, table; quarantined ones marked.
std::string pods_json(const ipam::DataStore& store);
/// /v1/plan, ours: what the planner does and why.
std::string plan_json(const ipam::Core& core, base::Instant now);

}  // namespace vpccni::agent
