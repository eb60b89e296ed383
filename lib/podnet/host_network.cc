#include <algorithm>

#include "linux/links.h"
#include "linux/netlink_socket.h"
#include "linux/nftables.h"
#include "linux/rules.h"
#include "podnet/apply_plan.h"
#include "podnet/firewall.h"
#include "podnet/host.h"
#include "podnet/policy_rules.h"

namespace vpccni::podnet {

namespace {

/// These are true if something had to be changed.
Result<bool> set_up_firewall(const HostNetwork& wanted, std::string_view primary_link) {
  return apply_plan(linux::iptables_of(wanted.iptables, net::Family::v4), {"nat", "mangle"},
                    [&](const auto& tables) {
                      return plan_nat(tables[0], wanted) +
                             plan_mangle(tables[1], wanted, primary_link);
                    });
}

/// Addresses for egress in the family that is not the pods' own: nobody may call them from outside.
Result<bool> block_node_local_pods(const HostNetwork& wanted) {
  if (wanted.family == net::Family::v4 && !wanted.v6_egress) {
    return false;
  }
  const auto family = wanted.family == net::Family::v6 ? net::Family::v4 : net::Family::v6;
  return apply_plan(linux::iptables_of(wanted.iptables, family), {"filter"},
                    [&](const auto& tables) { return plan_filter(tables[0], family); });
}

/// Marked connections leave by the primary ENI. A rule of our own form with another mark is from
/// before the setting changed.
Result<> set_mark_rule(linux::Netlink& netlink, const HostNetwork& wanted) {
  const linux::Rule rule = mark_rule(wanted);
  const bool needed = wants_mark_rule(wanted);
  VPCCNI_TRY(const auto all, linux::rules(netlink, wanted.family));
  if (needed && !contains(all, rule)) {
    VPCCNI_CHECK(netlink.apply(linux::add_rule_unchecked(rule)));
  }
  for (const linux::Rule& existing : all) {
    linux::Rule form = existing;
    form.mark = form.mask = wanted.mark;
    const bool ours = existing.mark && existing.mark == existing.mask && is_same(form, rule);
    if (ours && !(needed && is_same(existing, rule))) {
      VPCCNI_CHECK(netlink.remove(linux::delete_rule(existing)));
    }
  }
  return {};
}

/// The rule of the table local moves behind those of branch ENIs: the new one first. Never back, as
/// upstream: pods that are wired so may live.
Result<> move_local_rule(linux::Netlink& netlink, net::Family family) {
  const auto late = local_rule(family, kLocalLater);
  const auto first = local_rule(family, net::RulePriority(0));
  VPCCNI_TRY(const auto all, linux::rules(netlink, family));
  if (family == net::Family::v6 && !contains(all, router_rule())) {
    VPCCNI_CHECK(netlink.apply(linux::add_rule_unchecked(router_rule())));
  }
  if (!contains(all, late)) {
    VPCCNI_CHECK(netlink.apply(linux::add_rule_unchecked(late)));
  }
  // What a deletion leaves out matches anything: it may hit the router's rule first.
  constexpr int kMostCopies = 8;
  for (int i = 0; i < kMostCopies; ++i) {
    VPCCNI_TRY(const auto now, linux::rules(netlink, family));
    if (!contains(now, first)) {
      break;
    }
    VPCCNI_CHECK(netlink.remove(linux::delete_rule(first)));
  }
  if (family == net::Family::v6) {
    VPCCNI_TRY(const auto now, linux::rules(netlink, family));
    if (!contains(now, router_rule())) {
      VPCCNI_CHECK(netlink.apply(linux::add_rule_unchecked(router_rule())));
    }
  }
  return {};
}

}  // namespace

Result<> set_up_host_network(const HostNetwork& wanted) {
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  VPCCNI_TRY(const auto primary,
             wrap(linux::get_link(netlink, wanted.primary_mac), "find the primary ENI"));
  if (primary.mtu != wanted.mtu) {
    VPCCNI_CHECK(netlink.apply(linux::change_link(primary.index, {.mtu = wanted.mtu})));
  }
  VPCCNI_CHECK(block_node_local_pods(wanted));
  VPCCNI_CHECK(set_mark_rule(netlink, wanted));
  if (wanted.strict_branches) {
    VPCCNI_CHECK(move_local_rule(netlink, wanted.family));
  }
  if (wanted.family == net::Family::v4) {
    VPCCNI_CHECK(set_up_firewall(wanted, primary.name));
    // Upstream's 1.23 marks connections there (spec dataplane.md 7.1): with the blocks of its time.
    // After our own rules, which do the same. A kernel without nf_tables has no such table.
    (void)linux::delete_nft_table("aws-cni");
  }
  return {};
}

Result<bool> update_chains(const HostNetwork& wanted) {
  VPCCNI_TRY(const bool blocked, block_node_local_pods(wanted));
  if (wanted.family == net::Family::v6) {
    return blocked;
  }
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  VPCCNI_TRY(const auto primary,
             wrap(linux::get_link(netlink, wanted.primary_mac), "find the primary ENI"));
  VPCCNI_TRY(const bool changed, set_up_firewall(wanted, primary.name));
  return changed || blocked;
}

}  // namespace vpccni::podnet
