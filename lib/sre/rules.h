#pragma once
// What the doctor's rules look at: each function is one rule's look, named as its fault. Pure. The
// table is in doctor.cc.

#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "sre/node_view.h"

namespace vpccni::sre::rules {

/// What was seen; nothing: all is well, or it could not be seen.
using Evidence = std::optional<std::string>;

inline Evidence joined(const std::vector<std::string>& parts) {
  return parts.empty() ? Evidence() : Evidence(base::join(parts, ", "));
}

/// The pods for which the test holds, by name and address.
template <class Test>
Evidence pods_where(const NodeView& view, Test test) {
  std::vector<std::string> names;
  for (const auto& row : view.pods) {
    if (test(row)) {
      names.push_back(row.held.pod.name_space + "/" + row.held.pod.name + " " +
                      to_string(row.held.address));
    }
  }
  return joined(names);
}

// The agent, its start, its pool, its checkpoint: rules_agent.cc
Evidence agent_dead(const NodeView&);
Evidence start_failed(const NodeView&);
Evidence start_hangs(const NodeView&);
Evidence no_module(const NodeView&);
Evidence quarantined(const NodeView&);
Evidence checkpoint_unreadable(const NodeView&);
Evidence checkpoint_lost(const NodeView&);
Evidence unknown_to_agent(const NodeView&);
Evidence unmanaged_eni(const NodeView&);
Evidence subnet_full(const NodeView&);
Evidence subnet_fragmented(const NodeView&);
Evidence throttled(const NodeView&);
Evidence denied(const NodeView&);
Evidence unreachable(const NodeView&);
Evidence no_eni_config(const NodeView&);
Evidence all_in_use(const NodeView&);

// The kernel, and other daemons that change it: rules_kernel.cc
Evidence address_twice(const NodeView&);
Evidence eni_without_link(const NodeView&);
Evidence eni_incomplete(const NodeView&);
Evidence pod_link_gone(const NodeView&);
Evidence stale_neighbour(const NodeView&);
Evidence pod_without_route(const NodeView&);
Evidence rules_missing(const NodeView&);
Evidence chains_missing(const NodeView&);
Evidence two_iptables(const NodeView&);
Evidence strict_rp_filter(const NodeView&);
Evidence no_forwarding(const NodeView&);
Evidence early_demux(const NodeView&);
Evidence few_neighbours(const NodeView&);
Evidence long_syn_sent(const NodeView&);
Evidence conntrack_full(const NodeView&);
Evidence other_mtu(const NodeView&);
Evidence cloud_setup(const NodeView&);
Evidence networkd(const NodeView&);

// EC2, IMDS, the API server, files: rules_outside.cc
Evidence address_gone(const NodeView&);
Evidence imds_dead(const NodeView&);
Evidence clock_wrong(const NodeView&);
Evidence leaked_enis(const NodeView&);
Evidence api_denies(const NodeView&);
Evidence api_by_proxy(const NodeView&);
Evidence disk_full(const NodeView&);
Evidence conflist_broken(const NodeView&);
Evidence other_plugin(const NodeView&);

}  // namespace vpccni::sre::rules
