#pragma once
// One run of the agent: what lib/agent/agent.cc and start.cc do with threads, sockets and files,
// done step by step under virtual time, around the same pools and the same execution of actions.
// The order of effects is that of Agent::commit. A crash can come at every boundary; then the
// object stays until its blocking calls have returned and does nothing any more.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <variant>

#include "agent/attached.h"
#include "agent/execute.h"
#include "agent/restore_pods.h"
#include "base/log.h"
#include "ipam/pools.h"
#include "tests/sim/edges.h"

namespace vpccni::sim {

/// nullopt: the connection ended without an answer.
using Reply = std::optional<std::variant<ipam::PodAdded, ipam::PodDeleted>>;
using OnReply = std::function<void(const Reply&)>;

class Process {
 public:
  Process(World& world, std::uint64_t id);

  std::uint64_t id() const { return id_; }
  bool dead() const { return dead_; }
  bool serving() const { return serving_ && !dead_; }
  const ipam::Pools& pools() const { return *pools_; }
  std::uint64_t operations() const { return operations_; }
  bool releasing() const { return releasing_; }  // an operation that gives something back runs

  /// Start-up; passes time. False: the process has ended.
  bool start();
  // A call came in over a socket. REQUIRES serving().
  void call(ipam::PodAdd event, bool on_every_card, OnReply on_reply);
  void call(ipam::PodDel event, OnReply on_reply);
  void post(ipam::Event event);  // to all pools, or where its pod is
  void clean_leaked();           // what the agent does once an hour
  void terminate();              // SIGTERM
  void crash(std::string_view where);

  /// For the edges: lets time pass while this process is blocked; false once it is dead.
  bool pass(base::Duration how_long, const std::stop_token& stop);
  /// A boundary of an effect: the process may end here. True if it is dead.
  bool boundary(std::string_view where);

 private:
  /// What the agent keeps beside the core of each network card.
  struct Card {
    agent::Node node;
    ipam::CheckpointFiles files;
    std::string recent_written = {};
    std::set<net::Cidr> given_back = {};  // for a mutant
  };
  struct Posted {
    ipam::Event event;
    std::optional<std::size_t> pool;  // nullopt: all
    bool on_every_card = false;
  };
  using Doing = std::variant<ipam::PoolEffect, ipam::PodAdded, ipam::PodDeleted>;
  struct Write {
    std::size_t pool = 0;
    ipam::WriteCheckpoint effect;
  };

  void end(base::Duration restart);
  void later(base::Duration delay, std::function<void()> task);
  void post_pool(std::function<void()> task);
  void run_pool();
  void turn();
  void wake_loop();
  void post(std::size_t pool, ipam::Event event);  // from a worker
  void put(Posted posted);
  void feed(Posted& posted);
  void take_effects();
  void perform_effects();
  void perform(const ipam::PodAdded& reply);
  void perform(const ipam::PodDeleted& reply);
  void perform(const ipam::PoolEffect& effect);
  void answer(ipam::Token token, const Reply& reply);
  void execute(std::size_t pool, const ipam::Execute& effect);
  void arm_tick();
  void await_trunk();

  // process_disk.cc
  bool note_what_goes(std::size_t pool, const std::string& recent);
  void write_checkpoint(Write write);
  void write_step(const std::shared_ptr<Write>& write, int step);
  void written(const Write& write, std::optional<Error> error);

  // process_start.cc
  bool set_up_enis();
  bool restore_pods();
  std::unique_ptr<ipam::Core> make_core(const agent::Node& node, const agent::Attached& attached);
  agent::Checkpoints read_checkpoints() const;
  void forget(podnet::HostPods& pods);

  World& world_;
  std::uint64_t id_;
  bool dead_ = false;
  bool serving_ = false;
  bool terminating_ = false;
  std::stop_source stop_;
  ProcessClock clock_;
  ProcessEc2 ec2_;
  ProcessImds imds_;
  ProcessKernel kernel_;
  base::Log log_;
  agent::Edges edges_;
  agent::Node node_;  // as of card 0
  agent::Listings listings_;
  agent::Checkpoints checkpoints_;  // as found at the start
  std::unique_ptr<ipam::Pools> pools_;
  std::vector<Card> cards_;  // by pool

  std::map<ipam::Token, OnReply> waiting_;
  std::deque<Posted> inbox_;
  std::deque<Doing> effects_;
  bool loop_busy_ = false;
  bool loop_woken_ = false;
  bool again_ = false;  // this pass of commit wants another one
  std::uint64_t tick_ = 0;
  std::deque<std::function<void()>> pool_;
  bool pool_busy_ = false;
  std::uint64_t operations_ = 0;
  bool releasing_ = false;
};

}  // namespace vpccni::sim
