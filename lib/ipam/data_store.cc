#include "ipam/data_store.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "ipam/choose_address.h"

namespace vpccni::ipam {

namespace {

/// The lengths that a block can have; of a family's address, the single address first.
std::array<int, 2> block_lengths(const net::Ip& address) {
  return address.is_v4() ? std::array{32, 28} : std::array{128, 80};
}

}  // namespace

Result<> DataStore::add_eni(const EniFacts& facts, base::Instant now) {
  if (enis_.contains(facts.id)) {
    return Error{Errc::already_exists, "data store: duplicate ENI"};
  }
  EniEntry entry;
  static_cast<EniFacts&>(entry) = facts;
  entry.added = now;
  enis_.emplace(facts.id, std::move(entry));
  return {};
}

void DataStore::update_eni(const EniFacts& facts) {
  if (const auto known = enis_.find(facts.id); known != enis_.end()) {
    static_cast<EniFacts&>(known->second) = facts;
  }
}

Result<> DataStore::remove_eni(const net::EniId& id) {
  const auto it = enis_.find(id);
  if (it == enis_.end()) {
    return Error{Errc::not_found, "datastore: unknown ENI"};
  }
  if (it->second.assigned() > 0) {
    return Error{Errc::conflict, "datastore: ENI is used and can not be deleted"};
  }
  for (const auto& [cidr, block] : it->second.blocks) {
    owners_.erase(cidr);
  }
  enis_.erase(it);
  return {};
}

bool DataStore::eligible(const Block& block) const {
  return block.cidr.family() == options_.family &&
         (block.prefix == options_.prefixes || options_.both_kinds);
}

Result<> DataStore::add_block(const net::EniId& id, const net::Cidr& cidr, base::Instant now,
                              bool confirmed) {
  const auto it = enis_.find(id);
  if (it == enis_.end()) {
    return Error{Errc::not_found, "add ENI's IP to datastore: unknown ENI"};
  }
  auto& blocks = it->second.blocks;
  if (blocks.contains(cidr)) {
    return Error{Errc::already_exists, "datastore: IP already in data store"};
  }
  if (const auto around = owners_.find({cidr.base(), block_lengths(cidr.base())[1]});
      around != owners_.end() && around->first != cidr) {
    const Block& prefix = enis_.at(around->second).blocks.at(around->first);
    if (prefix.confirmed || !confirmed) {
      return Error{Errc::already_exists, "datastore: IP already in data store"};
    }
    quarantine(net::EniId(around->second), net::Cidr(around->first));
  }
  Block& block = blocks[cidr];
  absorb(cidr, block);
  for (auto& [other, eni] : enis_) {  // EC2 has moved it: never on two ENIs, and its pod goes along
    if (other != id) {
      if (const auto moved = eni.blocks.extract(cidr); !moved.empty()) {
        block = moved.mapped();
      }
    }
  }
  owners_[cidr] = id;
  block.cidr = cidr;
  block.prefix = !cidr.is_host();
  block.confirmed = confirmed;
  block.added = now;
  for (const auto& [address, released] : recent_) {
    if (cidr.contains(address) && !block.addresses[address].key) {
      block.addresses[address].released = released;
    }
  }
  for (auto held = quarantined_.begin(); held != quarantined_.end();) {
    if (!cidr.contains(held->first)) {
      ++held;
      continue;
    }
    const Assignment& known = held->second;
    block.addresses[held->first] = {known.key, known.pod, known.since, {}};
    held = quarantined_.erase(held);
  }
  return {};
}

/// EC2 never assigns an address twice: single ones inside a new prefix are from an older list.
void DataStore::absorb(const net::Cidr& prefix, Block& into) {
  std::vector<std::pair<net::Cidr, net::EniId>> inside;
  for (auto it = owners_.lower_bound(prefix);
       it != owners_.end() && prefix.contains(it->first.base()); ++it) {
    if (it->first != prefix && prefix.contains(it->first)) {
      inside.emplace_back(it->first, it->second);
    }
  }
  for (const auto& [cidr, id] : inside) {
    EniEntry& eni = enis_.at(id);
    const auto block = eni.blocks.find(cidr);
    into.addresses.merge(block->second.addresses);
    forget_block(eni, block);
  }
}

Result<> DataStore::remove_block(const net::EniId& id, const net::Cidr& cidr) {
  const auto it = enis_.find(id);
  if (it == enis_.end()) {
    return Error{Errc::not_found, "datastore: unknown ENI"};
  }
  const auto block = it->second.blocks.find(cidr);
  if (block == it->second.blocks.end()) {
    return Error{Errc::not_found, "datastore: unknown IP"};
  }
  if (block->second.assigned() > 0) {
    return Error{Errc::conflict, "datastore: IP is used and can not be deleted"};
  }
  forget_block(it->second, block);
  return {};
}

void DataStore::forget_block(EniEntry& eni, std::map<net::Cidr, Block>::iterator block) {
  owners_.erase(block->first);
  eni.blocks.erase(block);
}

void DataStore::set_confirmed(const net::EniId& id, const net::Cidr& cidr, bool confirmed) {
  if (const auto eni = enis_.find(id); eni != enis_.end()) {
    if (const auto block = eni->second.blocks.find(cidr); block != eni->second.blocks.end()) {
      block->second.confirmed = confirmed;
    }
  }
}

bool DataStore::covers(const net::Ip& address) const {
  return seen_at(address).block != nullptr;
}

bool DataStore::is_confirmed(const net::Ip& address) const {
  const Seen place = seen_at(address);
  return place.block != nullptr && place.block->confirmed;
}

DataStore::Seen DataStore::seen_at(const net::Ip& address) const {
  for (const int length : block_lengths(address)) {
    if (const auto owner = owners_.find({address, length}); owner != owners_.end()) {
      const EniEntry& eni = enis_.at(owner->second);
      return {&eni, &eni.blocks.at(owner->first)};
    }
  }
  return {};
}

DataStore::Place DataStore::place_of(const net::Ip& address) {
  const Seen seen = seen_at(address);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): this store, which is not const here
  return {const_cast<EniEntry*>(seen.eni), const_cast<Block*>(seen.block)};
}

