#pragma once
// The VPC resource controller: brings the trunk ENI that the agent asks for, at some time, and
// gives pods with security groups a branch ENI on it. Those pods' addresses are never the pools'.
// With what must hold of it all: the trunk finds its place, and nobody takes what is the
// controller's.

#include <map>
#include <string>

#include "ipam/pools.h"
#include "net/id.h"
#include "net/ip.h"
#include "tests/sim/world.h"

namespace vpccni::sim {

class Controller {
 public:
  /// Looks from now on.
  explicit Controller(World& world);

  void agent_started();  // with security groups for pods
  /// The agent has written into the CNINode that it wants a trunk.
  void ask() { asked_ = true; }
  /// The agent has attached an ENI to card 0.
  void agent_attached();
  void hurry();  // what is still to come comes now

  // Pods with a branch ENI; without a trunk nothing happens.
  void create_pod();
  void stop_pod();

  // Invariants.
  void check();  // at any time
  void check_at_rest(const ipam::Pools& pools);

 private:
  struct Branch {
    std::string veth;
    net::EniId eni;
    net::VlanId vlan;
    net::Ip address;
    bool associated = false;
    bool wired = false;
    bool ending = false;
  };

  const vpc::Eni* trunk() const;  // on its way or attached
  /// May the controller count on a place?
  bool owed() const;
  void look();
  void bring_trunk();
  net::VlanId free_vlan() const;
  void associate(const std::string& id);
  void wire(const std::string& id);
  void end(const std::string& id);
  void violated(const char* invariant, const std::string& detail);

  World& world_;
  base::SteadyTime due_{};
  bool asked_ = false;
  bool place_seen_ = false;  // by an agent that has to leave it
  net::EniId made_;          // a trunk that is not attached yet
  int count_ = 0;
  std::map<std::string, Branch> branches_;  // by sandbox
};

}  // namespace vpccni::sim
