#include "ipam/core.h"

#include <algorithm>

namespace vpccni::ipam {

namespace {

/// Describe may lag behind an Assign; an address this new is not taken away for being unlisted.
constexpr auto kConsistencyLag = std::chrono::seconds(60);
/// From the answer to an ADD until the pod has its link, at the latest.
constexpr auto kWiringGrace = std::chrono::seconds(60);
constexpr auto kRetryFirst = std::chrono::seconds(2);
constexpr auto kRetryMax = std::chrono::seconds(60);

}  // namespace

Core::Core(const CoreOptions& options, base::Instant now)
    : options_(options), store_(options.store), observe_at_(now.steady + kObservePeriod) {}

RestoreReport Core::restore(const std::vector<Assignment>& checkpoint,
                            const std::vector<std::pair<net::Ip, std::string>>& kernel_routes,
                            const Cooling& cooling,
                            const std::function<bool(const Assignment&)>& alive,
                            base::Instant now) {
  RestoreReport report;
  std::set<net::Ip> known;
  for (const auto& [address, released] : cooling) {
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
  dirty_ = true;
  return report;
}

void Core::on(Event event, base::Instant now) {
  std::visit([&](auto& one) { handle(one, now); }, event);
}

void Core::report(Report::Level level, std::string message,
                  std::vector<std::pair<std::string, std::string>> fields) {
  effects_.push_back(Report{level, std::move(message), std::move(fields)});
}

// --- pods

void Core::handle(PodAdd& event, base::Instant now) {
  unwired_.erase(event.key);
  if (const auto lease = store_.find(event.key)) {
    if (lease->eni.empty()) {
      effects_.push_back(ReplyAdd{
          event.token,
          AddFailure{"QUARANTINED_ONLY", "this sandbox holds " + to_string(lease->address) +
                                             ", which EC2 lists on no ENI of this node"}});
      return;
    }
    if (dirty_ || write_under_way_) {  // the first ADD of this key may not be durable yet
      waiting_.push_back({event.token, true, true, {*lease, {}}});
      dirty_ = true;
      return;
    }
    effects_.push_back(ReplyAdd{event.token, *lease});
    return;
  }
  if (event.pod.interfaces == 0) {
    event.pod.interfaces = 1;
  }
  auto change = store_.assign(event.key, event.pod, now);
  if (!change) {
    effects_.push_back(ReplyAdd{event.token, why_none(now)});
    return;
  }
  waiting_.push_back({event.token, true, false, *std::move(change)});
  dirty_ = true;
}

void Core::handle(PodDel& event, base::Instant now) {
  PodKey key = event.key;
  if (!store_.find(key)) {
    const PodKey migrated{"_migrated-from-cri", key.container, "unknown"};
    const PodKey by_name = recovered_key(event.host_veth);
    const PodKey by_sandbox = recovered_key(event.host_link);
    if (store_.find(migrated)) {
      key = migrated;
    } else if (!event.host_veth.empty() && store_.find(by_name)) {
      key = by_name;
    } else if (!event.host_link.empty() && store_.find(by_sandbox)) {
      key = by_sandbox;
    }
  }
  auto change = store_.release(key, now);
  if (!change) {
    effects_.push_back(ReplyDel{event.token, std::move(change).error()});
    return;
  }
  waiting_.push_back({event.token, false, false, *std::move(change)});
  dirty_ = true;
}

AddFailure Core::why_none(base::Instant now) const {
  const Stats stats = store_.stats(now.wall);
  const std::string free = std::to_string(stats.total - stats.assigned - stats.cooling) + " of " +
                           std::to_string(stats.total) + " free";
  if (stats.cooling > 0) {
    const auto ready = store_.next_ready(now.wall);
    const auto left = ready ? std::chrono::ceil<std::chrono::seconds>(*ready - now.wall)
                            : std::chrono::seconds(0);
    return {"POOL_COOLING", "0 free, " + std::to_string(stats.cooling) + " cooling, next in " +
                                std::to_string(left.count()) + "s"};
  }
  if (plan_.last_error) {
    const Error& error = *plan_.last_error;
    const std::string detail = free + "; " + error.message;
    switch (error.code) {
      case Errc::exhausted:
        return {"SUBNET_EXHAUSTED", detail};
      case Errc::throttled:
        return {"EC2_THROTTLED", detail};
      case Errc::denied:
        return {error.cause.empty() ? "CREDENTIALS" : "EC2_DENIED", detail};
      case Errc::unavailable:
      case Errc::timeout:
        return {"EC2_UNREACHABLE", detail};
      default:
        return {"POOL_EMPTY_GROWING", detail};
    }
  }
  const int enis = static_cast<int>(store_.enis().size());
  if (!running_ && enis >= options_.limits.enis &&
      stats.total >= enis * options_.limits.addresses_per_eni) {
    return {"ENI_LIMIT", std::to_string(stats.assigned) + " of " + std::to_string(stats.total) +
                             " used on " + std::to_string(enis) + " of " +
                             std::to_string(options_.limits.enis) +
                             " ENIs; the kubelet's max pods (" +
                             std::to_string(options_.targets.max_pods) + ") is too high"};
  }
  return {"POOL_EMPTY_GROWING",
          free + "; " +
              (running_ ? "EC2 request in flight: " + to_string(running_->action) : plan_.because)};
}

// --- durability

void Core::fail(const Pending& pending, const Error& error) {
  if (pending.add) {
    effects_.push_back(ReplyAdd{pending.token, AddFailure{"CHECKPOINT_WRITE", error.message}});
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
        effects_.push_back(ReplyAdd{done.token, done.change.lease});
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
  write_again_ = now.steady + kRetryFirst;
  report(Report::Level::error, "cannot write the checkpoint; ADD and DEL fail until it can",
         {{"error", event.error->message}});
}

// --- pool

void Core::add_addresses(const net::EniId& eni, const std::vector<net::Ip>& ips,
                         base::Instant now) {
  for (const auto& ip : ips) {
    recently_released_.erase(ip);                           // EC2 gave it to us again
    (void)store_.add_block(eni, net::Cidr::host(ip), now);  // known already is fine
  }
}

void Core::handle(EniReady& event, base::Instant now) {
  adopting_.erase(event.facts.id);
  ++generation_;
  if (store_.add_eni(event.facts, now)) {
    report(Report::Level::info, "ENI added to the pool",
           {{"eni", to_string(event.facts.id)},
            {"device", to_string(event.facts.device)},
            {"addresses", std::to_string(event.addresses.size())}});
  }
  add_addresses(event.facts.id, event.addresses, now);
}

void Core::operation_failed(const Error& error, base::Instant now) {
  plan_.last_error = error;
  if (error.cause == "InsufficientFreeAddressesInSubnet" ||
      error.cause == "InsufficientCidrBlocks") {
    gate_.subnet_exhausted = now.steady;
  }
  base::Duration delay = kRetryFirst;
  for (int i = 0; i < failures_ && delay < kRetryMax; ++i) {
    delay *= 2;
  }
  ++failures_;
  gate_.retry_at = now.steady + std::min<base::Duration>(delay, kRetryMax);
  // It may have happened all the same (a lost answer): ask before planning on.
  observe_at_ = now.steady;
}

void Core::handle(OperationDone& event, base::Instant now) {
  if (!running_ || running_->id != event.id) {
    return;
  }
  const Action action = std::move(running_->action);
  running_.reset();
  plan_.running.reset();
  ++generation_;
  if (!event.outcome) {
    report(Report::Level::warn, "pool operation failed",
           {{"operation", to_string(action)}, {"error", event.outcome.error().message}});
    operation_failed(event.outcome.error(), now);
    return;
  }
  failures_ = 0;
  plan_.last_error.reset();
  gate_.retry_at.reset();
  if (auto* grown = std::get_if<Grown>(&*event.outcome)) {
    add_addresses(grown->eni, grown->addresses, now);
  } else if (auto* ready = std::get_if<EniReady>(&*event.outcome)) {
    handle(*ready, now);
  }
  report(Report::Level::info, "pool operation done", {{"operation", to_string(action)}});
}

/// Starts the next operation. What it takes away leaves the store first, so that no pod can get
/// it; if the operation fails, Observed brings back what EC2 still lists.
void Core::start_plan(base::Instant now) {
  if (running_) {
    return;  // one at a time
  }
  Plan plan = plan_pool(options_.targets, options_.limits, store_, gate_, now);
  plan_.because = plan.because;
  plan_again_ = plan.again;
  if (!plan.action) {
    return;
  }
  if (const auto* release = std::get_if<ReleaseAddresses>(&*plan.action)) {
    gate_.last_shrink = now.steady;
    for (const auto& ip : release->which) {
      if (store_.remove_block(release->eni, net::Cidr::host(ip))) {
        recently_released_[ip] = now.steady + kConsistencyLag;
      }
    }
  } else if (const auto* remove = std::get_if<RemoveEni>(&*plan.action)) {
    const EniFacts facts = store_.enis().at(remove->eni);
    if (!store_.remove_eni(remove->eni)) {
      return;
    }
    effects_.push_back(ForgetEni{facts});
  }
  running_ = Running{++operation_, *plan.action};
  plan_.running = to_string(*plan.action);
  ++generation_;
  effects_.push_back(Execute{operation_, *std::move(plan.action), std::move(plan.because)});
}

// --- reconcile

void Core::handle(Observed& event, base::Instant now) {
  observing_ = false;
  observe_at_ = now.steady + kObservePeriod;
  if (event.generation != generation_ || running_) {
    observe_at_ = now.steady + std::chrono::seconds(1);  // the pool moved on: ask again
    return;
  }
  if (!event.enis || event.enis->empty()) {
    report(Report::Level::warn, "cannot compare the pool with EC2; nothing is changed",
           {{"error", event.enis ? "EC2 lists no ENI at all" : event.enis.error().message}});
    return;
  }
  release_vanished(event.pod_routes, now);
  for (const auto& seen : *event.enis) {
    reconcile_eni(seen, now);
  }
  reconcile_missing(event, now);
  std::erase_if(recently_released_, [&](const auto& one) { return one.second <= now.steady; });
}

void Core::reconcile_eni(const ObservedEni& seen, base::Instant now) {
  const auto known = store_.enis().find(seen.facts.id);
  if (known == store_.enis().end()) {
    const auto busy = adopting_.find(seen.facts.id);
    if (busy == adopting_.end() || busy->second <= now.steady) {
      adopting_[seen.facts.id] = now.steady + kObservePeriod;
      effects_.push_back(AdoptEni{seen});
    }
    return;
  }
  const std::set<net::Ip> listed(seen.addresses.begin(), seen.addresses.end());
  std::vector<net::Cidr> unlisted;
  for (const auto& [cidr, block] : known->second.blocks) {
    if (!block.prefix && !listed.contains(cidr.base()) &&
        now.steady - block.added.steady > kConsistencyLag) {
      unlisted.push_back(cidr);
    }
  }
  for (const auto& ip : seen.addresses) {
    if (ip != known->second.primary_ip && !recently_released_.contains(ip) &&
        store_.add_block(seen.facts.id, net::Cidr::host(ip), now)) {
      report(Report::Level::info, "address found on the ENI",
             {{"eni", to_string(seen.facts.id)}, {"address", to_string(ip)}});
    }
  }
  for (const auto& cidr : unlisted) {
    const bool used = !store_.remove_block(seen.facts.id, cidr);
    if (used) {
      store_.quarantine(seen.facts.id, cidr);
      dirty_ = true;
    }
    report(used ? Report::Level::error : Report::Level::warn,
           used ? "EC2 no longer lists an address that a pod uses; it is quarantined"
                : "EC2 no longer lists this address; it left the pool",
           {{"eni", to_string(seen.facts.id)}, {"address", to_string(cidr.base())}});
  }
}

/// ENIs that EC2 confirmed gone.
void Core::reconcile_missing(const Observed& event, base::Instant now) {
  std::set<net::EniId> listed;
  for (const auto& seen : *event.enis) {
    listed.insert(seen.facts.id);
  }
  std::vector<EniFacts> missing;
  for (const auto& [id, eni] : store_.enis()) {
    if (!listed.contains(id) && now.steady - eni.added.steady > kConsistencyLag) {
      missing.push_back(eni);
    }
  }
  for (const auto& facts : missing) {
    std::vector<net::Cidr> blocks;
    for (const auto& [cidr, block] : store_.enis().at(facts.id).blocks) {
      blocks.push_back(cidr);
    }
    for (const auto& cidr : blocks) {
      store_.quarantine(facts.id, cidr);
    }
    (void)store_.remove_eni(facts.id);
    dirty_ = true;
    effects_.push_back(ForgetEni{facts});
    report(Report::Level::error, "EC2 no longer lists this ENI; its pods are quarantined",
           {{"eni", to_string(facts.id)}});
  }
}

/// Entries that only the kernel knew end when the kernel no longer shows their route; so do those
/// whose pod had no link at the agent's start, when it had the time to get one.
void Core::release_vanished(const std::vector<net::Ip>& pod_routes, base::Instant now) {
  for (const auto& one : store_.assignments()) {
    if (std::find(pod_routes.begin(), pod_routes.end(), one.address) != pod_routes.end()) {
      unwired_.erase(one.key);
      continue;
    }
    const bool unwired = unwired_.contains(one.key) && now.wall - one.since > kWiringGrace;
    if (one.key.network == kRecoveredNetwork || unwired) {
      (void)store_.release(one.key, now);
      unwired_.erase(one.key);
      dirty_ = true;
    }
  }
}

void Core::handle(AdoptFailed& event, base::Instant now) {
  adopting_[event.eni] = now.steady + kObservePeriod;
  report(Report::Level::warn, "an attached ENI cannot be set up; it is tried again",
         {{"eni", to_string(event.eni)}, {"error", event.error.message}});
}

void Core::handle(Tick& /*event*/, base::Instant /*now*/) {}

void Core::handle(Terminating& /*event*/, base::Instant /*now*/) {
  gate_.terminating = true;
}

void Core::handle(Schedulable& event, base::Instant /*now*/) {
  gate_.unschedulable = !event.yes;
}

std::vector<Effect> Core::take_effects(base::Instant now) {
  const bool may_write = !waiting_.empty() || !write_again_ || now.steady >= *write_again_;
  if (dirty_ && !write_under_way_ && may_write) {
    in_write_ = std::move(waiting_);
    waiting_.clear();
    dirty_ = false;
    write_under_way_ = ++serial_;
    effects_.push_back(WriteCheckpoint{serial_, format_checkpoint(store_.assignments()),
                                       format_cooling(store_.cooling(now.wall))});
  }
  if (waiting_.empty() && in_write_.empty()) {
    start_plan(now);  // never on changes that may still be undone
  }
  if (!observing_ && !running_ && now.steady >= observe_at_) {
    observing_ = true;
    effects_.push_back(Observe{generation_});
  }
  return std::exchange(effects_, {});
}

base::SteadyTime Core::next_tick(base::Instant now) const {
  base::SteadyTime next = std::min(now.steady + kPoolPeriod, observe_at_);
  if (plan_again_) {
    next = std::min(next, *plan_again_);
  }
  return std::max(next, now.steady + std::chrono::milliseconds(10));
}

}  // namespace vpccni::ipam
