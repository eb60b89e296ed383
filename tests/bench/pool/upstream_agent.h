#pragma once
// Upstream's agent on one node, in IPv4 secondary-IP or prefix mode on network card 0, as specified
// (agent.md 1.3, 3, 4, 5.3-5.8). Where the specification leaves something open, or where upstream
// also does what the comparison does not need, it is left out in upstream's favour: the hourly
// search for leaked ENIs, the IMDS reads of each ADD, trunks, custom networking, other cards, a
// node that terminates or is unschedulable.

#include <map>
#include <optional>

#include "tests/bench/pool/node.h"
#include "tests/bench/pool/upstream_store.h"

namespace vpccni::pool {

class UpstreamAgent final : public NodeAgent {
 public:
  UpstreamAgent(Account& account, Fibers& fibers, sim::Timeline& time, const Targets& targets,
                const net::InstanceId& instance, std::uint64_t seed);

  void start(std::function<void()> ready) override;
  void add(int pod, std::function<void(const AddAnswer&)> answer) override;
  void del(int pod) override;

  // Steps of the pool manager, for tests. To be called from a fiber.
  bool set_up();       // nodeInit; false = the process exits
  void update_pool();  // updateIPPoolIfRequired
  void reconcile();    // nodeIPPoolReconcile
  UpstreamStore& store() { return *store_; }
  int lost_pods() const { return lost_pods_; }

 private:
  enum class Grew { no, yes, exhausted };
  struct Tries {
    base::Duration first;
    double jitter;
    int tries;
  };
  template <class Attempt>
  auto retry(const Tries& policy, Attempt attempt) -> decltype(attempt());
  void run();
  Result<> increase();
  Result<Grew> grow_existing_enis();
  Result<Grew> grow_eni(const net::EniId& id, int count);
  Result<> adopt_blocks_of(const net::EniId& id);
  Result<> add_eni();
  Result<net::EniId> allocate_eni(int count);
  Result<net::EniId> create_interface(int count);
  Result<> wait_for(const net::EniId& id, int count);
  void set_up_eni(const aws::ImdsEni& eni);
  void decrease();
  void release(const net::EniId& id, const std::vector<net::Cidr>& cidrs);
  void free_extra_eni();
  Result<> free_eni(const net::EniId& id);
  void reconcile_eni(const aws::ImdsEni& shown);
  Result<std::vector<aws::Eni>> describe_all(const std::vector<aws::ImdsEni>& shown);
  bool tag_untagged(const std::vector<aws::Eni>& enis);
  base::SteadyTime now() const { return site_.fibers.now().steady; }

  sim::Timeline& time_;
  Site site_;
  NodeEc2 ec2_;
  NodeImds imds_;
  UpstreamTargets targets_;
  base::Duration cooldown_;
  aws::InstanceLimits limits_;
  aws::InstanceIdentity identity_;
  std::vector<net::SecurityGroupId> groups_;
  std::optional<UpstreamStore> store_;
  std::optional<base::SteadyTime> last_decrease_;
  std::optional<base::SteadyTime> last_action_;
  std::optional<base::SteadyTime> exhausted_;       // last insufficient-address error
  std::map<net::Cidr, base::SteadyTime> released_;  // the reconcile cooldown cache: until when
  int lost_pods_ = 0;                               // forced out of the store
};

}  // namespace vpccni::pool
