#pragma once
// The agent's truth for one network card: ENIs, the blocks assigned to them, and which pod holds
// which address. Pure state: no clock, no I/O. Not thread-safe; the core owns it.
//
// The invariant of the whole agent is kept here: a block or ENI on which an address is assigned
// cannot be removed. Only quarantine() takes an assignment out of a block, and it keeps it.
// An address that a live pod is known to hold but that no known block covers is *quarantined*:
// remembered, written to the checkpoint, and adopted as soon as its block appears.

#include <map>
#include <optional>
#include <vector>

#include "base/result.h"
#include "ipam/block.h"
#include "ipam/lease.h"

namespace vpccni::ipam {

/// Counts over all ENIs that are for pods; blocks of the kind not in use (after a mode switch) are
/// left out.
struct Stats {
  std::int64_t total = 0;
  std::int64_t assigned = 0;
  std::int64_t cooling = 0;
  std::int64_t resting = 0;      // cooled, but for less than kFullyCooled
  std::int64_t unconfirmed = 0;  // free, but in blocks that are not confirmed
  int quarantined = 0;
  int prefixes = 0;
  int free_prefixes = 0;  // no address of them is held by a pod
  /// As upstream counts: cooling ones included.
  std::int64_t available() const { return total - assigned; }
  /// Ready to be given to a pod now.
  std::int64_t ready() const { return total - assigned - cooling - unconfirmed; }
};

/// What assign() or release() did: the answer, and the address as it was before, for undo.
struct Change {
  Lease lease;
  AddressRecord before;
};

class DataStore {
 public:
  struct Options {
    net::NetworkCard card;
    bool prefixes = false;  // blocks to give out of: prefixes, else single addresses
    base::Duration cooldown = std::chrono::seconds(30);
    net::Family family = net::Family::v4;
    bool both_kinds = false;  // single addresses stand in where the subnet has no prefix
  };
  explicit DataStore(Options options) : options_(options) {}

  /// Errors: already_exists "data store: duplicate ENI".
  Result<> add_eni(const EniFacts& facts, base::Instant now);
  /// New facts of a known ENI: it has been set up meanwhile.
  void update_eni(const EniFacts& facts);
  /// Errors: not_found; conflict when a pod has an address there.
  Result<> remove_eni(const net::EniId& id);
  /// Adds a block and adopts quarantined addresses that it covers.
  Result<> add_block(const net::EniId& id, const net::Cidr& cidr, base::Instant now,
                     bool confirmed = true);
  /// False keeps the block and its pods, and stops giving out of it. No effect on unknown blocks.
  void set_confirmed(const net::EniId& id, const net::Cidr& cidr, bool confirmed);
  /// Errors: not_found; conflict when a pod has an address there.
  Result<> remove_block(const net::EniId& id, const net::Cidr& cidr);

  bool covers(const net::Ip& address) const;  // some block does
  /// False also for an address that is on no block.
  bool is_confirmed(const net::Ip& address) const;
  /// The lease of this key, if it has one.
  std::optional<Lease> find(const PodKey& key) const;
  /// A free address past its cooldown. Errors: exhausted. REQUIRES !find(key).
  Result<Change> assign(const PodKey& key, const PodInfo& pod, base::Instant now);
  /// Errors: not_found "datastore: unknown pod" (the plugin searches for that text). Frees
  /// quarantined addresses too; their lease then has an empty ENI and the main table.
  Result<Change> release(const PodKey& key, base::Instant now);

  /// Puts back what assign() or release() did, when it could not be made durable.
  void undo_assign(const Change& change);
  void undo_release(const Change& change);

  /// Start-up: puts an assignment of the checkpoint where it belongs, else into quarantine.
  /// Errors: conflict if another pod holds the address, already_exists if the key has another.
  Result<bool> restore(const Assignment& assignment);  // true = placed, false = quarantined
  /// Start-up: an address freed shortly before the restart keeps cooling.
  void restore_cooling(const net::Ip& address, base::WallTime released);
  /// EC2 says that this address is not (any more) on that ENI, yet a pod holds it: the assignment
  /// goes to quarantine and the address out of the block's ENI.
  void quarantine(const net::EniId& id, const net::Cidr& cidr);

  Stats stats(base::WallTime now) const;
  std::vector<Assignment> assignments() const;  // quarantined ones included
  /// Addresses still cooling, for the side file that survives a restart.
  std::vector<std::pair<net::Ip, base::WallTime>> cooling(base::WallTime now) const;
  /// Does the mode in use give out of blocks of this kind?
  bool eligible(const Block& block) const;
  /// When the next cooling address is ready; nullopt if none cools.
  std::optional<base::WallTime> next_ready(base::WallTime now) const;

  const std::map<net::EniId, EniEntry>& enis() const { return enis_; }
  const std::map<net::Ip, Assignment>& quarantined() const { return quarantined_; }
  const Options& options() const { return options_; }

 private:
  struct Place {
    EniEntry* eni = nullptr;
    Block* block = nullptr;
  };
  struct Seen {
    const EniEntry* eni = nullptr;
    const Block* block = nullptr;
  };
  Seen seen_at(const net::Ip& address) const;
  Place place_of(const net::Ip& address);
  bool held(const net::Ip& address) const;
  void absorb(const net::Cidr& prefix, Block& into);
  void forget_block(EniEntry& eni, std::map<net::Cidr, Block>::iterator block);
  Lease lease_of(const EniEntry& eni, const net::Ip& address, const PodInfo& pod) const;

  Options options_;
  std::map<net::EniId, EniEntry> enis_;
  std::map<net::Cidr, net::EniId> owners_;  // of every block
  std::map<PodKey, net::Ip> by_key_;
  std::map<net::Ip, Assignment> quarantined_;
  /// Freed a moment ago: it cools whether or not its block is there now, and whether or not the
  /// release could be made durable.
  std::map<net::Ip, base::WallTime> recent_;
};

}  // namespace vpccni::ipam
