#include "agent/classify_enis.h"

#include <algorithm>

namespace vpccni::agent {

namespace {

constexpr auto kNoManageTag = "node.k8s.amazonaws.com/no_manage";
constexpr auto kInstanceTag = "node.k8s.amazonaws.com/instance_id";

struct Row {
  EniClass is;
  bool managed;
  bool takes_a_place;  // of those on its card that we may have; for ENIs left alone
  std::string_view because;
};

constexpr Row kRows[] = {
    {EniClass::primary, true, true, "primary ENI"},
    {EniClass::told_managed, true, true, "tag no_manage is not true"},
    {EniClass::ours, true, true, "tag instance_id names this instance"},
    {EniClass::untagged, true, true, "MANAGE_UNTAGGED_ENI is true"},
    {EniClass::tags_unknown, true, true, "tags unknown: only IMDS was asked"},
    {EniClass::not_attached, false, false, "not attached here"},
    {EniClass::branch, false, false, "branch ENI of a pod"},
    {EniClass::no_manage, false, true, "tag no_manage is true"},
    {EniClass::foreign, false, true, "not made here, and MANAGE_UNTAGGED_ENI is false"},
    {EniClass::other_card, false, false, "on a network card that is not managed"},
    {EniClass::efa_only, false, true, "EFA-only: no address"},
    {EniClass::no_ipv4, false, true, "no IPv4"},
};

constexpr bool rows_follow_enumeration() {
  std::size_t place = 0;
  for (const Row& each : kRows) {
    if (static_cast<std::size_t>(each.is) != place++) {
      return false;
    }
  }
  return place == static_cast<std::size_t>(EniClass::no_ipv4) + 1;
}
static_assert(rows_follow_enumeration());

const Row& row(EniClass which) {
  return kRows[static_cast<std::size_t>(which)];
}

bool is_primary(const aws::Attachment& at) {
  return at.card.value() == 0 && at.device.value() == 0;
}

bool is_attached(const aws::Eni& eni, const net::InstanceId& self) {
  return eni.attachment && eni.attachment->instance == self &&
         eni.attachment->status != "detaching" && eni.attachment->status != "detached";
}

EniClass by_tags(const aws::Eni& eni, const Node& node, ListedBy by) {
  if (by == ListedBy::imds) {
    return EniClass::tags_unknown;
  }
  if (const auto told = eni.tags.find(kNoManageTag); told != eni.tags.end()) {
    return told->second == "true" ? EniClass::no_manage : EniClass::told_managed;
  }
  const auto made_for = eni.tags.find(kInstanceTag);
  if (made_for != eni.tags.end() && made_for->second == to_string(node.identity.id)) {
    return EniClass::ours;
  }
  return node.settings.manage_untagged_eni ? EniClass::untagged : EniClass::foreign;
}

/// Without regard to its card.
EniClass alone(const aws::Eni& eni, const Node& node, ListedBy by) {
  if (!is_attached(eni, node.identity.id)) {
    return EniClass::not_attached;
  }
  if (eni.kind == aws::EniKind::branch) {
    return EniClass::branch;
  }
  return is_primary(*eni.attachment) ? EniClass::primary : by_tags(eni, node, by);
}

EniClass on_its_card(const ClassifiedEni& one, const std::set<net::NetworkCard>& cards,
                     const Node& node) {
  if (!is_managed(one.is) || one.is == EniClass::primary) {
    return one.is;
  }
  if (!cards.contains(one.eni.attachment->card)) {
    return EniClass::other_card;
  }
  if (one.eni.kind == aws::EniKind::efa_only) {
    return EniClass::efa_only;
  }
  if (!node.settings.enable_ipv6 && one.eni.addresses.empty()) {
    return EniClass::no_ipv4;
  }
  return one.is;
}

}  // namespace

bool is_managed(EniClass which) {
  return row(which).managed;
}

std::set<net::NetworkCard> managed_cards(const std::vector<ClassifiedEni>& all, const Node& node) {
  std::set<net::NetworkCard> cards = {net::NetworkCard(0)};
  if (!node.settings.enable_multi_nic) {
    return cards;
  }
  std::set<net::NetworkCard> efa_only;
  std::set<net::NetworkCard> serving;
  for (const auto& [eni, is] : all) {
    if (eni.kind == aws::EniKind::efa_only && is != EniClass::not_attached) {
      efa_only.insert(eni.attachment->card);
    } else if (is_managed(is)) {
      serving.insert(eni.attachment->card);
    }
  }
  for (const auto& limit : node.limits.cards) {
    if (!efa_only.contains(limit.card) || serving.contains(limit.card)) {
      cards.insert(limit.card);
    }
  }
  return cards;
}

std::string_view because(EniClass which) {
  return row(which).because;
}

std::vector<ClassifiedEni> classify_enis(std::vector<aws::Eni> enis, const Node& node,
                                         ListedBy by) {
  std::vector<ClassifiedEni> all;
  for (auto& eni : enis) {
    const EniClass is = alone(eni, node, by);
    all.push_back({std::move(eni), is});
  }
  const auto cards = managed_cards(all, node);
  for (auto& one : all) {
    one.is = on_its_card(one, cards, node);
  }
  std::stable_sort(all.begin(), all.end(), [](const ClassifiedEni& a, const ClassifiedEni& b) {
    const bool here = a.is != EniClass::not_attached;
    if (here != (b.is != EniClass::not_attached) || !here) {
      return here && b.is == EniClass::not_attached;
    }
    return std::pair(a.eni.attachment->card, a.eni.attachment->device) <
           std::pair(b.eni.attachment->card, b.eni.attachment->device);
  });
  return all;
}

ManagedEnis managed_on(std::vector<ClassifiedEni> classified, net::NetworkCard card) {
  ManagedEnis managed;
  for (auto& one : classified) {
    if (!is_managed(one.is)) {
      const bool here = one.eni.attachment && one.eni.attachment->card == card;
      managed.unmanaged += here && row(one.is).takes_a_place ? 1 : 0;
      managed.left_out.push_back(std::move(one));
    } else if (one.eni.attachment->card == card) {
      managed.enis.push_back(std::move(one.eni));
    }
  }
  return managed;
}

aws::Eni eni_of(const aws::ImdsEni& shown, const aws::InstanceIdentity& self) {
  aws::Eni eni;
  eni.id = shown.id;
  eni.mac = shown.mac;
  eni.vpc = self.vpc;
  eni.availability_zone = self.availability_zone;
  eni.status = "in-use";
  if (shown.subnet) {
    eni.subnet = *shown.subnet;
  }
  eni.attachment.emplace();
  eni.attachment->instance = self.id;
  eni.attachment->device = shown.device;
  eni.attachment->card = shown.card;
  eni.attachment->status = "attached";
  for (const auto& ip : shown.addresses) {
    eni.addresses.push_back({ip, eni.addresses.empty()});
  }
  eni.prefixes = shown.prefixes;
  eni.ipv6_addresses = shown.ipv6_addresses;
  eni.ipv6_prefixes = shown.ipv6_prefixes;
  const bool any_address = !shown.addresses.empty() || !shown.ipv6_addresses.empty();
  eni.kind = any_address ? aws::EniKind::ordinary : aws::EniKind::efa_only;
  return eni;
}

aws::ConnectionTracking primary_tracking(const std::vector<aws::Eni>& enis) {
  for (const auto& eni : enis) {
    if (eni.attachment && is_primary(*eni.attachment)) {
      return eni.tracking;
    }
  }
  return {};
}

}  // namespace vpccni::agent
