#pragma once
// The agent's state as JSON (spec agent.md 7.1): one table of pages, each a pure function of what
// the agent knows. Upstream's pages are byte for byte those of v1.21.1; the others are ours.

#include <optional>
#include <string>
#include <string_view>

#include "agent/failed_adds.h"
#include "agent/targets.h"
#include "ipam/pools.h"
#include "settings/settings.h"

namespace vpccni::agent {

/// What the pages show. `scrub`: container ids and interface names are blank, as upstream 1.23 has
/// them, because whoever can ask must not learn what a DelNetwork needs.
struct Inspected {
  const ipam::Pools& pools;
  const FailedAdds& failed;
  const settings::Settings& settings;
  const EffectiveTargets& targets;
  std::string eni_config;  // this node's, by name
  base::Instant now;
  bool scrub = false;
  std::string_view fips = {};  // JSON of the start's check; empty when none was required
};

/// The page of that path; nullopt if there is none of that name.
std::optional<std::string> page(std::string_view path, const Inspected& of);
/// What every other path answers.
std::string available_commands();

/// Answers 404 until the node object was read.
inline constexpr std::string_view kEniConfigsPath = "/v1/eni-configs";

std::string enis_page(const Inspected& of);
std::string eni_configs_page(const Inspected& of);
std::string networkutils_page(const Inspected& of);
std::string ipamd_page(const Inspected& of);
/// One object per pod: its address, ENI, table; quarantined ones marked.
std::string pods_page(const Inspected& of);
/// What the planner does and why.
std::string plan_page(const Inspected& of);
/// Each target with its value and where that comes from.
std::string targets_page(const Inspected& of);
/// The last ADDs that failed, newest first.
std::string failures_page(const Inspected& of);
/// What the start's check of the cryptographic module found.
std::string fips_page(const Inspected& of);
/// Addresses that are kept for a pod although no block of the pool covers them.
std::string quarantine_page(const Inspected& of);

}  // namespace vpccni::agent
