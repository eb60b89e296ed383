#pragma once
// What must hold whatever happens. The oracle hears what the agent hears and says, keeps its own
// book of who may use which address, and compares it with EC2, the kernel, the disk and the store.
//
// A holding is *strict* from the reply of its ADD until its DEL reaches the agent or its sandbox
// is gone; then it is *loose*: the agent may keep it or not, but the address must cool.

#include <map>
#include <optional>
#include <set>
#include <string>

#include "ipam/core.h"
#include "tests/vpc/objects.h"

namespace vpccni::sim {

struct World;

class Oracle {
 public:
  explicit Oracle(World& world) : world_(world) {}

  // What happens, in order.
  void heard_add(ipam::Token token, const ipam::PodKey& key);
  void heard_del(ipam::Token token, const ipam::PodKey& key);
  void said_add(const ipam::ReplyAdd& reply);
  void said_del(const ipam::ReplyDel& reply);
  void gone(const ipam::PodKey& key);  // the sandbox is destroyed
  void wired(const ipam::PodKey& key, const std::string& veth);
  void ending(const ipam::PodKey& key);  // its link may go at any time
  /// The checkpoint was lost: nobody can know what was freed a moment ago.
  void forget_loose();
  void changes_ec2(const std::string& action);  // a call that may change something
  /// The core wants another ENI: the last place is for the trunk that is to come.
  void creates_eni(const ipam::Core& core);
  void chose_subnet(const net::SubnetId& subnet);                    // for a new ENI
  void took(const net::Ip& address) { outsiders_.insert(address); }  // not our doing

  // Invariants, at any time.
  void check_ec2();                          // no address of a live pod is taken away
  void check_store(const ipam::Core& core);  // every live pod's address is held
  void check_wiring();                       // every live pod has its link, route and rules
  void check_durable();                      // the checkpoint on disk names every live pod
  // After a long quiet time.
  void check_at_rest(const ipam::Core& core, bool just_started);

  std::size_t strict() const;

 private:
  struct Holding {
    net::Ip address;
    net::EniId eni;
    net::TableId table = net::kMainTable;
    bool strict = true;
    bool wired = false;
    std::string veth;
    base::WallTime freed{};  // the earliest moment at which the agent may have freed it
  };
  struct Heard {
    ipam::PodKey key;
    std::uint64_t order = 0;
    base::WallTime at{};
    bool certain = false;  // of a DEL: the key was strictly held
  };

  void loosen(const ipam::PodKey& key);
  void check_new(const ipam::PodKey& key, const ipam::Lease& lease);
  void check_prompt(const Heard& asked, bool lease);
  void check_shown(const net::Ip& address, const net::EniId& eni);
  void check_foreign();
  void check_pool(const ipam::Core& core);
  void check_enis(const ipam::Core& core, bool just_started);
  void check_blocks(const vpc::Eni& eni, const ipam::EniEntry& known);
  void check_leaks(const ipam::Core& core, bool just_started);
  std::string ec2_trouble(const net::EniId& id, const net::Ip& address) const;
  const std::map<ipam::PodKey, net::Ip>& durable();
  void violated(const char* invariant, const std::string& detail);

  World& world_;
  std::map<ipam::PodKey, Holding> holdings_;
  std::map<ipam::Token, Heard> heard_;
  std::map<ipam::PodKey, std::uint64_t> last_add_;
  std::map<ipam::PodKey, std::pair<std::uint64_t, base::WallTime>> last_del_;
  std::map<ipam::PodKey, std::uint64_t> last_del_told_;  // by order: its DEL was answered
  std::uint64_t order_ = 0;
  std::set<net::Ip> outsiders_;
  std::optional<std::string> durable_bytes_;
  std::map<ipam::PodKey, net::Ip> durable_;
};

}  // namespace vpccni::sim
