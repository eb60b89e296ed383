#pragma once
// What must hold whatever happens. The oracle hears what the agent hears and says, keeps its own
// book of who may use which address, and compares it with EC2, the kernel, the disk and the store.
//
// A holding is *strict* from the reply of its ADD until its DEL reaches the agent or its sandbox
// is gone; then it is *loose*: the agent may keep it or not, but its addresses must cool.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ipam/pools.h"
#include "tests/vpc/objects.h"

namespace vpccni::sim {

struct World;

class Oracle {
 public:
  explicit Oracle(World& world) : world_(world) {}

  // What happens, in order.
  void heard_add(ipam::Token token, const ipam::PodKey& key);
  void heard_del(ipam::Token token, const ipam::PodKey& key);
  void said_add(const ipam::PodAdded& reply);
  void said_del(const ipam::PodDeleted& reply);
  void write_failed() { write_failed_ = true; }  // in this turn
  void gone(const ipam::PodKey& key);            // the sandbox is destroyed
  void wired(const ipam::PodKey& key, const std::vector<std::string>& veths);
  void ending(const ipam::PodKey& key);  // its link may go at any time
  /// The checkpoint was lost: nobody can know what was freed a moment ago.
  void forget_loose();
  void changes_ec2(const std::string& action);  // a call that may change something
  /// The core wants another ENI: the last place is for the trunk that is to come.
  void creates_eni(const ipam::Core& core);
  void chose_subnet(const net::SubnetId& subnet);                    // for a new ENI
  void took(const net::Ip& address) { outsiders_.insert(address); }  // not our doing

  // Invariants, at any time.
  void check_ec2();  // no address of a live pod is taken away
  /// At the end of a turn: every live pod's addresses are held, a refused pod has none.
  void check_store(const ipam::Pools& pools);
  void check_wiring();   // every live pod has its links, routes and rules
  void check_durable();  // the checkpoints on disk name every live pod
  // After a long quiet time.
  void check_at_rest(const ipam::Pools& pools, bool just_started);

  std::size_t strict() const;

 private:
  struct Holding {
    std::vector<ipam::Lease> leases;  // one for each interface
    bool strict = true;
    bool wired = false;
    std::vector<std::string> veths = {};
    /// The earliest moment at which the agent may have freed each.
    std::map<net::Ip, base::WallTime> freed = {};
    void free_at(base::WallTime at) {
      for (const auto& lease : leases) {
        freed[lease.address] = at;
      }
    }
  };
  struct Heard {
    ipam::PodKey key;
    std::uint64_t order = 0;
    base::WallTime at{};
    bool certain = false;  // of a DEL: the key was strictly held
    bool del = false;
  };

  void loosen(const ipam::PodKey& key);
  void check_cards(const ipam::PodKey& key, const std::vector<ipam::Lease>& leases);
  void check_new(const ipam::PodKey& key, const ipam::Lease& lease);
  /// An outsider took it, and EC2 may have given it to another card before the agent looked: the
  /// pools do not see each other's blocks.
  bool may_move(const net::Ip& address) const;
  void check_prompt(const Heard& asked, bool lease);
  void check_shown(const net::Ip& address, const net::EniId& eni);
  void check_foreign();
  void check_pool(const ipam::Core& core);
  void check_enis(const ipam::Pools& pools, bool just_started);
  void check_blocks(const vpc::Eni& eni, const ipam::EniEntry& known);
  void check_leaks(const ipam::Pools& pools, bool just_started);
  std::string ec2_trouble(const net::EniId& id, const net::Ip& address) const;
  /// What the checkpoints on disk hold, by card.
  const std::map<ipam::PodKey, std::vector<net::Ip>>& durable();
  void violated(const char* invariant, const std::string& detail);

  World& world_;
  std::map<ipam::PodKey, Holding> holdings_;
  std::map<ipam::Token, Heard> heard_;
  std::map<ipam::PodKey, std::uint64_t> last_add_;
  std::map<ipam::PodKey, std::pair<std::uint64_t, base::WallTime>> last_del_;
  std::map<ipam::PodKey, std::uint64_t> last_del_told_;  // by order: its DEL was answered
  std::uint64_t order_ = 0;
  std::set<net::Ip> outsiders_;
  std::map<ipam::PodKey, int> adds_;
  std::map<ipam::PodKey, std::uint64_t> refused_;  // in this turn, by the agent of that number
  bool write_failed_ = false;
  std::map<std::string, std::string> durable_bytes_;
  std::map<ipam::PodKey, std::vector<net::Ip>> durable_;
};

}  // namespace vpccni::sim
