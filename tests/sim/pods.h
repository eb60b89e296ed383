#pragma once
// The container runtime and the CNI plugin: sandboxes that come and go, with what really happens to
// them: repeated ADDs and DELs, late DELs, DELs that nobody hears, pods that vanish without one,
// the same pod name in a new sandbox, an ADD whose answer was lost. With several network cards some
// pods want an address on each.

#include <map>
#include <string>
#include <vector>

#include "ipam/pools.h"
#include "tests/sim/process.h"

namespace vpccni::sim {

class Pods {
 public:
  explicit Pods(World& world) : world_(world) {}

  void create();
  void stop();        // one of those that are there
  void vanish();      // no DEL
  void repeat_add();  // of a sandbox that has its address
  void repeat_del();  // late, of any sandbox
  /// Those between reply and wiring are killed: only the lost checkpoint knew them.
  void kill_unwired();

  std::size_t running() const;  // wired
  bool on_every_card(const ipam::PodKey& key) const;
  /// The sandbox has not been destroyed.
  bool needs_address(const ipam::PodKey& key) const;

 private:
  enum class State { adding, running, stopping, gone };
  struct Sandbox {
    std::string id;
    std::string pod;
    ipam::PodKey key;
    bool on_every_card = false;
    State state = State::adding;
    int adds = 0;
    std::vector<ipam::Lease> leases = {};  // prevResult
  };
  enum class After { destroy, nothing };

  std::vector<std::string> in_state(State a, State b) const;
  /// Of the pod's interface of that number.
  std::string veth(const Sandbox& sandbox, int index) const;
  void add(const std::string& id);
  void added(const std::string& id, const Reply& reply);
  void wire(const std::string& id, const std::vector<ipam::Lease>& leases);
  void unwire(const Sandbox& sandbox, const std::vector<ipam::Lease>& leases);
  void stop(const std::string& id);
  void del(const std::string& id, After after);
  void deleted(const std::string& id, const Reply& reply, After after);
  void destroy(const std::string& id);

  World& world_;
  std::map<std::string, Sandbox> sandboxes_;
  ipam::Token token_ = 0;
  int count_ = 0;
};

}  // namespace vpccni::sim
