#include "ipam/core.h"

#include <algorithm>

namespace vpccni::ipam {

namespace {

/// From the answer to an ADD until the pod has its link, at the latest.
constexpr auto kWiringGrace = std::chrono::seconds(60);
/// After a write that failed and that nobody waits for.
constexpr auto kWriteAgain = std::chrono::seconds(2);
/// Of a plan, behind the answers to pods.
constexpr auto kPlanDelay = std::chrono::milliseconds(200);

}  // namespace

Core::Core(const CoreOptions& options, base::Instant now)
    : options_(options),
      store_(options.store),
      random_(options.seed),
      observe_at_(now.steady + kObservePeriod) {
  gate_.provisioning = options.provisioning;
}

RestoreReport Core::restore(const std::vector<Assignment>& checkpoint,
                            const std::vector<std::pair<net::Ip, std::string>>& kernel_routes,
                            const Recent& recent,
                            const std::function<bool(const Assignment&)>& alive,
                            base::Instant now) {
  RestoreReport report;
  std::set<net::Ip> known;
  for (const auto& [address, released] : recent.cooling) {
    // One from the future was written by a clock that was wrong: it must not cool until then.
    store_.restore_cooling(address, std::min(released, now.wall));
  }
  for (const Assignment& entry : checkpoint) {
    const bool named = !entry.pod.name_space.empty() && !entry.pod.name.empty();
    const bool recovered = entry.key.network == kRecoveredNetwork;
    // A plugin that got its answer just before the agent ended may still be wiring the pod.
    const bool settled = now.wall - entry.since > kWiringGrace;
    if ((named || recovered) && settled && !alive(entry)) {
      store_.restore_cooling(entry.address, now.wall);
      report.dropped.push_back(entry);
      continue;
    }
    known.insert(entry.address);
    const auto placed = store_.restore(entry);
    if (!placed) {
      report.conflicts.push_back(entry.pod.name_space + "/" + entry.pod.name + " " +
                                 to_string(entry.address) + ": " + placed.error().message);
    } else if (!*placed) {
      report.quarantined.push_back(entry);
    }
    if (named && !settled && !alive(entry)) {
      unwired_.insert(entry.key);  // or its DEL came while no agent was there to hear it
    }
  }
  for (const auto& [address, link] : kernel_routes) {
    const Assignment entry{recovered_key(link), {}, address, now.wall};
    if (!known.contains(address) && store_.restore(entry)) {
      report.recovered.push_back(entry);
    }
  }
  restore_given_back(recent, now);
  dirty_ = true;
  return report;
}

/// What the run before gave back to EC2 may still be listed: it is not ours to give out. What a pod
/// holds all the same stays; EC2 will tell.
void Core::restore_given_back(const Recent& recent, base::Instant now) {
  for (const auto& [cidr, at] : recent.unassigned) {
    if (now.wall - at > kConsistencyLag || at > now.wall) {
      continue;
    }
    for (const auto& id : eni_ids()) {
      if (store_.remove_block(id, cidr)) {
        break;
      }
    }
    unassigned_[cidr] = at;
  }
  for (const auto& [id, at] : recent.leaving) {
    if (now.wall - at <= kConsistencyLag && at <= now.wall) {
      leaving_[id] = at;
    }
  }
}

std::vector<net::EniId> Core::eni_ids() const {
  std::vector<net::EniId> ids;
  for (const auto& [id, eni] : store_.enis()) {
    ids.push_back(id);
  }
  return ids;
}

Recent Core::recent(base::Instant now) const {
  return {store_.cooling(now.wall),
          {unassigned_.begin(), unassigned_.end()},
          {leaving_.begin(), leaving_.end()}};
}

void Core::on(Event event, base::Instant now) {
  std::visit([&](auto& one) { handle(one, now); }, event);
}

Report& Core::report(Report::Level level, std::string message,
                     std::vector<std::pair<std::string, std::string>> fields) {
  effects_.push_back(Report{level, std::move(message), std::move(fields)});
  return std::get<Report>(effects_.back());
}

// --- pods

void Core::refuse(const PodAdd& event, AddFailure why) {
  effects_.push_back(ReplyAdd{event.token, std::move(why), event.key, event.pod});
}

/// False: no address is there for it now.
bool Core::answer_add(PodAdd& event, base::Instant now) {
  if (const auto lease = store_.find(event.key)) {
    if (lease->eni.empty()) {
      refuse(event, {"QUARANTINED_ONLY", "this sandbox holds " + to_string(lease->address) +
                                             ", which EC2 lists on no ENI of this node"});
    } else if (!store_.is_confirmed(lease->address)) {
      refuse(event, {"EC2_UNREACHABLE", "this sandbox holds " + to_string(lease->address) +
                                            ", but EC2 has not said yet on which ENI it is"});
    } else if (dirty_ || write_under_way_) {  // the first ADD of this key may not be durable yet
      waiting_.push_back({event.token, true, true, {*lease, {}}, event.key, event.pod});
      dirty_ = true;
    } else {
      effects_.push_back(ReplyAdd{event.token, *lease, event.key, event.pod, {}, true});
    }
    return true;
  }
  auto change = store_.assign(event.key, event.pod, now);
  if (!change) {
    return false;
  }
  waiting_.push_back({event.token, true, false, *std::move(change), event.key, event.pod});
  dirty_ = true;
  return true;
}

void Core::handle(PodAdd& event, base::Instant now) {
  unwired_.erase(event.key);
  if (event.pod.interfaces == 0) {
    event.pod.interfaces = 1;
  }
  if (answer_add(event, now)) {
    return;
  }
  if (options_.patience > base::Duration::zero() && !gate_.terminating) {
    parked_.push_back({std::move(event), now.steady + options_.patience});
    return;
  }
  refuse(event, why_none(now));
}

void Core::serve_parked(base::Instant now) {
  auto ready = parked_.empty() ? 0 : store_.stats(now.wall).ready();
  while (ready-- > 0 && !parked_.empty() && answer_add(parked_.front().add, now)) {
    parked_.pop_front();
  }
}

/// Is an address on its way that comes in time?
bool Core::hopeful(base::SteadyTime until, base::Instant now) const {
  if (gate_.terminating || now.steady >= until) {
    return false;
  }
  const auto next = store_.next_ready(now.wall);
  const bool cools = next && *next - now.wall < until - now.steady;
  if (running_) {
    return cools || !(std::holds_alternative<Release>(running_->action) ||
                      std::holds_alternative<RemoveEni>(running_->action));
  }
  return cools || (plan_again_ && *plan_again_ < until);
}

void Core::give_up_parked(base::Instant now) {
  for (auto parked = parked_.begin(); parked != parked_.end();) {
    if (hopeful(parked->until, now)) {
      ++parked;
      continue;
    }
    refuse(parked->add, why_none(now));
    parked = parked_.erase(parked);
  }
}

bool Core::waits(const PodKey& key) const {
  return std::any_of(parked_.begin(), parked_.end(),
                     [&](const Parked& one) { return one.add.key == key; });
}

std::optional<PodKey> Core::entry_of(const PodDel& event) const {
  const PodKey migrated{"_migrated-from-cri", event.key.container, "unknown"};
  if (store_.find(event.key)) {
    return event.key;
  }
  if (store_.find(migrated)) {
    return migrated;
  }
  for (const auto& link : event.host_links) {
    if (const PodKey recovered = recovered_key(link); store_.find(recovered)) {
      return recovered;
    }
  }
  return std::nullopt;
}

void Core::handle(PodDel& event, base::Instant now) {
  for (auto parked = parked_.begin(); parked != parked_.end();) {
    if (parked->add.key != event.key) {
      ++parked;
      continue;
    }
    refuse(parked->add, {"POD_DELETED", "its DEL came while it waited for an address"});
    parked = parked_.erase(parked);
  }
  const PodKey key = entry_of(event).value_or(event.key);
  auto change = store_.release(key, now);
  if (!change) {
    effects_.push_back(ReplyDel{event.token, std::move(change).error()});
    return;
  }
  waiting_.push_back({event.token, false, false, *std::move(change), key, {}});
  dirty_ = true;
}

// --- durability

void Core::fail(const Pending& pending, const Error& error) {
  if (pending.add) {
    effects_.push_back(ReplyAdd{pending.token, AddFailure{"CHECKPOINT_WRITE", error.message},
                                pending.key, pending.pod});
  } else {
    effects_.push_back(ReplyDel{pending.token, error});
  }
}

void Core::handle(CheckpointWritten& event, base::Instant now) {
  if (write_under_way_ != event.serial) {
    return;
  }
  write_under_way_.reset();
  if (!event.error) {
    for (const Pending& done : in_write_) {
      if (done.add) {
        effects_.push_back(ReplyAdd{done.token, done.change.lease, done.key, done.pod,
                                    done.change.before.released, done.repeated});
      } else {
        effects_.push_back(ReplyDel{done.token, done.change.lease});
      }
    }
    in_write_.clear();
    write_again_.reset();
    return;
  }
  // Newest first: a later change may stand on an earlier one.
  in_write_.insert(in_write_.end(), waiting_.begin(), waiting_.end());
  waiting_.clear();
  for (auto pending = in_write_.rbegin(); pending != in_write_.rend(); ++pending) {
    if (!pending->repeated && pending->add) {
      store_.undo_assign(pending->change);
    } else if (!pending->repeated) {
      store_.undo_release(pending->change);
    }
    fail(*pending, *event.error);
  }
  in_write_.clear();
  // The write may have happened (a failed fsync of the directory): the next one puts it right.
  dirty_ = true;
  write_again_ = now.steady + kWriteAgain;
  report(Report::Level::error, "cannot write the checkpoint; ADD and DEL fail until it can",
         {{"error", event.error->message}});
}

void Core::handle(Tick& /*event*/, base::Instant /*now*/) {}

void Core::handle(Terminating& /*event*/, base::Instant /*now*/) {
  gate_.terminating = true;
}

void Core::handle(Schedulable& event, base::Instant /*now*/) {
  gate_.unschedulable = !event.yes;
}

void Core::handle(LookAgain& /*event*/, base::Instant now) {
  if (!blind_) {  // else its own back-off counts
    observe_at_ = std::min(observe_at_, now.steady);
  }
}

bool Core::has_trunk() const {
  return std::any_of(store_.enis().begin(), store_.enis().end(),
                     [](const auto& one) { return one.second.trunk && one.second.set_up; });
}

Limits Core::limits() const {
  Limits limits = options_.limits;
  limits.enis -= options_.awaits_trunk && !has_trunk() ? 1 : 0;
  return limits;
}

/// The plan can wait for a moment, but no longer: with many pods it costs as much as all the rest.
bool Core::answers_go_first(base::Instant now) {
  const bool answers = std::any_of(effects_.begin(), effects_.end(), [](const Effect& effect) {
    return std::holds_alternative<ReplyAdd>(effect) || std::holds_alternative<ReplyDel>(effect);
  });
  plan_owed_ = plan_owed_.value_or(now.steady);
  if (answers && parked_.empty() && now.steady - *plan_owed_ < kPlanDelay) {
    plan_again_ = *plan_owed_ + kPlanDelay;
    return true;
  }
  plan_owed_.reset();
  return false;
}

std::vector<Effect> Core::take_effects(base::Instant now) {
  serve_parked(now);
  const bool may_write = !waiting_.empty() || !write_again_ || now.steady >= *write_again_;
  if (dirty_ && !write_under_way_ && may_write) {
    in_write_ = std::move(waiting_);
    waiting_.clear();
    dirty_ = false;
    write_under_way_ = ++serial_;
    effects_.push_back(WriteCheckpoint{serial_, format_checkpoint(store_.assignments()),
                                       format_recent(recent(now)),
                                       format_quarantine(quarantined_assignments())});
  }
  // Never on changes that may still be undone, and not while callers wait for their answers.
  if (waiting_.empty() && in_write_.empty() && !answers_go_first(now)) {
    start_plan(now);
    give_up_parked(now);
  }
  if (!observing_ && !running_ && now.steady >= observe_at_) {
    observing_ = true;
    effects_.push_back(next_observation(now));
  }
  return std::exchange(effects_, {});
}

Observe Core::next_observation(base::Instant now) {
  Observe look{.generation = generation_, .unmanaged = unmanaged_};
  bool unconfirmed = !store_.quarantined().empty() || !leaving_.empty() || !unassigned_.empty();
  for (const auto& [id, eni] : store_.enis()) {
    unconfirmed = unconfirmed || !eni.set_up;
    auto& blocks = look.known[id];
    for (const auto& [cidr, block] : eni.blocks) {
      unconfirmed = unconfirmed || !block.confirmed;
      blocks.insert(cidr);
    }
  }
  look.ask_ec2 = doubt_ || unconfirmed || now.steady >= ask_ec2_at_;
  return look;
}

std::vector<Assignment> Core::quarantined_assignments() const {
  std::vector<Assignment> all;
  for (const auto& [address, assignment] : store_.quarantined()) {
    all.push_back(assignment);
  }
  return all;
}

base::SteadyTime Core::next_tick(base::Instant now) const {
  base::SteadyTime next = std::min(now.steady + kPoolPeriod, observe_at_);
  if (plan_again_) {
    next = std::min(next, *plan_again_);
  }
  if (!parked_.empty()) {
    next = std::min(next, parked_.front().until);
    if (const auto ready = store_.next_ready(now.wall)) {
      next = std::min(next, now.steady + (*ready - now.wall) + std::chrono::milliseconds(1));
    }
  }
  return std::max(next, now.steady + std::chrono::milliseconds(10));
}

}  // namespace vpccni::ipam
