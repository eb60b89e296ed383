#pragma once
// One simulated node: the VPC model, the kernel, the disk, the agent's process and the pods, all
// under one virtual time and one source of chance. Not thread-safe; nothing here blocks.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "aws/eni.h"
#include "ipam/checkpoint_files.h"
#include "ipam/plan_pool.h"
#include "settings/settings.h"
#include "tests/sim/journal.h"
#include "tests/sim/kernel_state.h"
#include "tests/sim/mutant.h"
#include "tests/sim/random.h"
#include "tests/sim/timeline.h"
#include "tests/vpc/model.h"

namespace vpccni::sim {

class Controller;
class Oracle;
class Pods;
class Process;

/// What a node is used for, apart from its pool.
enum class Mode {
  drawn,      // by the seed
  plain,      // one card, one address for each pod
  custom,     // custom networking
  multi_nic,  // two network cards, and pods with an address on each
  sgp,        // a trunk ENI, and pods with a branch ENI
};

std::string_view name_of(Mode mode);
std::optional<Mode> find_mode(std::string_view name);

struct Options {
  std::uint64_t seed = 1;
  int steps = 250;
  Mode mode = Mode::drawn;
  Mutant mutant = Mutant::none;
  bool trace = false;
  bool matrix = false;  // a restart under a fault (matrix.h) in place of a storm
};

/// What survives a crash of the agent.
struct Disk {
  std::map<std::string, std::string> files;  // by path
  std::set<std::string> lost;  // checkpoints that the disk lost and no run has written since

  /// Empty if there is no such file.
  std::string read(const std::string& path) const {
    const auto found = files.find(path);
    return found == files.end() ? std::string() : found->second;
  }
};

/// How much goes wrong in this seed; all zero once the storm is over.
struct Odds {
  double crash = 0;         // at each boundary of an effect
  double write_fails = 0;   // of a checkpoint
  double kernel_fails = 0;  // of a reading of the kernel
  double wiring_fails = 0;  // of a pod, in the plugin
  double reply_lost = 0;    // on the way from agent to plugin
  double slow_plugin = 0;   // seconds between reply and wiring
  double call_fault = 0;    // of an EC2 call, besides the faults that last
};

struct World {
  explicit World(const Options& wanted);
  ~World();

  Options options;
  Random random;
  Timeline time;
  Journal journal;
  vpc::Model model;
  KernelState kernel;
  Disk disk;
  Odds odds;
  settings::Settings settings;
  net::InstanceId instance;
  net::SubnetId subnet;
  std::vector<net::SubnetId> more_subnets;  // of the same zone
  net::SubnetId pod_subnet;                 // the ENIConfig's, with custom networking
  bool eni_config_gone = false;             // the ENIConfig is not there now
  aws::InstanceLimits limits;
  bool outsiders = false;                  // somebody else changes our ENIs too
  bool switches_mode = false;              // prefix delegation goes on and off
  bool pod_eni_later = false;              // security groups for pods are switched on one day
  bool neighbours = false;                 // others attach ENIs to the instance
  bool stays_fragmented = false;           // the subnet never has a whole /28
  std::map<net::EniId, vpc::Eni> foreign;  // no_manage=true, as they were: never touched
  std::set<net::EniId> lasting;            // trunk and EFA: never removed
  std::map<std::string, base::SteadyTime> hidden_since;  // by IMDS: ENI, address or prefix
  bool checkpoint_loss = false;                          // the disk may lose checkpoints
  base::Duration describe_lag{};                         // how old EC2's answers may be
  bool unschedulable = false;
  int max_pods = 0;  // of the node object; 0: the instance type's
  std::unique_ptr<Oracle> oracle;
  std::unique_ptr<Pods> pods;
  std::unique_ptr<Controller> controller;  // null without security groups for pods
  std::unique_ptr<Process> process;        // the agent's; null while it is down
  std::uint64_t incarnations = 0;
  bool storm = true;

  base::Instant now() const { return time.now(); }
  bool mutant(Mutant which) const { return options.mutant == which; }
  bool over() const { return journal.violation().has_value(); }
  /// The ENIs as a Describe shows them now.
  std::map<net::EniId, vpc::Eni> listed_enis();
  void remember_enis();  // after each change
  /// The network cards with a pool.
  std::vector<net::NetworkCard> cards() const;
  ipam::CheckpointFiles files(net::NetworkCard card) const {
    return ipam::CheckpointFiles{"ipam.json"}.of_card(card);
  }
  /// Where new ENIs are made.
  const net::SubnetId& eni_subnet() const {
    return settings.custom_networking ? pod_subnet : subnet;
  }
  /// That subnet may have too little for what the pool wants.
  bool dry() const;
  Process* serving() const;  // nullptr if none is
  /// The supervisor: a new process after a while.
  void start_agent(base::Duration delay);

 private:
  std::deque<std::pair<base::SteadyTime, std::map<net::EniId, vpc::Eni>>> past_;
};

}  // namespace vpccni::sim
