#pragma once
// The product on one node: the real core, and the real execution of its actions, around the edges
// of virtual time. The loop is lib/agent/agent.cc's: events of one turn are one batch.

#include <deque>
#include <map>
#include <memory>

#include "agent/execute.h"
#include "aws/paced_ec2.h"
#include "base/log.h"
#include "ipam/core.h"
#include "tests/bench/pool/node.h"

namespace vpccni::pool {

class OurAgent final : public NodeAgent {
 public:
  OurAgent(Account& account, Fibers& fibers, sim::Timeline& time, const Targets& targets,
           const net::InstanceId& instance, std::uint64_t seed);

  void start(std::function<void()> ready) override;
  void add(int pod, std::function<void(const AddAnswer&)> answer) override;
  void del(int pod) override;
  const ipam::Core& core() const { return *core_; }

 private:
  bool set_up();
  void post(ipam::Event event);
  void post_pool(std::function<void()> work);
  void turn();
  void perform(ipam::Effect& effect);
  void refresh_groups();

  sim::Timeline& time_;
  Site site_;
  NodeClock clock_;
  NodeEc2 ec2_;
  NodeImds imds_;
  NodeKernel kernel_;
  base::Log log_;
  aws::PacedEc2 paced_;
  agent::Edges edges_;
  agent::Node node_;
  Targets targets_;
  std::unique_ptr<ipam::Core> core_;

  std::deque<ipam::Event> inbox_;
  bool woken_ = false;
  std::uint64_t tick_ = 0;
  ipam::Token token_ = 0;
  std::map<ipam::Token, std::pair<int, std::function<void(const AddAnswer&)>>> waiting_;
  std::deque<std::function<void()>> pool_;
  bool pool_busy_ = false;
};

}  // namespace vpccni::pool
