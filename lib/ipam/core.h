#pragma once
// The agent's pure core: state x event x time -> state, effects. No clock, thread, lock or I/O.
// Not thread-safe: one thread owns it. The driver feeds all events that are there, then calls
// take_effects() once: that is a batch, with one checkpoint write (group commit). Replies whose
// state is in that write come out only after CheckpointWritten said that it is durable; when it
// could not be written, what the batch did is undone and its callers get the error.

#include <deque>
#include <functional>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "ipam/data_store.h"
#include "ipam/event.h"
#include "ipam/plan_pool.h"

namespace vpccni::ipam {

struct CoreOptions {
  DataStore::Options store;
  Targets targets;
  Limits limits;
  int foreign_enis = 0;      // take places on the card and are not ours: taken off `limits` already
  bool provisioning = true;  // false: EC2 is never changed
  /// A trunk ENI is to come from elsewhere: a place on the card is left for it until it is here.
  bool awaits_trunk = false;
  /// How long an ADD may wait for addresses that are on their way.
  base::Duration patience{};
  std::uint32_t seed = 1;  // of the jitter; another on each node, or a fleet retries in step
};

/// What the last plan said, for status and introspection.
struct PlanView {
  std::string because;
  std::optional<std::string> running;  // the operation under way
  std::optional<Error> last_error;
};

struct RestoreReport {
  std::vector<Assignment> dropped;      // their pods are gone: remove their kernel rules
  std::vector<Assignment> quarantined;  // alive, but on no block that EC2 lists
  std::vector<Assignment> recovered;    // known to the kernel only
  std::vector<std::string> conflicts;   // entries that contradict each other, in words
};

class Core {
 public:
  Core(const CoreOptions& options, base::Instant now);

  /// Start-up, after the ENIs came in as EniReady: what the checkpoint says and what the kernel
  /// shows. `alive` tells whether the entry's pod still has its link.
  RestoreReport restore(const std::vector<Assignment>& checkpoint,
                        const std::vector<std::pair<net::Ip, std::string>>& kernel_routes,
                        const Recent& recent, const std::function<bool(const Assignment&)>& alive,
                        base::Instant now);

  void on(Event event, base::Instant now);
  /// Ends the batch.
  std::vector<Effect> take_effects(base::Instant now);
  /// When a Tick is wanted, at the latest.
  base::SteadyTime next_tick(base::Instant now) const;

  const DataStore& store() const { return store_; }
  const Targets& targets() const { return options_.targets; }
  /// As they count now: a place kept for a trunk ENI is not ours.
  Limits limits() const;
  bool has_trunk() const;  // set up
  const PlanView& plan() const { return plan_; }

  /// The key under which the pod of a DEL is kept: its own, or that of an entry taken over.
  std::optional<PodKey> entry_of(const PodDel& event) const;

  /// The entry of an address that turned out to be another card's goes from one pool to the other.
  /// take_over is false, and does nothing, if somebody else holds the address here, or the pod has
  /// another one here.
  bool take_over(const Assignment& entry);
  void give_up(const Assignment& entry, base::Instant now);
  /// Not given out for a cooldown: a pod has it, by another pool's entry.
  void hold_back(const net::Ip& address, base::Instant now);
  /// Another pool freed this address, which may be this card's.
  void cool(const net::Ip& address, base::Instant now);

  /// Does an ADD of this key wait for an address?
  bool waits(const PodKey& key) const;

  const Gate& gate() const { return gate_; }
  void set_targets(const Targets& targets) { options_.targets = targets; }
  void change_eni_limit(int more) { options_.limits.enis += more; }

 private:
  struct Pending {  // one ADD or DEL that waits for its checkpoint
    Token token = 0;
    bool add = false;
    bool repeated = false;  // an ADD seen before: nothing to take back
    Change change;
    PodKey key;
    PodInfo pod;
  };
  struct Running {
    OperationId id = 0;
    Action action;
    base::SteadyTime since{};
  };
  struct Parked {  // an ADD that waits for addresses
    PodAdd add;
    base::SteadyTime until{};
  };

