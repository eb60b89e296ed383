#include <cerrno>

#include "linux/routes.h"
#include "linux/rules.h"
#include "podnet/pod_wiring.h"
#include "podnet/policy_rules.h"

namespace vpccni::podnet {

namespace {

/// Tables 0 and 1 mean the primary ENI (as the agent's protocol counts devices).
net::TableId table_of(const PodLink& link) {
  return link.table.value() <= 1 ? net::kMainTable : link.table;
}

Result<> attach(Wiring& wiring, const PodLink& link) {
  VPCCNI_TRY(const linux::Link host_end, wiring.create(link));
  VPCCNI_CHECK(route_to_pod(wiring, link, host_end.index));
  return wrap(wiring.configure_pod(link, host_end), "inside the pod");
}

}  // namespace

Result<> route_to_pod(Wiring& wiring, const PodLink& link, net::IfIndex host_end) {
  const linux::Rule to_pod = rule_to_pod(link.address);
  const linux::Rule from_pod = rule_from(link.address, table_of(link), kFromPod);
  const linux::Rule stale = rule_from(link.address, net::TableId(), kFromPod);
  // The stale rule goes first here, because without a reading of all rules there is no other way
  // to hit it and not ours: no packet has this source yet, the pod's end is down and bare.
  std::vector<Step> steps = {
      {.request = linux::replace_route({.destination = net::Cidr::host(link.address),
                                        .link = host_end,
                                        .scope = linux::Scope::link})},
      {.request = linux::add_rule(to_pod), .tolerated = EEXIST, .undo = linux::delete_rule(to_pod)},
      {.request = linux::delete_rule(stale), .tolerated = ENOENT}};
  const std::size_t stale_step = steps.size() - 1;
  const bool has_table = table_of(link) != net::kMainTable;
  if (has_table) {
    steps.push_back({.request = linux::add_rule(from_pod),
                     .tolerated = EEXIST,
                     .undo = linux::delete_rule(from_pod)});
  }
  VPCCNI_TRY(const auto replies, wiring.run_on_host(steps));
  if (replies[stale_step].number != 0) {
    return {};
  }
  // Where one was there may be more.
  if (!has_table) {
    return linux::delete_all_rules(wiring.host(), stale);
  }
  VPCCNI_TRY(const bool added, keep_only(wiring.host(), from_pod));
  if (added) {
    wiring.undo_on_host(linux::delete_rule(from_pod));
  }
  return {};
}

Result<> attach_pod(const std::string& netns_path, const std::vector<PodLink>& links) {
  for (const PodLink& link : links) {
    VPCCNI_CHECK(check(link));
  }
  VPCCNI_TRY(Wiring wiring, Wiring::open(netns_path));
  for (const PodLink& link : links) {
    if (auto done = attach(wiring, link); !done) {
      wiring.undo();
      return wrap(std::move(done), "attach " + link.container_link + " (" +
                                       to_string(link.address) + ") in " + netns_path);
    }
  }
  return {};
}

}  // namespace vpccni::podnet
