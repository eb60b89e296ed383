#include <algorithm>

#include "linux/netlink_socket.h"
#include "linux/rules.h"
#include "podnet/host.h"
#include "podnet/policy_rules.h"

namespace vpccni::podnet {

namespace {

constexpr std::size_t kMorePasses = 8;

/// One reading, and the changes that it asks for. False if there was something to change.
Result<bool> approach(linux::Netlink& netlink, net::Family family,
                      const std::vector<linux::Rule>& wanted) {
  VPCCNI_TRY(const auto all, linux::rules(netlink, family));
  bool right = true;
  for (const linux::Rule& rule : wanted) {
    if (!contains(all, rule)) {
      VPCCNI_CHECK(netlink.apply(linux::add_rule_unchecked(rule)));
      right = false;
    }
  }
  for (const linux::Rule& rule : all) {
    const bool ours =
        rule.priority == kExternalService && rule.table == net::kMainTable && !rule.other;
    if (ours && !contains(wanted, rule)) {
      VPCCNI_CHECK(netlink.remove(linux::delete_rule(rule)));
      right = false;
    }
  }
  return right;
}

Result<> set_external_service_rules(linux::Netlink& netlink, net::Family family,
                                    const std::vector<net::Cidr>& cidrs) {
  std::vector<linux::Rule> wanted;
  for (const net::Cidr& cidr : cidrs) {
    const linux::Rule rule = external_service_rule(cidr);
    if (cidr.family() == family && !contains(wanted, rule)) {
      wanted.push_back(rule);
    }
  }
  // Once is enough, except when a rule without a destination is to go: the delete then takes the
  // first of this priority, wanted or not.
  for (std::size_t pass = 0; pass < wanted.size() + kMorePasses; ++pass) {
    VPCCNI_TRY(const bool right, approach(netlink, family, wanted));
    if (right) {
      return {};
    }
  }
  return Error{Errc::conflict,
               "somebody else changes the rules of priority " + to_string(kExternalService)};
}

}  // namespace

Result<> update_external_service_rules(const std::vector<net::Cidr>& cidrs) {
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  VPCCNI_CHECK(set_external_service_rules(netlink, net::Family::v4, cidrs));
  auto six = set_external_service_rules(netlink, net::Family::v6, cidrs);
  const bool wants_six = std::any_of(cidrs.begin(), cidrs.end(), [](const net::Cidr& cidr) {
    return cidr.family() == net::Family::v6;
  });
  if (!six && six.error().code == Errc::unsupported && !wants_six) {
    return {};  // a kernel without IPv6
  }
  return six;
}

Result<EniTable> route_table(net::NetworkCard card, const net::Ip& primary_ip,
                             net::DeviceIndex device, int max_enis) {
  const int k = card.value();
  const int n = device.value();
  if (k < 0 || n < 0 || k > 255 || n > 255) {
    return Error{Errc::invalid_argument, "no route table for network card " + to_string(card) +
                                             ", device " + to_string(device)};
  }
  if (k == 0) {
    return EniTable{n == 0 ? net::kMainTable : net::TableId(static_cast<std::uint32_t>(n + 1))};
  }
  const net::TableId computed(static_cast<std::uint32_t>(10000 + n + 100 * k));
  // The scheme of versions up to 1.19.
  const net::TableId old(static_cast<std::uint32_t>(n + 1 + k * std::max(max_enis, 0)));
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  VPCCNI_TRY(const auto all, linux::rules(netlink, primary_ip.family()));
  std::vector<net::TableId> tables;
  for (const linux::Rule& rule : all) {
    if (rule.from && rule.from->base() == primary_ip && rule.table.value() != 0) {
      tables.push_back(rule.table);
    }
  }
  if (tables.empty()) {
    return EniTable{computed};
  }
  if (tables.size() == 1) {
    return EniTable{tables.front(), true};
  }
  const bool has_old = std::find(tables.begin(), tables.end(), old) != tables.end();
  return EniTable{has_old ? old : computed, true};
}

Result<> delete_rules_from(const net::Ip& source) {
  if (source == net::Ip() || source == net::Ip::v6({})) {
    return {};  // would stand for every rule
  }
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  return linux::delete_all_rules(netlink,
                                 {.family = source.family(), .from = net::Cidr::host(source)});
}

Result<> refresh_pod_rule(const net::Ip& ip, net::TableId table) {
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  if (table == net::kMainTable) {  // a pod of the primary ENI has no source rule
    return linux::delete_all_rules(netlink, rule_from(ip, net::TableId(), kFromPod));
  }
  VPCCNI_CHECK(keep_only(netlink, rule_from(ip, table, kFromPod)));
  return {};
}

Result<> remove_pod_rules(const net::Ip& ip) {
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  VPCCNI_CHECK(linux::delete_all_rules(netlink, rule_to_pod(ip)));
  return linux::delete_all_rules(netlink, rule_from(ip, net::TableId(), kFromPod));
}

}  // namespace vpccni::podnet