Lease DataStore::lease_of(const EniEntry& eni, const net::Ip& address, const PodInfo& pod) const {
  return {address, eni.id, eni.device, eni.table, std::max(pod.interfaces, 1)};
}

std::optional<Lease> DataStore::find(const PodKey& key) const {
  const auto it = by_key_.find(key);
  if (it == by_key_.end()) {
    return std::nullopt;
  }
  const Seen place = seen_at(it->second);
  if (place.eni == nullptr) {
    return Lease{it->second, {}, {}, net::kMainTable, 1};  // quarantined
  }
  return lease_of(*place.eni, it->second, place.block->addresses.at(it->second).pod);
}

Result<Change> DataStore::assign(const PodKey& key, const PodInfo& pod, base::Instant now) {
  const auto address = choose_address(*this, now.wall);
  if (!address) {
    return Error{Errc::exhausted, "AssignPodIPAddress: no available IP/Prefix addresses"};
  }
  const Place place = place_of(*address);
  AddressRecord& record = place.block->addresses[*address];
  AddressRecord before = std::exchange(record, {key, pod, now.wall, {}});
  by_key_[key] = *address;
  return Change{lease_of(*place.eni, *address, pod), std::move(before)};
}

Result<Change> DataStore::release(const PodKey& key, base::Instant now) {
  const auto it = by_key_.find(key);
  if (it == by_key_.end()) {
    return Error{Errc::not_found, "datastore: unknown pod"};
  }
  const net::Ip address = it->second;
  by_key_.erase(it);
  std::erase_if(recent_,
                [&](const auto& one) { return now.wall - one.second > options_.cooldown; });
  recent_[address] = now.wall;
  if (const auto kept = quarantined_.find(address); kept != quarantined_.end()) {
    const Assignment& known = kept->second;
    Change change{{address, {}, {}, net::kMainTable, 1}, {known.key, known.pod, known.since, {}}};
    quarantined_.erase(kept);
    return change;
  }
  const Place place = place_of(address);
  AddressRecord& record = place.block->addresses.at(address);
  Change change{lease_of(*place.eni, address, record.pod), record};
  record.key.reset();
  record.pod = {};
  record.released = now.wall;
  return change;
}

bool DataStore::held(const net::Ip& address) const {
  return std::any_of(by_key_.begin(), by_key_.end(),
                     [&](const auto& one) { return one.second == address; });
}

void DataStore::undo_assign(const Change& change) {
  const Place place = place_of(change.lease.address);
  if (place.block == nullptr) {
    return;
  }
  AddressRecord& record = place.block->addresses[change.lease.address];
  if (record.key) {
    by_key_.erase(*record.key);
  }
  record = change.before;
}

