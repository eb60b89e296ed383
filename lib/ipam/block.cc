#include "ipam/block.h"

#include <algorithm>

namespace vpccni::ipam {

bool is_cooling(const AddressRecord& record, base::WallTime now, base::Duration cooldown) {
  return !record.key && record.released != base::WallTime{} && now - record.released <= cooldown;
}

int Block::assigned() const {
  return static_cast<int>(std::count_if(addresses.begin(), addresses.end(),
                                        [](const auto& entry) { return entry.second.key; }));
}

bool Block::cooling(base::WallTime now, base::Duration cooldown) const {
  return std::any_of(addresses.begin(), addresses.end(),
                     [&](const auto& entry) { return is_cooling(entry.second, now, cooldown); });
}

int EniEntry::assigned() const {
  int sum = 0;
  for (const auto& [cidr, block] : blocks) {
    sum += block.assigned();
  }
  return sum;
}

bool EniEntry::cooling(base::WallTime now, base::Duration cooldown) const {
  return std::any_of(blocks.begin(), blocks.end(),
                     [&](const auto& entry) { return entry.second.cooling(now, cooldown); });
}

}  // namespace vpccni::ipam
