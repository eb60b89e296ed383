#pragma once
// ENIs of nodes that died between creation and attachment, or between detachment and deletion
// (spec agent.md 4.12). Every node looks through the VPC, or its cluster, once an hour.

#include <stop_token>
#include <string>
#include <vector>

#include "agent/eni_lifecycle.h"

namespace vpccni::agent {

struct LeakedEni {
  enum class Action { keep, stamp, remove };
  net::EniId eni;
  Action action = Action::keep;
  std::string because;
};

/// Unattached ENIs of ours in the VPC; of one cluster, when it is named.
aws::EniFilter leaked_filter(const net::VpcId& vpc, const std::string& cluster);

/// What to do with ENIs that are not attached: pure. One without a usable createdAt gets one and is
/// kept this time; upstream deletes it at once if the tag cannot be read (Q12).
std::vector<LeakedEni> plan_leaked(const std::vector<aws::Eni>& enis, base::WallTime now);

/// Not with IMDS alone, without provisioning, in IPv6 clusters, or when it is switched off.
bool cleans_leaked_enis(const settings::Settings& settings);

/// Looks, plans, acts. Best effort: failures are logged; it ends early when EC2 does not allow it,
/// pauses, or stop is requested.
void clean_leaked_enis(const Edges& edges, const Node& node, const std::stop_token& stop);

}  // namespace vpccni::agent
