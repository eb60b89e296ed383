#include "agent/attached.h"

#include <algorithm>
#include <functional>

#include "agent/count_errors.h"

namespace vpccni::agent {

namespace {

using std::chrono::seconds;

/// Long enough for EC2 to assign a prefix, and mostly for an ENI; far below the plugin's deadline.
constexpr auto kAddPatience = seconds(10);

bool leaves(const ipam::Recent& recent, const net::EniId& id, base::WallTime now) {
  return std::any_of(recent.leaving.begin(), recent.leaving.end(), [&](const auto& one) {
    return one.first == id && now - one.second <= ipam::kConsistencyLag && one.second <= now;
  });
}

Result<ipam::EniReady> make_ready(const Edges& edges, const Node& node, SubnetCidrs& subnets,
                                  const aws::Eni& eni, bool confirmed,
                                  const std::stop_token& stop) {
  if (confirmed) {
    VPCCNI_TRY(const auto subnet, subnets.of(eni));
    return set_up_attached(edges, node, eni, subnet, stop);
  }
  VPCCNI_TRY(const auto table, edges.kernel.route_table(eni.attachment->card, primary_address(eni),
                                                        eni.attachment->device, node.limits.enis));
  ipam::EniReady ready{eni_facts(eni, table, node), pod_blocks(eni, node.family()), false};
  ready.facts.set_up = ready.facts.primary;
  return ready;
}

}  // namespace

Result<Attachments> list_attached(const Edges& edges, const Node& node) {
  Attachments all;
  auto listed = node.settings.imds_only ? all_shown(edges, node) : all_listed(edges.ec2, node);
  if (!listed && !node.settings.imds_only) {
    all.trouble = listed.error();
    all.confirmed = false;
    listed = all_shown(edges, node);
  }
  VPCCNI_TRY(all.enis, std::move(listed));
  if (std::none_of(all.enis.begin(), all.enis.end(),
                   [](const auto& one) { return is_managed(one.is); })) {
    return Error{Errc::unavailable, "no ENI of " + to_string(node.identity.id) + " is listed"};
  }
  return all;
}

Attached attached_on(const Attachments& all, net::NetworkCard card) {
  Attached attached;
  static_cast<ManagedEnis&>(attached) = managed_on(all.enis, card);
  attached.confirmed = all.confirmed;
  attached.trouble = all.trouble;
  return attached;
}

Result<Attached> attached_enis(const Edges& edges, const Node& node) {
  VPCCNI_TRY(const auto all, list_attached(edges, node));
  return attached_on(all, node.card);
}

ipam::CoreOptions core_options(const Node& node, int unmanaged) {
  const auto& set = node.settings;
  ipam::CoreOptions options;
  options.store.card = node.card;
  options.store.prefixes = set.enable_prefix_delegation;
  options.store.cooldown = seconds(set.ip_cooldown_seconds);
  options.store.family = node.family();
  options.store.both_kinds = set.enable_prefix_delegation && set.pd_fallback;
  options.targets = {.warm_enis = set.warm_eni_target,
                     .warm_ips = set.warm_ip_target,
                     .minimum_ips = set.minimum_ip_target,
                     .warm_prefixes = set.warm_prefix_target,
                     .max_pods = default_max_pods(node.limits),
                     .cooling_is_free = set.count_cooling_as_free,
                     .rest_fully = set.cooldown_adaptive};
  if (node.card !=
      net::NetworkCard(0)) {  // whatever the settings say: pods with several NICs are few
    options.targets.warm_enis = 0;
    options.targets.warm_prefixes = 0;
    options.targets.warm_ips = 1;
    options.targets.minimum_ips = 1;
  }
  options.limits = {node.max_enis() - unmanaged, node.slots_per_eni()};
  options.foreign_enis = unmanaged;
  options.awaits_trunk =
      set.enable_pod_eni && node.card == net::NetworkCard(0) && trunk_possible(node);
  options.provisioning = !set.disable_provisioning && !set.imds_only;
  options.patience = kAddPatience;
  options.seed = static_cast<std::uint32_t>(std::hash<std::string>{}(to_string(node.identity.id)));
  return options;
}

bool knows_table(const ipam::DataStore& store, const ipam::Lease& lease) {
  const auto eni = store.enis().find(lease.eni);
  return eni != store.enis().end() && eni->second.set_up && lease.table != net::kMainTable;
}

void bring_in(ipam::Core& core, const Edges& edges, const Node& node, const Attached& attached,
              const ipam::Recent& recent, const std::stop_token& stop) {
  if (attached.trouble) {
    edges.log.warn("EC2 does not list this instance's ENIs; pods that run are kept, new ones wait",
                   {{"error", attached.trouble->message}});
    core.on(ipam::StartedBlind{*attached.trouble}, edges.clock.now());
  }
  SubnetCidrs subnets(edges, node);
  for (const auto& eni : attached.enis) {
    if (leaves(recent, eni.id, edges.clock.now().wall)) {
      continue;
    }
    auto ready = make_ready(edges, node, subnets, eni, attached.confirmed, stop);
    if (!ready) {
      count_error(edges, "waitENIAttachedMaxRetryExceeded");
      edges.log.warn("an attached ENI cannot be set up; reconcile tries again",
                     {{"eni", to_string(eni.id)}, {"error", ready.error().message}});
      continue;
    }
    core.on(*std::move(ready), edges.clock.now());
  }
}

}  // namespace vpccni::agent
