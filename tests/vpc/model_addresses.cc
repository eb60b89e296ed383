// Addresses and prefixes of ENIs: taking them from subnets and giving them back (spec aws.md 6.2,
// 6.8, 6.9).

#include <algorithm>

#include "tests/vpc/model.h"

namespace vpccni::vpc {

namespace {

constexpr int kUnattachedSlots = 64;

Error no_addresses() {
  return refusal(
      "InsufficientFreeAddressesInSubnet",
      "The specified subnet does not have enough free addresses to satisfy the request.");
}

Error no_prefixes(bool as_invalid) {
  return as_invalid ? refusal("InvalidParameterValue",
                              "There aren't sufficient free Ipv4 addresses or prefixes")
                    : refusal("InsufficientCidrBlocks",
                              "The specified subnet does not have enough free "
                              "cidr blocks to satisfy the request.");
}

Error over_limit() {
  return refusal("PrivateIpAddressLimitExceeded", "Number of private addresses will exceed limit.");
}

Error not_on(const net::EniId& id) {
  return refusal("InvalidParameterValue",
                 "Some of the specified addresses are not assigned to interface " + to_string(id));
}

template <class T>
bool contains(const std::vector<T>& all, const T& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

/// Every one of `some` is among `all`, none of them twice.
template <class T>
bool contains_each(const std::vector<T>& all, const std::vector<T>& some) {
  return std::all_of(some.begin(), some.end(), [&](const T& one) {
    return contains(all, one) && std::count(some.begin(), some.end(), one) == 1;
  });
}

bool has_address(const Eni& eni, const net::Ip& ip) {
  return std::any_of(eni.addresses.begin(), eni.addresses.end(),
                     [&](const auto& address) { return address.ip == ip; });
}

}  // namespace

int Model::slot_limit(const Eni& eni) const {
  const auto* instance = eni.attachment ? find_instance(eni.attachment->instance) : nullptr;
  return instance == nullptr ? kUnattachedSlots : find_limits(instance->type)->ipv4_per_eni;
}

Result<Model::Blocks> Model::reserve(Subnet& subnet, int addresses, int prefixes,
                                     const Blocks& given, base::Instant now) {
  if (subnet.full) {
    return no_addresses();
  }
  if (subnet.fragmented && prefixes > 0) {
    return no_prefixes(options_.prefixes_exhausted_is_invalid);
  }
  const auto cooled = now.steady - options_.lags.address_reuse;
  Blocks taken;
  const auto refuse = [&](Error error) {
    for (const auto& ip : taken.addresses) {
      subnet.space.undo(net::Cidr::host(ip));
    }
    for (const auto& prefix : taken.prefixes) {
      subnet.space.undo(prefix);
    }
    return error;
  };
  const auto start = [&] { return options_.scattered ? next_random() % subnet.cidr.size() : 0; };
  for (const auto& ip : given.addresses) {
    if (!subnet.space.contains(ip)) {
      return refuse(refusal("InvalidParameterValue",
                            "Address does not fall within the subnet's address range"));
    }
    if (!subnet.space.is_free(ip)) {
      return refuse(refusal("InvalidIPAddress.InUse", "Address " + to_string(ip) + " is in use."));
    }
    subnet.space.take(net::Cidr::host(ip));
    taken.addresses.push_back(ip);
  }
  for (const auto& prefix : given.prefixes) {
    if (!subnet.space.is_free(prefix)) {
      return refuse(
          refusal("InvalidParameterValue", "Prefix " + to_string(prefix) + " is not free."));
    }
    subnet.space.take(prefix);
    taken.prefixes.push_back(prefix);
  }
  for (int i = 0; i < addresses; ++i) {
    const auto ip = subnet.space.find_address(start(), cooled);
    if (!ip) {
      return refuse(no_addresses());
    }
    subnet.space.take(net::Cidr::host(*ip));
    taken.addresses.push_back(*ip);
  }
  for (int i = 0; i < prefixes; ++i) {
    const auto prefix = subnet.space.find_prefix(start(), cooled);
    if (!prefix) {
      return refuse(subnet.space.free_addresses() < 16 && !options_.prefixes_exhausted_is_invalid
                        ? no_addresses()
                        : no_prefixes(options_.prefixes_exhausted_is_invalid));
    }
    subnet.space.take(*prefix);
    taken.prefixes.push_back(*prefix);
  }
  subnet.available_addresses = subnet.space.free_addresses();
  return taken;
}

void Model::add_blocks(Eni& eni, const Blocks& blocks, base::Instant now) {
  for (const auto& ip : blocks.addresses) {
    eni.addresses.push_back({ip, false});
    address_change(eni, net::Cidr::host(ip), true, now.steady);
  }
  for (const auto& prefix : blocks.prefixes) {
    eni.prefixes.push_back(prefix);
    address_change(eni, prefix, true, now.steady);
  }
}

void Model::give_back(Eni& eni, const net::Cidr& block, base::Instant now) {
  if (block.family() == net::Family::v4) {
    Subnet& subnet = subnets_.at(eni.subnet);
    subnet.space.give_back(block, now.steady);
    subnet.available_addresses = subnet.space.free_addresses();
  }
  address_change(eni, block, false, now.steady);
}

void Model::take_ipv6(Subnet& subnet, Eni& eni, int addresses, int prefixes, base::Instant now) {
  for (int i = 0; i < addresses; ++i) {
    eni.ipv6_addresses.push_back(subnet.ipv6->at(subnet.next_ipv6++));
    address_change(eni, net::Cidr::host(eni.ipv6_addresses.back()), true, now.steady);
  }
  for (int i = 0; i < prefixes; ++i) {
    eni.ipv6_prefixes.emplace_back(subnet.ipv6->at(subnet.next_ipv6_prefix++ << 48U), 80);
    address_change(eni, eni.ipv6_prefixes.back(), true, now.steady);
  }
}

void Model::forget(const net::EniId& id, base::Instant now) {
  Eni& eni = enis_.at(id);
  for (const auto& address : eni.addresses) {
    give_back(eni, net::Cidr::host(address.ip), now);
  }
  for (const auto& prefix : eni.prefixes) {
    give_back(eni, prefix, now);
  }
  for (const auto& ip : eni.ipv6_addresses) {
    give_back(eni, net::Cidr::host(ip), now);
  }
  for (const auto& prefix : eni.ipv6_prefixes) {
    give_back(eni, prefix, now);
  }
  enis_.erase(id);
}

Result<aws::Added> Model::assign(const NewAddresses& wanted, base::Instant now) {
  advance(now);
  VPCCNI_TRY(auto* eni, get_eni(wanted.eni));
  const bool addresses = wanted.count || !wanted.addresses.empty();
  const bool prefixes = wanted.prefix_count || !wanted.prefixes.empty();
  if (!addresses && !prefixes) {
    return refusal("MissingParameter",
                   "Either 'privateIpAddress', 'secondaryPrivateIpAddressCount' or a prefix "
                   "parameter must be given");
  }
  if ((addresses && prefixes) || (wanted.count && !wanted.addresses.empty()) ||
      (wanted.prefix_count && !wanted.prefixes.empty())) {
    return refusal("InvalidParameterCombination",
                   "Give a count or a list, of addresses or of prefixes");
  }
  if (wanted.count.value_or(1) < 1 || wanted.prefix_count.value_or(1) < 1) {
    return refusal("InvalidParameterValue", "The count must be at least 1");
  }
  const auto* instance = eni->attachment ? find_instance(eni->attachment->instance) : nullptr;
  if (prefixes && instance != nullptr && !find_limits(instance->type)->prefixes_supported()) {
    return refusal("UnsupportedOperation",
                   "Prefix delegation is not supported on instance type " + instance->type);
  }
  Blocks given{{}, wanted.prefixes};
  std::copy_if(wanted.addresses.begin(), wanted.addresses.end(),
               std::back_inserter(given.addresses),
               [&](const net::Ip& ip) { return !has_address(*eni, ip); });
  const std::size_t more = given.addresses.size() + given.prefixes.size();
  // Counts come from clients: compared before they are added up.
  const int room = slot_limit(*eni) - eni->slots();
  if (wanted.count.value_or(0) > room || wanted.prefix_count.value_or(0) > room ||
      static_cast<int>(more) > room) {
    return over_limit();
  }
  std::vector<std::pair<Eni*, net::Ip>> moved;
  for (const auto& ip : given.addresses) {
    const auto owner = std::find_if(enis_.begin(), enis_.end(), [&](const auto& entry) {
      return has_address(entry.second, ip);
    });
    if (owner == enis_.end()) {
      continue;
    }
    if (!wanted.allow_reassignment || owner->second.primary() == ip ||
        owner->second.subnet != eni->subnet) {
      return refusal("InvalidParameterValue",
                     "[" + to_string(ip) + "] assigned, but move is not allowed.");
    }
    moved.emplace_back(&owner->second, ip);
  }
  Subnet& subnet = subnets_.at(eni->subnet);
  for (const auto& [owner, ip] : moved) {
    subnet.space.undo(net::Cidr::host(ip));
  }
  auto blocks =
      reserve(subnet, wanted.count.value_or(0), wanted.prefix_count.value_or(0), given, now);
  if (!blocks) {
    for (const auto& [owner, ip] : moved) {
      subnet.space.take(net::Cidr::host(ip));
    }
    return std::move(blocks).error();
  }
  for (const auto& [owner, ip] : moved) {
    std::erase_if(owner->addresses, [gone = ip](const auto& a) { return a.ip == gone; });
    address_change(*owner, net::Cidr::host(ip), false, now.steady);
    update_imds(*owner, now.steady + options_.lags.imds_change);
  }
  add_blocks(*eni, *blocks, now);
  update_imds(*eni, now.steady + options_.lags.imds_change);
  return aws::Added{blocks->addresses, blocks->prefixes};
}

Result<> Model::unassign(const net::EniId& id, const std::vector<net::Ip>& addresses,
                         const std::vector<net::Cidr>& prefixes, base::Instant now) {
  advance(now);
  VPCCNI_TRY(auto* eni, get_eni(id));
  if (addresses.empty() && prefixes.empty()) {
    return refusal("MissingParameter",
                   "The request must contain the parameter privateIpAddress or ipv4Prefix");
  }
  std::vector<net::Ip> owned;
  for (const auto& address : eni->addresses) {
    owned.push_back(address.ip);
  }
  if (!contains_each(owned, addresses) || !contains_each(eni->prefixes, prefixes)) {
    return not_on(id);
  }
  if (contains(addresses, eni->primary())) {
    return refusal("InvalidParameterValue", "The primary address " + to_string(eni->primary()) +
                                                " of an interface cannot be unassigned.");
  }
  std::erase_if(eni->addresses, [&](const auto& a) { return contains(addresses, a.ip); });
  std::erase_if(eni->prefixes, [&](const auto& prefix) { return contains(prefixes, prefix); });
  for (const auto& ip : addresses) {
    give_back(*eni, net::Cidr::host(ip), now);
  }
  for (const auto& prefix : prefixes) {
    give_back(*eni, prefix, now);
  }
  update_imds(*eni, now.steady + options_.lags.imds_change);
  return {};
}

Result<aws::Added> Model::assign_ipv6(const net::EniId& id, int addresses, int prefixes,
                                      base::Instant now) {
  advance(now);
  VPCCNI_TRY(auto* eni, get_eni(id));
  Subnet& subnet = subnets_.at(eni->subnet);
  if (!subnet.ipv6) {
    return refusal("InvalidParameterValue",
                   "The subnet '" + to_string(subnet.id) + "' has no IPv6 CIDR block");
  }
  if (addresses < 0 || prefixes < 0 || (addresses == 0 && prefixes == 0)) {
    return refusal("MissingParameter", "A count of IPv6 addresses or prefixes must be given");
  }
  const int room =
      slot_limit(*eni) - static_cast<int>(eni->ipv6_addresses.size() + eni->ipv6_prefixes.size());
  if (addresses > room || prefixes > room || addresses + prefixes > room) {
    return over_limit();
  }
  take_ipv6(subnet, *eni, addresses, prefixes, now);
  update_imds(*eni, now.steady + options_.lags.imds_change);
  return aws::Added{{eni->ipv6_addresses.end() - addresses, eni->ipv6_addresses.end()},
                    {eni->ipv6_prefixes.end() - prefixes, eni->ipv6_prefixes.end()}};
}

Result<> Model::unassign_ipv6(const net::EniId& id, const std::vector<net::Ip>& addresses,
                              const std::vector<net::Cidr>& prefixes, base::Instant now) {
  advance(now);
  VPCCNI_TRY(auto* eni, get_eni(id));
  if (!contains_each(eni->ipv6_addresses, addresses) ||
      !contains_each(eni->ipv6_prefixes, prefixes)) {
    return not_on(id);
  }
  std::erase_if(eni->ipv6_addresses, [&](const auto& ip) { return contains(addresses, ip); });
  std::erase_if(eni->ipv6_prefixes, [&](const auto& p) { return contains(prefixes, p); });
  for (const auto& ip : addresses) {
    give_back(*eni, net::Cidr::host(ip), now);
  }
  for (const auto& prefix : prefixes) {
    give_back(*eni, prefix, now);
  }
  update_imds(*eni, now.steady + options_.lags.imds_change);
  return {};
}

}  // namespace vpccni::vpc
