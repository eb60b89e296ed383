#include <algorithm>

#include "linux/iptables.h"
#include "linux/links.h"
#include "linux/netlink_socket.h"
#include "linux/rules.h"
#include "podnet/firewall.h"
#include "podnet/host.h"
#include "podnet/policy_rules.h"

namespace vpccni::podnet {

namespace {

// Others change the same tables: a rule that was read can be gone when it is to be deleted. Then
// nothing of that table was changed, and a new reading settles it.
constexpr int kFirewallTries = 4;

Result<> set_up_firewall(const HostNetwork& wanted, std::string_view primary_link) {
  const linux::Iptables& iptables = wanted.iptables;
  for (int tried = 1;; ++tried) {
    VPCCNI_TRY(const auto nat, iptables.save("nat"));
    VPCCNI_TRY(const auto mangle, iptables.save("mangle"));
    const std::string plan = plan_nat(nat, wanted) + plan_mangle(mangle, wanted, primary_link);
    if (plan.empty()) {
      return {};
    }
    auto restored = iptables.restore(plan);
    if (restored || restored.error().code != Errc::conflict || tried == kFirewallTries) {
      return restored;
    }
  }
}

/// Marked connections leave by the primary ENI. A rule of our own form with another mark is from
/// before the setting changed.
Result<> set_mark_rule(linux::Netlink& netlink, const HostNetwork& wanted) {
  const linux::Rule rule{.family = wanted.family,
                         .priority = kMarked,
                         .table = net::kMainTable,
                         .mark = wanted.mark,
                         .mask = wanted.mark};
  const bool needed = wanted.node_port_support || !wanted.external_snat;
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

}  // namespace

Result<> set_up_host_network(const HostNetwork& wanted) {
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  VPCCNI_TRY(const auto primary,
             wrap(linux::get_link(netlink, wanted.primary_mac), "find the primary ENI"));
  if (primary.mtu != wanted.mtu) {
    VPCCNI_CHECK(netlink.apply(linux::change_link(primary.index, {.mtu = wanted.mtu})));
  }
  VPCCNI_CHECK(set_mark_rule(netlink, wanted));
  return wanted.family == net::Family::v4 ? set_up_firewall(wanted, primary.name) : Result<>();
}

Result<> update_snat_rules(const HostNetwork& wanted) {
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  VPCCNI_TRY(const auto primary,
             wrap(linux::get_link(netlink, wanted.primary_mac), "find the primary ENI"));
  return set_up_firewall(wanted, primary.name);
}

}  // namespace vpccni::podnet
