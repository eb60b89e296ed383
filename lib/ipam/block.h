#pragma once
// What the data store holds: an ENI, the blocks assigned to it, and the addresses of a block that
// pods have or had. Values.

#include <map>
#include <optional>

#include "base/clock.h"
#include "ipam/lease.h"

namespace vpccni::ipam {

/// One address that has been handed out at least once.
struct AddressRecord {
  std::optional<PodKey> key;  // nullopt = free
  PodInfo pod;
  base::WallTime assigned{};
  base::WallTime released{};  // zero = never released; a wall time, so that it outlives a restart
};

/// Released no longer than `cooldown` ago.
bool is_cooling(const AddressRecord& record, base::WallTime now, base::Duration cooldown);

struct Block {
  net::Cidr cidr;  // /32, a /28 prefix, or a /80 one of IPv6
  bool prefix = false;
  /// EC2 lists it, or gave it to us a moment ago. What only IMDS or an older run names is kept, and
  /// nothing is given out of it.
  bool confirmed = true;
  base::Instant added{};
  std::map<net::Ip, AddressRecord> addresses;

  int assigned() const;
  bool cooling(base::WallTime now, base::Duration cooldown) const;
};

struct EniFacts {
  net::EniId id;
  bool primary = false;
  bool trunk = false;
  bool efa = false;
  net::DeviceIndex device;
  net::TableId table = net::kMainTable;
  net::Ip primary_ip;  // never given to a pod
  /// False: its addresses are kept for the pods that have them, and no others get any; it gets no
  /// more of them either (the primary ENI with custom networking).
  bool for_pods = true;
  bool set_up = true;  // in the kernel; false: only IMDS named it, nothing was touched
};

struct EniEntry : EniFacts {
  base::Instant added{};
  std::map<net::Cidr, Block> blocks;

  int assigned() const;
  bool cooling(base::WallTime now, base::Duration cooldown) const;
};

}  // namespace vpccni::ipam
