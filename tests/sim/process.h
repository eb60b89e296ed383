#pragma once
// One run of the agent: what lib/agent/agent.cc and start.cc do with threads, sockets and files,
// done step by step under virtual time, around the same core and the same execution of actions.
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

#include "agent/execute.h"
#include "base/log.h"
#include "ipam/core.h"
#include "tests/sim/edges.h"

namespace vpccni::sim {

/// nullopt: the connection ended without an answer.
using Reply = std::optional<std::variant<ipam::ReplyAdd, ipam::ReplyDel>>;
using OnReply = std::function<void(const Reply&)>;

class Process {
 public:
  Process(World& world, std::uint64_t id);

  std::uint64_t id() const { return id_; }
  bool dead() const { return dead_; }
  bool serving() const { return serving_ && !dead_; }
  const ipam::Core& core() const { return *core_; }
  std::uint64_t operations() const { return operations_; }
  bool releasing() const { return releasing_; }  // an operation that gives something back runs

  /// Start-up; passes time. False: the process has ended.
  bool start();
  /// A call came in over a socket. REQUIRES serving().
  void call(ipam::Event event, ipam::Token token, OnReply on_reply);
  void post(ipam::Event event);  // from a worker
  void terminate();              // SIGTERM
  void crash(std::string_view where);

  /// For the edges: lets time pass while this process is blocked; false once it is dead.
  bool pass(base::Duration how_long, const std::stop_token& stop);
  /// A boundary of an effect: the process may end here. True if it is dead.
  bool boundary(std::string_view where);

 private:
  void end(base::Duration restart);
  void later(base::Duration delay, std::function<void()> task);
  void post_pool(std::function<void()> task);
  void run_pool();
  void turn();
  void wake_loop();
  void feed(ipam::Event& event);
  void perform_effects();
  void perform(ipam::Effect& effect);
  void answer(ipam::Token token, const Reply& reply);
  void write_checkpoint(ipam::WriteCheckpoint effect);
  void write_step(const std::shared_ptr<ipam::WriteCheckpoint>& effect, int step);
  void written(std::uint64_t serial, std::optional<Error> error);
  void execute(const ipam::Execute& effect);
  void arm_tick();

  bool set_up_enis();
  bool restore_pods();

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
  agent::Node node_;
  ipam::Recent recent_;  // as found at the start
  std::unique_ptr<ipam::Core> core_;

  std::map<ipam::Token, OnReply> waiting_;
  std::deque<ipam::Event> inbox_;
  std::deque<ipam::Effect> effects_;
  bool loop_busy_ = false;
  bool loop_woken_ = false;
  bool wrote_ = false;  // in this pass of commit
  std::string recent_written_;
  std::uint64_t tick_ = 0;
  std::deque<std::function<void()>> pool_;
  bool pool_busy_ = false;
  std::uint64_t operations_ = 0;
  bool releasing_ = false;
  std::set<net::Cidr> given_back_;  // for a mutant
};

}  // namespace vpccni::sim
