// Growing, shrinking and reconciling of upstream's pool (agent.md 4.1, 4.3 to 4.8).

#include <algorithm>
#include <set>

#include "tests/bench/pool/upstream_agent.h"

namespace vpccni::pool {

namespace {

using std::chrono::seconds;

constexpr auto kDecreasePause = seconds(30);
constexpr auto kReconcilePause = seconds(60);
constexpr auto kExhaustedPause = seconds(120);
constexpr auto kAddressLimit = "PrivateIpAddressLimitExceeded";

bool insufficient(const Error& error) {
  return error.cause == "InsufficientCidrBlocks" ||
         error.cause == "InsufficientFreeAddressesInSubnet";
}

}  // namespace

void UpstreamAgent::update_pool() {
  const auto counts = store_->counts();
  const bool extra = extra_enis(targets_, counts, store_->freeable_eni());
  bool decreased = false;
  if (too_low(targets_, counts)) {
    (void)increase();
  } else if (too_high(targets_, counts) &&
             (!last_decrease_ || now() - *last_decrease_ > kDecreasePause)) {
    decrease();
    decreased = true;
  }
  if (extra) {
    free_extra_eni();
  }
  if (decreased) {
    last_decrease_ = last_action_ = now();
  }
}

// --- growing (4.3, 4.4)

Result<> UpstreamAgent::increase() {
  if (exhausted_ && now() - *exhausted_ <= kExhaustedPause) {
    return {};
  }
  const auto grew = grow_existing_enis();
  if (!grew) {
    return grew.error();
  }
  if (*grew == Grew::exhausted) {
    exhausted_ = now();
    return {};
  }
  if (*grew == Grew::yes) {
    last_action_ = now();
    return {};
  }
  if (static_cast<int>(store_->enis().size()) < limits_.enis && add_eni()) {
    last_action_ = now();
  }
  return {};
}

Result<UpstreamAgent::Grew> UpstreamAgent::grow_existing_enis() {
  const int slots = limits_.ipv4_per_eni - 1;
  for (const auto& id : store_->enis_in_any_order()) {
    const int room = slots - static_cast<int>(store_->enis().at(id).blocks.size());
    if (room <= 0) {
      continue;
    }
    const auto counts = store_->counts();
    const int shortage = distance(targets_, counts).shortage;
    if (!targets_.prefixes && targets_.ip_targets() && shortage == 0) {
      return Grew::no;
    }
    const int wanted = targets_.prefixes       ? prefixes_wanted(targets_, counts)
                       : targets_.ip_targets() ? shortage
                                               : slots;
    const auto grew = grow_eni(id, std::min(room, wanted));
    if (!grew || *grew == Grew::yes) {
      return grew;
    }
  }
  return Grew::no;
}

/// Subnet discovery is on: an ENI whose subnet is full is passed over (Grew::no).
Result<UpstreamAgent::Grew> UpstreamAgent::grow_eni(const net::EniId& id, int count) {
  const auto assign = [&](int n) {
    return targets_.prefixes ? ec2_.assign_prefixes(id, n) : ec2_.assign_addresses(id, n);
  };
  auto added = assign(count);
  if (!added && added.error().cause != kAddressLimit) {
    added = assign(1);
  }
  if (!added && added.error().cause == kAddressLimit) {
    VPCCNI_CHECK(adopt_blocks_of(id));
    return Grew::yes;
  }
  if (!added) {
    return insufficient(added.error()) ? Result<Grew>(Grew::no) : added.error();
  }
  for (const auto& ip : added->addresses) {
    store_->add_block(id, net::Cidr::host(ip));
  }
  for (const auto& prefix : added->prefixes) {
    store_->add_block(id, prefix);
  }
  return Grew::yes;
}

Result<> UpstreamAgent::adopt_blocks_of(const net::EniId& id) {
  VPCCNI_TRY(const auto enis, ec2_.network_interfaces({.ids = {id}, .filters = {}}));
  for (const auto& address : enis.front().addresses) {
    if (!address.primary) {
      store_->add_block(id, net::Cidr::host(address.ip));
    }
  }
  for (const auto& prefix : enis.front().prefixes) {
    store_->add_block(id, prefix);
  }
  return {};
}

// --- shrinking (4.7)

void UpstreamAgent::decrease() {
  int left = number_to_release(targets_, store_->counts());
  for (const auto& id : store_->enis_in_any_order()) {
    std::vector<net::Cidr> cidrs;
    for (const auto& cidr : store_->freeable(id)) {
      if (left > 0 && store_->remove_block(id, cidr)) {
        cidrs.push_back(cidr);
        --left;
      }
    }
    for (const auto& cidr : cidrs) {
      released_[cidr] = now() + kReconcilePause;
    }
    release(id, cidrs);
  }
}

/// Errors are only logged: the store has forgotten the blocks already, reconcile brings them back.
void UpstreamAgent::release(const net::EniId& id, const std::vector<net::Cidr>& cidrs) {
  std::vector<net::Ip> addresses;
  std::vector<net::Cidr> prefixes;
  for (const auto& cidr : cidrs) {
    if (cidr.is_host()) {
      addresses.push_back(cidr.base());
    } else {
      prefixes.push_back(cidr);
    }
  }
  if (!prefixes.empty()) {
    (void)ec2_.unassign_prefixes(id, prefixes);
  }
  if (!addresses.empty()) {
    (void)ec2_.unassign_addresses(id, addresses);
  }
}

void UpstreamAgent::free_extra_eni() {
  if (const auto id = store_->remove_unused_eni(targets_, now())) {
    (void)free_eni(*id);
  }
}

// --- reconciling (4.8)

void UpstreamAgent::reconcile() {
  if (last_action_ && now() - *last_action_ <= kReconcilePause) {
    return;
  }
  const auto shown = imds_.enis();
  if (!shown || shown->empty()) {
    return;
  }
  std::set<net::EniId> attached;
  const bool stranger = std::any_of(shown->begin(), shown->end(), [&](const auto& eni) {
    return !store_->enis().contains(eni.id);
  });
  if (stranger) {
    const auto enis = describe_all(*shown);
    if (!enis || !tag_untagged(*enis)) {
      return;
    }
  }
  for (const auto& eni : *shown) {
    attached.insert(eni.id);
    if (store_->enis().contains(eni.id)) {
      reconcile_eni(eni);
    } else {
      set_up_eni(eni);
    }
  }
  for (const auto& id : store_->enis_in_any_order()) {
    if (!attached.contains(id)) {
      lost_pods_ += store_->force_remove_eni(id);
    }
  }
  last_action_ = now();
}

void UpstreamAgent::reconcile_eni(const aws::ImdsEni& shown) {
  const auto primary = store_->enis().at(shown.id).primary_ip;
  std::set<net::Cidr> known;
  for (const auto& [cidr, block] : store_->enis().at(shown.id).blocks) {
    known.insert(cidr);
  }
  std::set<net::Cidr> listed(shown.prefixes.begin(), shown.prefixes.end());
  for (const auto& ip : shown.addresses) {
    listed.insert(net::Cidr::host(ip));
  }
  listed.erase(net::Cidr::host(primary));
  if (listed == known) {
    return;
  }
  const auto enis = ec2_.network_interfaces({.ids = {shown.id}, .filters = {}});
  if (!enis) {
    return;
  }
  listed = {enis->front().prefixes.begin(), enis->front().prefixes.end()};
  for (const auto& address : enis->front().addresses) {
    listed.insert(net::Cidr::host(address.ip));
  }
  listed.erase(net::Cidr::host(primary));
  std::set<net::Cidr> seen;
  for (const auto& cidr : listed) {
    const auto pause = released_.find(cidr);
    if (pause != released_.end() && pause->second > now()) {
      continue;
    }
    released_.erase(cidr);
    store_->add_block(shown.id, cidr);
    seen.insert(cidr);
  }
  for (const auto& cidr : known) {
    if (!seen.contains(cidr)) {
      lost_pods_ += store_->force_remove_block(shown.id, cidr);
    }
  }
}

}  // namespace vpccni::pool