void DataStore::undo_release(const Change& change) {
  const AddressRecord& before = change.before;
  const net::Ip& address = change.lease.address;
  if (!before.key) {
    return;
  }
  by_key_[*before.key] = address;
  const Place place = place_of(address);
  if (place.block == nullptr) {
    quarantined_[address] = {*before.key, before.pod, address, before.assigned};
    return;
  }
  place.block->addresses[address] = before;
}

Result<bool> DataStore::restore(const Assignment& assignment) {
  if (by_key_.contains(assignment.key)) {
    return Error{Errc::already_exists,
                 "key already holds " + to_string(by_key_.at(assignment.key))};
  }
  if (held(assignment.address)) {
    return Error{Errc::conflict, to_string(assignment.address) + " is held by another pod"};
  }
  by_key_[assignment.key] = assignment.address;
  const Place place = place_of(assignment.address);
  if (place.block == nullptr) {
    quarantined_[assignment.address] = assignment;
    return false;
  }
  place.block->addresses[assignment.address] = {
      assignment.key, assignment.pod, assignment.since, {}};
  return true;
}

void DataStore::restore_cooling(const net::Ip& address, base::WallTime released) {
  recent_[address] = released;
  const Place place = place_of(address);
  if (place.block == nullptr) {
    return;
  }
  AddressRecord& record = place.block->addresses[address];
  if (!record.key) {
    record.released = released;
  }
}

void DataStore::quarantine(const net::EniId& id, const net::Cidr& cidr) {
  const auto eni = enis_.find(id);
  if (eni == enis_.end()) {
    return;
  }
  const auto block = eni->second.blocks.find(cidr);
  if (block == eni->second.blocks.end()) {
    return;
  }
  for (const auto& [address, record] : block->second.addresses) {
    if (record.key) {
      quarantined_[address] = {*record.key, record.pod, address, record.assigned};
    }
  }
  forget_block(eni->second, block);
}

Stats DataStore::stats(base::WallTime now) const {
  Stats stats;
  stats.quarantined = static_cast<int>(quarantined_.size());
  for (const auto& [id, eni] : enis_) {
    for (const auto& [cidr, block] : eni.blocks) {
      if (!eligible(block) || !eni.for_pods) {
        continue;
      }
      const auto size = static_cast<std::int64_t>(cidr.size());
      std::int64_t assigned = 0;
      std::int64_t cooling = 0;
      std::int64_t fresh = 0;  // released a moment ago, whatever the cooldown
      for (const auto& [address, record] : block.addresses) {
        fresh += is_cooling(record, now, kFullyCooled) ? 1 : 0;
        assigned += record.key ? 1 : 0;
        cooling += is_cooling(record, now, options_.cooldown) ? 1 : 0;
      }
      stats.total += size;
      stats.assigned += assigned;
      stats.cooling += cooling;
      stats.resting += std::max<std::int64_t>(fresh - cooling, 0);
      stats.unconfirmed += block.confirmed ? 0 : size - assigned - cooling;
      stats.prefixes += block.prefix ? 1 : 0;
      stats.free_prefixes += block.prefix && assigned == 0 ? 1 : 0;
    }
  }
  return stats;
}

std::vector<Assignment> DataStore::assignments() const {
  std::vector<Assignment> all;
  for (const auto& [id, eni] : enis_) {
    for (const auto& [cidr, block] : eni.blocks) {
      for (const auto& [address, record] : block.addresses) {
        if (record.key) {
          all.push_back({*record.key, record.pod, address, record.assigned});
        }
      }
    }
  }
  for (const auto& [address, assignment] : quarantined_) {
    all.push_back(assignment);
  }
  return all;
}

std::vector<std::pair<net::Ip, base::WallTime>> DataStore::cooling(base::WallTime now) const {
  std::vector<std::pair<net::Ip, base::WallTime>> all;
  std::copy_if(recent_.begin(), recent_.end(), std::back_inserter(all),
               [&](const auto& one) { return now - one.second <= options_.cooldown; });
  return all;
}

std::optional<base::WallTime> DataStore::next_ready(base::WallTime now) const {
  std::optional<base::WallTime> first;
  for (const auto& [address, released] : cooling(now)) {
    const auto ready = released + options_.cooldown;
    first = first ? std::min(*first, ready) : ready;
  }
  return first;
}

}  // namespace vpccni::ipam