  void handle(PodAdd& event, base::Instant now);
  void handle(PodDel& event, base::Instant now);
  void handle(CheckpointWritten& event, base::Instant now);
  void handle(EniReady& event, base::Instant now);
  void handle(OperationDone& event, base::Instant now);
  void handle(Observed& event, base::Instant now);
  void handle(AdoptFailed& event, base::Instant now);
  void handle(StartedBlind& event, base::Instant now);
  void handle(Tick& event, base::Instant now);
  void handle(Terminating& event, base::Instant now);
  void handle(Schedulable& event, base::Instant now);
  void handle(LookAgain& event, base::Instant now);

  bool answer_add(PodAdd& event, base::Instant now);
  void serve_parked(base::Instant now);
  void give_up_parked(base::Instant now);
  bool hopeful(base::SteadyTime until, base::Instant now) const;

  void add_blocks(const net::EniId& eni, const std::vector<net::Cidr>& blocks, base::Instant now,
                  bool confirmed = true);
  void operation_failed(const Error& error, base::Instant now);
  base::Duration next_delay();
  void track_distance(base::Instant now);
  Recent recent(base::Instant now) const;
  bool answers_go_first(base::Instant now);
  Observe next_observation(base::Instant now);
  void restore_given_back(const Recent& recent, base::Instant now);
  std::vector<net::EniId> eni_ids() const;
  std::vector<net::Cidr> blocks_of(const net::EniId& id) const;
  std::vector<Assignment> quarantined_assignments() const;
  void reconcile_eni(const ObservedEni& seen, bool by_ec2, base::Instant now);
  void reconcile_unlisted(const ObservedEni& seen, const EniEntry& known, bool by_ec2,
                          base::Instant now);
  void reconcile_missing(const Observed& event, base::Instant now);
  void release_vanished(const std::vector<net::Ip>& pod_routes, base::Instant now);
  AddFailure why_none(base::Instant now) const;
  void refuse(const PodAdd& event, AddFailure why);
  void fail(const Pending& pending, const Error& error);
  void start_plan(base::Instant now);
  bool take_from_store(const Action& action, base::Instant now);
  Report& report(Report::Level level, std::string message,
                 std::vector<std::pair<std::string, std::string>> fields = {});

  CoreOptions options_;
  DataStore store_;
  Gate gate_;
  PlanView plan_;
  std::optional<base::SteadyTime> plan_again_;
  std::optional<base::SteadyTime> plan_owed_;  // since when
  std::vector<Effect> effects_;

  bool dirty_ = false;             // the file does not hold the store's state
  std::vector<Pending> waiting_;   // for the next write
  std::vector<Pending> in_write_;  // for the one under way
  std::optional<std::uint64_t> write_under_way_;
  std::uint64_t serial_ = 0;
  std::optional<base::SteadyTime> write_again_;  // after a failed write that nobody waits for

  std::deque<Parked> parked_;

  std::optional<Running> running_;
  OperationId operation_ = 0;
  std::minstd_rand random_;
  base::Duration delay_{};        // the last back-off
  std::set<PodKey> unwired_;      // restored without a link, so young that it may still be made
  std::uint64_t generation_ = 0;  // of the pool: grows when EC2's side changes or may have
  bool observing_ = false;
  base::SteadyTime observe_at_{};
  bool blind_ = false;                               // EC2 has not answered since the start
  bool doubt_ = true;                                // EC2's side may be other than the store says
  base::SteadyTime ask_ec2_at_{};                    // in any case
  std::set<net::EniId> unmanaged_;                   // as EC2 last said
  std::map<net::EniId, base::SteadyTime> adopting_;  // ENI -> not again before
  // Given back by us a moment ago; EC2's and IMDS's views may lag.
  std::map<net::Cidr, base::WallTime> unassigned_;
  std::map<net::EniId, base::WallTime> leaving_;
};

/// EC2 and IMDS may show for this long what was changed before.
inline constexpr auto kConsistencyLag = std::chrono::seconds(60);
inline constexpr auto kObservePeriod = std::chrono::seconds(60);
/// EC2 is asked this often although nothing looks changed; jitter adds up to half.
inline constexpr auto kAskEc2Period = std::chrono::minutes(10);
inline constexpr auto kPoolPeriod = std::chrono::seconds(5);

}  // namespace vpccni::ipam
