// Core: the pool's operations, from plan to outcome.
#include <algorithm>

#include "ipam/core.h"

namespace vpccni::ipam {

namespace {

constexpr auto kRetryFirst = std::chrono::seconds(1);
constexpr auto kRetryMax = std::chrono::seconds(120);
/// For an ENIConfig: one small object of the API server.
constexpr auto kRetryEniConfig = std::chrono::seconds(5);

bool takes_away(const Action& action) {
  return std::holds_alternative<Release>(action) || std::holds_alternative<RemoveEni>(action);
}

}  // namespace

AddFailure Core::why_none(base::Instant now) const {
  const Limits limits = this->limits();
  Shortage shortage{.targets = options_.targets,
                    .limits = limits,
                    .gate = gate_,
                    .stats = store_.stats(now.wall),
                    .enis = static_cast<int>(store_.enis().size()),
                    .prefixes = options_.store.prefixes,
                    .next_ready = store_.next_ready(now.wall),
                    .last_error = plan_.last_error,
                    .because = plan_.because,
                    .now = now};
  for (const auto& [id, eni] : store_.enis()) {
    shortage.not_for_pods += eni.for_pods && !eni.trunk ? 0 : 1;
  }
  if (running_) {
    shortage.running = to_string(running_->action);
    shortage.running_for = now.steady - running_->since;
  }
  return why_no_address(shortage);
}

void Core::add_blocks(const net::EniId& eni, const std::vector<net::Cidr>& blocks,
                      base::Instant now, bool confirmed) {
  for (const auto& cidr : blocks) {
    unassigned_.erase(cidr);  // EC2 gave it to us again
    if (!store_.add_block(eni, cidr, now, confirmed)) {
      store_.set_confirmed(eni, cidr, confirmed);  // known already is fine
    }
  }
}

void Core::handle(EniReady& event, base::Instant now) {
  adopting_.erase(event.facts.id);
  ++generation_;
  if (leaving_.contains(event.facts.id)) {
    return;  // it was being set up when its removal began
  }
  if (store_.add_eni(event.facts, now)) {
    report(Report::Level::info, "ENI added to the pool",
           {{"eni", to_string(event.facts.id)},
            {"device", to_string(event.facts.device)},
            {"blocks", std::to_string(event.blocks.size())}});
  } else {
    store_.update_eni(event.facts);
  }
  // What went back to EC2 a moment ago may be on a list that is older.
  std::erase_if(event.blocks, [&](const auto& cidr) { return unassigned_.contains(cidr); });
  add_blocks(event.facts.id, event.blocks, now, event.confirmed);
}

/// Decorrelated jitter: nodes that failed together do not try again together.
base::Duration Core::next_delay() {
  std::uniform_real_distribution<double> part(0.0, 1.0);
  const auto most = std::max<base::Duration>(delay_ * 3, kRetryFirst * 2);
  const auto spread = std::chrono::duration<double>(most - kRetryFirst) * part(random_);
  delay_ = std::min<base::Duration>(
      kRetryFirst + std::chrono::duration_cast<base::Duration>(spread), kRetryMax);
  return delay_;
}

void Core::operation_failed(const Error& error, base::Instant now) {
  plan_.last_error = error;
  if (error.cause == kEniConfigMissing) {
    gate_.retry_at = now.steady + kRetryEniConfig;
    return;
  }
  if (error.cause == "InsufficientFreeAddressesInSubnet") {
    gate_.subnet_exhausted = now.steady;
  } else if (error.cause == "InsufficientCidrBlocks") {
    gate_.fragmented = now.steady;
  } else if (error.code == Errc::throttled) {
    gate_.minimum_batch =
        std::clamp(gate_.minimum_batch * 2, 1, std::max(options_.limits.slots_per_eni, 1));
  }
  gate_.retry_at = now.steady + next_delay();
  // It may have happened all the same (a lost answer): ask before planning on.
  observe_at_ = now.steady;
  doubt_ = true;
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
    Report& told =
        report(Report::Level::warn, "pool operation failed",
               {{"operation", to_string(action)}, {"error", event.outcome.error().message}});
    if (event.outcome.error().cause == kEniConfigMissing) {
      told.event = "EniConfigMissing";
    }
    operation_failed(event.outcome.error(), now);
    return;
  }
  delay_ = {};
  plan_.last_error.reset();
  gate_.retry_at.reset();
  if (auto* grown = std::get_if<Grown>(&*event.outcome)) {
    add_blocks(grown->eni, grown->blocks, now);
    gate_.minimum_batch = std::max(gate_.minimum_batch / 2, 1);
  } else if (auto* ready = std::get_if<EniReady>(&*event.outcome)) {
    for (const auto& cidr : ready->blocks) {
      unassigned_.erase(cidr);  // EC2 gave it to us again
    }
    handle(*ready, now);
  } else if (auto* released = std::get_if<Released>(&*event.outcome);
             released != nullptr && !released->kept.empty()) {
    // They are out of the store, and come back when Observed sees them again.
    report(Report::Level::warn, "the kernel still names addresses that no pod holds; not released",
           {{"first", to_string(released->kept.front())},
            {"count", std::to_string(released->kept.size())}});
  }
  report(Report::Level::info, "pool operation done", {{"operation", to_string(action)}});
}

/// What is taken away leaves the store first, so that no pod can get it; if the operation fails,
/// Observed brings back what EC2 still lists. False: the store refuses.
bool Core::take_from_store(const Action& action, base::Instant now) {
  if (const auto* release = std::get_if<Release>(&action)) {
    gate_.last_shrink = now.steady;
    for (const auto& cidr : release->which) {
      if (store_.remove_block(release->eni, cidr)) {
        unassigned_[cidr] = now.wall;
      }
    }
  } else if (const auto* remove = std::get_if<RemoveEni>(&action)) {
    const EniFacts facts = store_.enis().at(remove->eni);
    if (!store_.remove_eni(remove->eni)) {
      return false;
    }
    leaving_[remove->eni] = now.wall;
    effects_.push_back(ForgetEni{facts});
  }
  return true;
}

/// Since when the pool is off its targets: small distances are not acted on at once.
void Core::track_distance(base::Instant now) {
  const Stats stats = store_.stats(now.wall);
  const bool prefixes = options_.store.prefixes;
  const auto track = [&](std::optional<base::SteadyTime>& since, bool off) {
    since = !off ? std::nullopt : since ? since : std::optional(now.steady);
  };
  track(gate_.low_since, too_low(options_.targets, limits(), stats, prefixes));
  track(gate_.over_since, distance(options_.targets, stats, prefixes).surplus > 0);
}

/// Starts the next operation.
void Core::start_plan(base::Instant now) {
  if (running_) {
    return;  // one at a time
  }
  if (blind_) {
    plan_.because = "EC2 has not answered since the start";
    plan_again_ = observe_at_;
    return;
  }
  track_distance(now);
  Plan plan = plan_pool(options_.targets, limits(), store_, gate_, now);
  plan_.because = plan.because;
  plan_again_ = plan.again;
  if (!plan.action || !take_from_store(*plan.action, now)) {
    return;
  }
  if (auto* create = std::get_if<CreateEni>(&*plan.action)) {
    create->places = limits().enis + options_.foreign_enis;
  }
  const bool less = takes_away(*plan.action);
  running_ = Running{++operation_, *plan.action, now.steady};
  plan_.running = to_string(*plan.action);
  ++generation_;
  effects_.push_back(Execute{operation_, *std::move(plan.action), std::move(plan.because),
                             less ? format_recent(recent(now)) : std::string()});
}

}  // namespace vpccni::ipam
