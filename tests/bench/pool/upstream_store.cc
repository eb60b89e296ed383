#include "tests/bench/pool/upstream_store.h"

#include <algorithm>

namespace vpccni::pool {

namespace {

constexpr auto kMinimumEniAge = std::chrono::seconds(60);
constexpr int kPrefixSize = 16;

int round16(int addresses) {
  return (addresses + kPrefixSize - 1) / kPrefixSize * kPrefixSize;
}

}  // namespace

int UpstreamStore::Block::assigned() const {
  return static_cast<int>(std::count_if(records.begin(), records.end(),
                                        [](const auto& one) { return one.second.pod; }));
}

int UpstreamStore::Eni::assigned() const {
  int sum = 0;
  for (const auto& [cidr, block] : blocks) {
    sum += block.assigned();
  }
  return sum;
}

template <class Map>
std::vector<typename Map::key_type> UpstreamStore::any_order(const Map& map) {
  std::vector<typename Map::key_type> keys;
  for (const auto& [key, value] : map) {
    keys.push_back(key);
  }
  for (std::size_t i = keys.size(); i > 1; --i) {
    std::swap(keys[i - 1], keys[random_.next() % i]);
  }
  return keys;
}

void UpstreamStore::add_eni(const net::EniId& id, bool primary, const net::Ip& primary_ip,
                            base::SteadyTime now) {
  enis_.try_emplace(id, Eni{primary, primary_ip, now, {}});
}

void UpstreamStore::add_block(const net::EniId& id, const net::Cidr& cidr) {
  enis_.at(id).blocks.try_emplace(cidr, Block{!cidr.is_host(), {}});
}

bool UpstreamStore::remove_block(const net::EniId& id, const net::Cidr& cidr) {
  auto& blocks = enis_.at(id).blocks;
  if (blocks.at(cidr).assigned() > 0) {
    return false;
  }
  blocks.erase(cidr);
  return true;
}

int UpstreamStore::force_remove_block(const net::EniId& id, const net::Cidr& cidr) {
  auto& blocks = enis_.at(id).blocks;
  const int lost = blocks.at(cidr).assigned();
  blocks.erase(cidr);
  return lost;
}

int UpstreamStore::force_remove_eni(const net::EniId& id) {
  const int lost = enis_.at(id).assigned();
  enis_.erase(id);
  return lost;
}

bool UpstreamStore::is_cooling(const Record& record, base::SteadyTime now) const {
  return !record.pod && now - record.freed <= cooldown_;
}

std::optional<net::Ip> UpstreamStore::free_in(const net::Cidr& cidr, Block& block,
                                              base::SteadyTime now) {
  std::optional<net::Ip> candidate;
  for (const auto& ip : any_order(block.records)) {
    const Record& record = block.records.at(ip);
    if (!record.pod && !is_cooling(record, now)) {
      candidate = candidate ? candidate : ip;
      block.records.erase(ip);
    }
  }
  for (std::uint64_t i = 0; !candidate && i < cidr.size(); ++i) {
    if (!block.records.contains(cidr.at(i))) {
      candidate = cidr.at(i);
    }
  }
  return candidate;
}

std::optional<net::Ip> UpstreamStore::assign(int pod, base::SteadyTime now) {
  for (const auto& [id, eni] : enis_) {
    for (const auto& [cidr, block] : eni.blocks) {
      for (const auto& [ip, record] : block.records) {
        if (record.pod == pod) {
          return ip;
        }
      }
    }
  }
  for (const auto& id : any_order(enis_)) {
    auto& blocks = enis_.at(id).blocks;
    for (const auto& cidr : any_order(blocks)) {
      Block& block = blocks.at(cidr);
      if (block.prefix != prefixes_) {
        continue;
      }
      if (const auto ip = free_in(cidr, block, now)) {
        block.records[*ip] = {pod, {}};
        return ip;
      }
    }
  }
  return std::nullopt;
}

void UpstreamStore::unassign(int pod, base::SteadyTime now) {
  for (auto& [id, eni] : enis_) {
    for (auto& [cidr, block] : eni.blocks) {
      for (auto& [ip, record] : block.records) {
        if (record.pod == pod) {
          record = {std::nullopt, now};
          return;
        }
      }
    }
  }
}

UpstreamCounts UpstreamStore::counts() const {
  UpstreamCounts counts;
  for (const auto& [id, eni] : enis_) {
    for (const auto& [cidr, block] : eni.blocks) {
      const int assigned = block.assigned();
      counts.prefixes += block.prefix ? 1 : 0;
      counts.free_prefixes += block.prefix && assigned == 0 ? 1 : 0;
      if (block.prefix == prefixes_) {
        counts.total += static_cast<int>(cidr.size());
        counts.assigned += assigned;
      }
    }
  }
  return counts;
}

int UpstreamStore::cooling(base::SteadyTime now) const {
  int sum = 0;
  for (const auto& [id, eni] : enis_) {
    for (const auto& [cidr, block] : eni.blocks) {
      for (const auto& [ip, record] : block.records) {
        sum += is_cooling(record, now) ? 1 : 0;
      }
    }
  }
  return sum;
}

std::vector<net::EniId> UpstreamStore::enis_in_any_order() {
  return any_order(enis_);
}

std::vector<net::Cidr> UpstreamStore::freeable(const net::EniId& id) {
  auto cidrs = any_order(enis_.at(id).blocks);
  std::erase_if(cidrs,
                [&](const auto& cidr) { return enis_.at(id).blocks.at(cidr).assigned() > 0; });
  return cidrs;
}

bool UpstreamStore::freeable_eni() const {
  return std::any_of(enis_.begin(), enis_.end(), [](const auto& one) {
    return !one.second.primary && one.second.assigned() == 0;
  });
}

bool UpstreamStore::removable(const Eni& eni, const UpstreamTargets& targets,
                              base::SteadyTime now) const {
  if (eni.primary || now - eni.added < kMinimumEniAge || eni.assigned() > 0) {
    return false;
  }
  for (const auto& [cidr, block] : eni.blocks) {
    for (const auto& [ip, record] : block.records) {
      if (is_cooling(record, now)) {
        return false;
      }
    }
  }
  int free = 0;
  int total = 0;
  int unused = 0;
  for (const auto& [id, other] : enis_) {
    for (const auto& [cidr, block] : other.blocks) {
      if (&other == &eni) {
        continue;
      }
      const int assigned = block.assigned();
      unused += assigned == 0 ? 1 : 0;
      if (block.prefix == prefixes_) {
        total += static_cast<int>(cidr.size());
        free += static_cast<int>(cidr.size()) - assigned;
      }
    }
  }
  const int warm = targets.prefixes ? round16(targets.warm_ips) : targets.warm_ips;
  const int minimum = targets.prefixes ? round16(targets.minimum_ips) : targets.minimum_ips;
  return (targets.warm_ips == 0 || free >= warm) &&
         (targets.minimum_ips == 0 || total >= minimum) &&
         (!targets.prefixes || targets.warm_prefixes == 0 || unused >= targets.warm_prefixes);
}

std::optional<net::EniId> UpstreamStore::remove_unused_eni(const UpstreamTargets& targets,
                                                           base::SteadyTime now) {
  for (const auto& id : any_order(enis_)) {
    if (removable(enis_.at(id), targets, now)) {
      enis_.erase(id);
      return id;
    }
  }
  return std::nullopt;
}

}  // namespace vpccni::pool
