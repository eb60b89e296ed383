#pragma once
// Upstream's data store of network card 0, as specified (agent.md section 3): hash maps without an
// order, so which free address or which idle ENI comes first is chance, drawn from the seed.

#include <map>
#include <optional>
#include <vector>

#include "net/id.h"
#include "net/ip.h"
#include "tests/bench/pool/upstream_targets.h"
#include "tests/sim/random.h"

namespace vpccni::pool {

class UpstreamStore {
 public:
  struct Record {              // of an address that has been handed out
    std::optional<int> pod;    // nullopt = free
    base::SteadyTime freed{};  // when it is free
  };
  struct Block {
    bool prefix = false;
    std::map<net::Ip, Record> records;
    int assigned() const;
  };
  struct Eni {
    bool primary = false;
    net::Ip primary_ip;
    base::SteadyTime added{};
    std::map<net::Cidr, Block> blocks;
    int assigned() const;
  };

  UpstreamStore(bool prefixes, base::Duration cooldown, sim::Random& random)
      : prefixes_(prefixes), cooldown_(cooldown), random_(random) {}

  void add_eni(const net::EniId& id, bool primary, const net::Ip& primary_ip, base::SteadyTime now);
  void add_block(const net::EniId& id, const net::Cidr& cidr);  // known already is fine
  /// False while an address of it is assigned.
  bool remove_block(const net::EniId& id, const net::Cidr& cidr);
  /// Pods or not; answers how many addresses were assigned.
  int force_remove_block(const net::EniId& id, const net::Cidr& cidr);
  int force_remove_eni(const net::EniId& id);

  /// 3.3. The same pod gets the same address again.
  std::optional<net::Ip> assign(int pod, base::SteadyTime now);
  void unassign(int pod, base::SteadyTime now);

  UpstreamCounts counts() const;  // 3.4
  int cooling(base::SteadyTime now) const;
  std::vector<net::EniId> enis_in_any_order();
  /// Blocks without an assigned address; cooling ones do not protect them.
  std::vector<net::Cidr> freeable(const net::EniId& id);
  bool freeable_eni() const;
  /// 3.5: takes the first ENI that is not needed out of the store.
  std::optional<net::EniId> remove_unused_eni(const UpstreamTargets& targets, base::SteadyTime now);

  const std::map<net::EniId, Eni>& enis() const { return enis_; }

 private:
  template <class Map>
  std::vector<typename Map::key_type> any_order(const Map& map);
  bool is_cooling(const Record& record, base::SteadyTime now) const;
  std::optional<net::Ip> free_in(const net::Cidr& cidr, Block& block, base::SteadyTime now);
  bool removable(const Eni& eni, const UpstreamTargets& targets, base::SteadyTime now) const;

  bool prefixes_;
  base::Duration cooldown_;
  sim::Random& random_;
  std::map<net::EniId, Eni> enis_;
};

}  // namespace vpccni::pool
