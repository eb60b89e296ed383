// What IMDS shows of the model, and the model's own invariants (spec aws.md 6.10, 6.11).

#include <algorithm>

#include "tests/vpc/model.h"

namespace vpccni::vpc {

namespace {

std::vector<net::Ip> ips_of(const Eni& eni) {
  std::vector<net::Ip> ips;
  for (const auto& address : eni.addresses) {
    ips.push_back(address.ip);
  }
  return ips;
}

constexpr std::size_t kRemembered = 64;  // entries of one instance, gone ones included

template <class T>
void hide(std::vector<T>& values, const std::set<std::string>& hidden) {
  if (!hidden.empty()) {
    std::erase_if(values, [&](const T& value) { return hidden.contains(to_string(value)); });
  }
}

Error broken(const std::string& what) {
  return {Errc::corrupt, "VPC model: " + what};
}

}  // namespace

void Model::list_in_imds(const Eni& eni, base::SteadyTime mac, base::SteadyTime rest) {
  ImdsEntry entry;
  entry.id = eni.id;
  entry.mac = eni.mac;
  entry.device = eni.attachment->device;
  entry.card = eni.attachment->card;
  entry.subnet = eni.subnet;
  entry.present.set(true, mac);
  entry.groups.set(eni.groups, mac);
  entry.addresses.set({eni.primary()}, mac);
  auto& entries = imds_[eni.attachment->instance];
  if (entries.size() > kRemembered) {
    std::erase_if(entries,
                  [](const auto& e) { return !e.second.present.at(base::SteadyTime::max()); });
  }
  entries[eni.mac] = std::move(entry);
  update_imds(eni, rest);
}

void Model::update_imds(const Eni& eni, base::SteadyTime visible) {
  if (!eni.attachment) {
    return;
  }
  auto& entries = imds_[eni.attachment->instance];
  const auto it = entries.find(eni.mac);
  if (it == entries.end()) {
    return;
  }
  it->second.addresses.set(ips_of(eni), visible);
  it->second.prefixes.set(eni.prefixes, visible);
  it->second.ipv6_addresses.set(eni.ipv6_addresses, visible);
  it->second.ipv6_prefixes.set(eni.ipv6_prefixes, visible);
  it->second.groups.set(eni.groups, visible);
}

std::vector<ImdsEni> Model::imds_enis(const net::InstanceId& instance, base::Instant now) const {
  static const ImdsFaults kNone;
  const auto fault = imds_faults_.find(instance);
  const ImdsFaults& faults = fault == imds_faults_.end() ? kNone : fault->second;
  const auto time = faults.frozen ? std::min(*faults.frozen, now.steady) : now.steady;
  std::vector<ImdsEni> shown;
  const auto entries = imds_.find(instance);
  if (entries == imds_.end()) {
    return shown;
  }
  for (const auto& [mac, entry] : entries->second) {
    const bool present = entry.present.at(time);
    const bool was = entry.present.was(time, true);
    if (faults.hidden.contains(to_string(entry.id)) || faults.hidden.contains(to_string(mac)) ||
        (!present && (!was || faults.after_detach == ImdsFaults::Gone::vanish))) {
      continue;
    }
    ImdsEni one{entry.id,
                mac,
                entry.device,
                entry.card,
                entry.subnet,
                entry.addresses.at(time),
                entry.prefixes.at(time),
                entry.ipv6_addresses.at(time),
                entry.ipv6_prefixes.at(time),
                entry.groups.at(time)};
    if (!present && faults.after_detach == ImdsFaults::Gone::half) {
      one.device.reset();
    }
    hide(one.addresses, faults.hidden);
    hide(one.prefixes, faults.hidden);
    hide(one.ipv6_prefixes, faults.hidden);
    shown.push_back(std::move(one));
  }
  std::stable_sort(shown.begin(), shown.end(), [](const ImdsEni& a, const ImdsEni& b) {
    return std::tuple(a.card, a.device) < std::tuple(b.card, b.device);
  });
  return shown;
}

std::vector<net::Cidr> Model::imds_vpc_cidrs(const net::InstanceId& instance,
                                             base::Instant now) const {
  const auto* found = find_instance(instance);
  const auto it = found == nullptr ? vpc_cidrs_.end() : vpc_cidrs_.find(found->vpc);
  return it == vpc_cidrs_.end() ? std::vector<net::Cidr>() : it->second.at(now.steady);
}

Result<> Model::check() const {
  std::map<net::SubnetId, std::set<net::Ip>> owned;
  std::set<std::tuple<net::InstanceId, net::NetworkCard, net::DeviceIndex>> slots;
  std::map<std::pair<net::InstanceId, net::NetworkCard>, int> on_card;
  for (const auto& [id, eni] : enis_) {
    std::vector<net::Ip> all = ips_of(eni);
    for (const auto& prefix : eni.prefixes) {
      for (std::uint64_t i = 0; i < prefix.size(); ++i) {
        all.push_back(prefix.at(i));
      }
    }
    const Subnet& subnet = subnets_.at(eni.subnet);
    for (const auto& ip : all) {
      if (!owned[eni.subnet].insert(ip).second) {
        return broken(to_string(ip) + " has two owners");
      }
      if (!subnet.cidr.contains(ip) || subnet.space.is_free(ip)) {
        return broken(to_string(ip) + " of " + to_string(id) + " is free or outside its subnet");
      }
    }
    if (all.empty() || !eni.addresses.front().primary) {
      return broken(to_string(id) + " has no primary address");
    }
    if (!eni.attachment) {
      continue;
    }
    const auto& where = *eni.attachment;
    if (!slots.insert({where.instance, where.card, where.device}).second) {
      return broken("two ENIs at one device index of " + to_string(where.instance));
    }
    const auto& limits = *find_limits(instances_.at(where.instance).type);
    ++on_card[{where.instance, where.card}];
    if (eni.slots() > limits.ipv4_per_eni) {
      return broken(to_string(id) + " holds more than its type allows");
    }
    const auto card = std::find_if(limits.cards.begin(), limits.cards.end(),
                                   [&](const auto& limit) { return limit.card == where.card; });
    if (card == limits.cards.end() || on_card[{where.instance, where.card}] > card->enis) {
      return broken(to_string(where.instance) + " has more ENIs than its type allows");
    }
  }
  for (const auto& [id, subnet] : subnets_) {
    const auto it = owned.find(id);
    const auto held = it == owned.end() ? 0 : it->second.size();
    if (static_cast<std::uint64_t>(subnet.available_addresses) + held + 5 != subnet.cidr.size()) {
      return broken(to_string(id) + " counts its addresses wrongly");
    }
  }
  return {};
}

}  // namespace vpccni::vpc
