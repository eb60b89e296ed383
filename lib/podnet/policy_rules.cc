#include "podnet/policy_rules.h"

#include <algorithm>

namespace vpccni::podnet {

linux::Rule rule_to_pod(const net::Ip& ip) {
  return {.family = ip.family(),
          .priority = kToPod,
          .table = net::kMainTable,
          .to = net::Cidr::host(ip)};
}

linux::Rule rule_from(const net::Ip& ip, net::TableId table, net::RulePriority priority) {
  return {.family = ip.family(), .priority = priority, .table = table, .from = net::Cidr::host(ip)};
}

linux::Rule external_service_rule(const net::Cidr& cidr) {
  return {.family = cidr.family(),
          .priority = kExternalService,
          .table = net::kMainTable,
          .to = cidr.length() == 0 ? std::nullopt : std::optional(cidr)};
}

linux::Rule mark_rule(const HostNetwork& network) {
  return {.family = network.family,
          .priority = kMarked,
          .table = net::kMainTable,
          .mark = network.mark,
          .mask = network.mark};
}

bool wants_mark_rule(const HostNetwork& network) {
  return network.node_port_support || !network.external_snat;
}

linux::Rule local_rule(net::Family family, net::RulePriority priority) {
  return {.family = family, .priority = priority, .table = net::kLocalTable};
}

linux::Rule router_rule() {
  constexpr std::uint8_t kIcmpV6 = 58;
  return {.family = net::Family::v6,
          .priority = net::RulePriority(0),
          .table = net::kLocalTable,
          .from = net::Cidr::host(vpc_gateway(net::Cidr(net::Ip::v6({}), 64))),
          .ip_protocol = kIcmpV6};
}

bool is_same(const linux::Rule& a, const linux::Rule& b) {
  linux::Rule other = a;
  other.protocol = b.protocol;
  return other == b;
}

bool contains(const std::vector<linux::Rule>& rules, const linux::Rule& rule) {
  return std::any_of(rules.begin(), rules.end(),
                     [&](const linux::Rule& one) { return is_same(one, rule); });
}

Result<bool> keep_only(linux::Netlink& netlink, const linux::Rule& wanted) {
  VPCCNI_TRY(const auto all, linux::rules(netlink, wanted.family));
  const bool missing = !contains(all, wanted);
  if (missing) {
    VPCCNI_CHECK(netlink.apply(linux::add_rule_unchecked(wanted)));
  }
  for (const linux::Rule& rule : all) {
    // A delete cannot name the selectors that `other` stands for: it could take ours.
    const bool rival = rule.from == wanted.from && rule.priority == wanted.priority && !rule.other;
    if (rival && !is_same(rule, wanted)) {
      VPCCNI_CHECK(netlink.remove(linux::delete_rule(rule)));
    }
  }
  return missing;
}

}  // namespace vpccni::podnet
