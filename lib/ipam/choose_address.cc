#include "ipam/choose_address.h"

#include <tuple>

#include "ipam/data_store.h"

namespace vpccni::ipam {

namespace {

/// Larger blocks are not walked: in an IPv6 prefix there is always an address never used.
constexpr std::uint64_t kWalked = 16;

/// Smaller is better.
struct Rank {
  bool recent = false;  // released less than kFullyCooled ago
  int emptiness = 0;    // of the prefix; 0 for single addresses
  base::WallTime released{};
  bool secondary = false;
  int device = 0;
  net::Ip address;

  friend bool operator<(const Rank& a, const Rank& b) {
    // Recent ones by age alone: a prefix that fills up is not worth a client at the wrong pod.
    const auto key = [](const Rank& r) {
      return std::tuple(r.recent, r.recent ? r.released : base::WallTime{}, r.emptiness,
                        r.secondary, r.device, r.released, r.address);
    };
    return key(a) < key(b);
  }
};

class Choice {
 public:
  Choice(const DataStore& store, base::WallTime now) : store_(store), now_(now) {}

  void walk(const EniEntry& eni, const Block& block) {
    const int emptiness = block.prefix ? -block.assigned() : 0;
    for (std::uint64_t i = 0; i < block.cidr.size(); ++i) {
      const net::Ip address = block.cidr.at(i);
      const auto record = block.addresses.find(address);
      offer(eni, emptiness, address, record == block.addresses.end() ? nullptr : &record->second);
    }
  }

  /// The known addresses, and the lowest one without a record.
  void walk_known(const EniEntry& eni, const Block& block) {
    net::Ip unused = block.cidr.base();
    for (const auto& [address, record] : block.addresses) {
      unused = address == unused ? unused.plus(1) : unused;
      const bool again = !record.key && now_ - record.released >= kFullyCooled;
      if (again) {  // before a new one, so that the records stay few
        offer(eni, -1, address, &record);
      }
    }
    if (block.cidr.contains(unused)) {
      offer(eni, 0, unused, nullptr);
    }
  }

  std::optional<net::Ip> best() const {
    return best_ ? std::optional(best_->address) : std::nullopt;
  }

 private:
  void offer(const EniEntry& eni, int emptiness, const net::Ip& address,
             const AddressRecord* record) {
    const auto cooldown = store_.options().cooldown;
    if (store_.quarantined().contains(address) ||
        (record != nullptr && (record->key || is_cooling(*record, now_, cooldown)))) {
      return;
    }
    const base::WallTime released = record != nullptr ? record->released : base::WallTime{};
    const Rank rank{released != base::WallTime{} && now_ - released < kFullyCooled,
                    emptiness,
                    released,
                    !eni.primary,
                    eni.device.value(),
                    address};
    if (!best_ || rank < *best_) {
      best_ = rank;
    }
  }

  const DataStore& store_;
  base::WallTime now_;
  std::optional<Rank> best_;
};

}  // namespace

std::optional<net::Ip> choose_address(const DataStore& store, base::WallTime now) {
  Choice choice(store, now);
  for (const auto& [id, eni] : store.enis()) {
    for (const auto& [cidr, block] : eni.blocks) {
      if (!eni.for_pods || !store.eligible(block) || !block.confirmed) {
        continue;
      }
      if (cidr.size() <= kWalked) {
        choice.walk(eni, block);
      } else {
        choice.walk_known(eni, block);
      }
    }
  }
  return choice.best();
}

}  // namespace vpccni::ipam
