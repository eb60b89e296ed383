#include "tests/sim/process.h"

#include <algorithm>

#include "tests/sim/mutations.h"
#include "tests/sim/oracle.h"
#include "tests/sim/pods.h"

namespace vpccni::sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kWriteSteps[] = {"before the checkpoint", "side file written",
                                       "temporary file written", "checkpoint renamed",
                                       "directory synced"};

}  // namespace

Process::Process(World& world, std::uint64_t id)
    : world_(world),
      id_(id),
      clock_(world, *this),
      ec2_(world, *this),
      imds_(world, *this),
      kernel_(world, *this),
      log_(
          [&world](std::string_view line) {
            world.journal.say(
                [&] { return "  log " + std::string(line.substr(0, line.size() - 1)); });
          },
          world.journal.wanted() ? base::Level::warn : base::Level::error, clock_),
      edges_{ec2_, imds_, kernel_, clock_, log_, nullptr, [&world]() -> Result<k8s::EniConfig> {
               if (world.eni_config_gone) {
                 return Error{Errc::not_found, "ENIConfig \"custom\" does not exist",
                              ipam::kEniConfigMissing};
               }
               return k8s::EniConfig{"custom", world.pod_subnet, {}};
             }} {}

// --- time and death

bool Process::pass(base::Duration how_long, const std::stop_token& stop) {
  if (!dead_) {
    world_.time.pass(how_long, [&] { return dead_ || world_.over() || stop.stop_requested(); });
  }
  return !dead_ && !world_.over() && !stop.stop_requested();
}

bool Process::boundary(std::string_view where) {
  if (!dead_ && world_.storm && world_.random.chance(world_.odds.crash)) {
    crash(where);
  }
  return dead_;
}

void Process::crash(std::string_view where) {
  if (dead_) {
    return;
  }
  world_.journal.say([&] { return "CRASH at: " + std::string(where); });
  auto& random = world_.random;
  end(random.chance(0.1) ? random.between(seconds(5), seconds(60))
                         : random.between(milliseconds(50), seconds(5)));
}

void Process::end(base::Duration restart) {
  if (dead_) {
    return;
  }
  dead_ = true;
  serving_ = false;
  for (auto& [token, on_reply] : waiting_) {
    world_.time.after(microseconds(100), [done = std::move(on_reply)] { done(std::nullopt); });
  }
  waiting_.clear();
  world_.start_agent(restart);
}

/// Only if this process still runs then.
void Process::later(base::Duration delay, std::function<void()> task) {
  world_.time.after(delay, [&world = world_, id = id_, task = std::move(task)] {
    if (world.process && world.process->id() == id && !world.process->dead()) {
      task();
    }
  });
}

void Process::terminate() {
  if (terminating_) {
    return;
  }
  if (!serving()) {
    crash("SIGTERM while it starts");
    return;
  }
  terminating_ = true;
  world_.journal.say([] { return std::string("SIGTERM"); });
  post(ipam::Terminating{});
  post_pool([this] { end(world_.random.between(milliseconds(100), seconds(3))); });
  later(seconds(5), [this] {
    stop_.request_stop();
    later(seconds(2), [this] { end(milliseconds(100)); });
  });
}

// --- the pool thread

void Process::post_pool(std::function<void()> task) {
  pool_.push_back(std::move(task));
  later({}, [this] { run_pool(); });
}

void Process::run_pool() {
  if (pool_busy_ || pool_.empty()) {
    return;
  }
  const auto task = std::move(pool_.front());
  pool_.pop_front();
  pool_busy_ = true;
  task();  // time passes, other events happen
  pool_busy_ = false;
  if (!dead_) {
    later({}, [this] { run_pool(); });
  }
}

// --- the loop thread

void Process::call(ipam::Event event, ipam::Token token, OnReply on_reply) {
  waiting_.emplace(token, std::move(on_reply));
  post(std::move(event));
}

void Process::post(ipam::Event event) {
  if (!dead_) {
    inbox_.push_back(std::move(event));
    wake_loop();
  }
}

void Process::wake_loop() {
  if (!loop_woken_ && !loop_busy_) {
    loop_woken_ = true;
    later(world_.random.between(microseconds(10), milliseconds(2)), [this] { turn(); });
  }
}

void Process::feed(ipam::Event& event) {
  auto now = world_.now();
  if (auto* add = std::get_if<ipam::PodAdd>(&event)) {
    world_.oracle->heard_add(add->token, add->key);
    if (world_.mutant(Mutant::reuse_in_cooldown)) {
      now = now + seconds(40);
    }
  } else if (auto* del = std::get_if<ipam::PodDel>(&event)) {
    world_.oracle->heard_del(del->token, del->key);
    if (world_.mutant(Mutant::wrong_del_key)) {
      mutate_del(world_, core_->store(), *del);
    }
  }
  if (auto* observed = std::get_if<ipam::Observed>(&event)) {
    mutate_observed(world_, core_->store(), given_back_, *observed);
  }
  core_->on(std::move(event), now);
}

/// One turn: all events that are there, then Agent::commit.
void Process::turn() {
  loop_woken_ = false;
  if (loop_busy_) {
    return;
  }
  while (!inbox_.empty()) {
    auto event = std::move(inbox_.front());
    inbox_.pop_front();
    feed(event);
  }
  loop_busy_ = true;
  wrote_ = false;
  for (auto& effect : core_->take_effects(world_.now())) {
    effects_.push_back(std::move(effect));
  }
  perform_effects();
}

void Process::perform_effects() {
  for (;;) {
    while (!effects_.empty()) {
      ipam::Effect effect = std::move(effects_.front());
      effects_.pop_front();
      if (auto* write = std::get_if<ipam::WriteCheckpoint>(&effect)) {
        write_checkpoint(std::move(*write));  // goes on here when it is written
        return;
      }
      perform(effect);
      if (dead_) {
        return;
      }
    }
    if (!wrote_) {
      break;
    }
    wrote_ = false;
    for (auto& effect : core_->take_effects(world_.now())) {
      effects_.push_back(std::move(effect));
    }
  }
  world_.oracle->check_store(*core_);
  world_.oracle->check_wiring();
  loop_busy_ = false;
  arm_tick();
  if (!inbox_.empty()) {
    wake_loop();
  }
}

void Process::arm_tick() {
  const auto now = world_.now();
  later(core_->next_tick(now) - now.steady, [this, tick = ++tick_] {
    if (tick == tick_) {
      post(ipam::Tick{});
    }
  });
}

void Process::answer(ipam::Token token, const Reply& reply) {
  auto caller = waiting_.extract(token);
  if (caller.empty()) {
    return;
  }
  const bool lost = world_.storm && world_.random.chance(world_.odds.reply_lost);
  world_.time.after(
      world_.random.between(microseconds(30), milliseconds(3)),
      [done = std::move(caller.mapped()), reply = lost ? Reply() : reply] { done(reply); });
}

void Process::perform(ipam::Effect& effect) {
  if (auto* add = std::get_if<ipam::ReplyAdd>(&effect)) {
    if (boundary("before the reply to an ADD")) {
      return;
    }
    world_.journal.say([&] { return "  reply " + describe(*add); });
    world_.oracle->said_add(*add);
    answer(add->token, Reply(*add));
    if (world_.mutant(Mutant::double_assign)) {
      unmark(world_, *add, [this](ipam::Event event) { post(std::move(event)); });
    }
    (void)boundary("after the reply to an ADD");
  } else if (auto* del = std::get_if<ipam::ReplyDel>(&effect)) {
    if (boundary("before the reply to a DEL")) {
      return;
    }
    world_.journal.say([&] { return "  reply " + describe(*del); });
    world_.oracle->said_del(*del);
    answer(del->token, Reply(*del));
    (void)boundary("after the reply to a DEL");
  } else if (auto* execute_effect = std::get_if<ipam::Execute>(&effect)) {
    execute(*execute_effect);
  } else if (auto* observe = std::get_if<ipam::Observe>(&effect)) {
    post_pool([this, look = *observe] {
      agent::Listings listings;
      post(agent::observe(edges_, node_, look, listings, {}));
    });
  } else if (auto* adopt = std::get_if<ipam::AdoptEni>(&effect)) {
    world_.journal.say([&] { return "  adopt " + to_string(adopt->eni.facts.id); });
    if (!world_.mutant(Mutant::lose_adopt)) {
      post_pool(
          [this, eni = adopt->eni] { post(agent::adopt(edges_, node_, eni, stop_.get_token())); });
    }
  } else if (auto* forget = std::get_if<ipam::ForgetEni>(&effect)) {
    post_pool(
        [this, facts = forget->facts] { (void)edges_.kernel.delete_rules_from(facts.primary_ip); });
  } else if (auto* report = std::get_if<ipam::Report>(&effect)) {
    world_.journal.say([&] { return "  " + describe(*report); });
  }
}

void Process::execute(const ipam::Execute& effect) {
  world_.journal.say(
      [&] { return "  execute " + to_string(effect.action) + ", because " + effect.because; });
  ++operations_;
  if (std::holds_alternative<ipam::CreateEni>(effect.action)) {
    world_.oracle->creates_eni(*core_);
  }
  if (const auto* release = std::get_if<ipam::Release>(&effect.action)) {
    given_back_.insert(release->which.begin(), release->which.end());
  }
  if (!effect.recent.empty() && !world_.mutant(Mutant::forget_given_back)) {
    if (boundary("before noting what goes")) {
      return;
    }
    world_.disk.recent = recent_written_ = effect.recent;
  }
  post_pool([this, id = effect.id, action = mutate_action(world_, core_->store(), effect.action)] {
    if (boundary("before an operation")) {
      return;
    }
    releasing_ = std::holds_alternative<ipam::Release>(action);
    auto outcome = agent::execute(edges_, node_, action, stop_.get_token());
    releasing_ = false;
    if (boundary("after an operation")) {
      return;
    }
    world_.journal.say([&] {
      return "  ended " + to_string(action) + ": " +
             (outcome ? std::string("done") : outcome.error().message);
    });
    if (auto told = mutate_outcome(world_, action, std::move(outcome))) {
      post(ipam::OperationDone{id, *std::move(told)});
    }
  });
}

// --- the checkpoint: side file, temporary file, rename, sync of the directory

void Process::write_checkpoint(ipam::WriteCheckpoint effect) {
  wrote_ = true;
  const auto shared = std::make_shared<ipam::WriteCheckpoint>(std::move(effect));
  if (world_.mutant(Mutant::reply_before_checkpoint)) {
    core_->on(ipam::CheckpointWritten{shared->serial, std::nullopt}, world_.now());
    later(milliseconds(5), [this, shared] {
      world_.disk.recent = shared->recent;
      world_.disk.checkpoint = shared->checkpoint;
    });
    perform_effects();
    return;
  }
  write_step(shared, 0);
}

void Process::write_step(const std::shared_ptr<ipam::WriteCheckpoint>& effect, int step) {
  if (boundary(kWriteSteps[step])) {
    return;
  }
  if (step == 4) {
    written(effect->serial, std::nullopt);
    return;
  }
  const bool same_recent = step == 0 && effect->recent == recent_written_;
  // Each step may be the one that fails; after the rename the file is there all the same.
  if (!same_recent && world_.storm && world_.random.chance(world_.odds.write_fails / 4)) {
    recent_written_ = step == 0 ? "" : recent_written_;
    Error error{Errc::exhausted, std::string("after \"") + kWriteSteps[step] + "\": no space left",
                "ENOSPC"};
    const bool hidden = world_.mutant(Mutant::ack_failed_write);
    written(effect->serial, hidden ? std::nullopt : std::optional(std::move(error)));
    return;
  }
  if (step == 0 && !same_recent) {
    world_.disk.recent = recent_written_ = effect->recent;
  } else if (step == 1 && world_.mutant(Mutant::write_in_place)) {
    world_.disk.checkpoint = effect->checkpoint.substr(0, effect->checkpoint.size() / 2);
  } else if (step == 2) {
    world_.disk.checkpoint = effect->checkpoint;
    world_.checkpoint_lost = false;
  }
  later(world_.random.between(microseconds(20), milliseconds(5)),
        [this, effect, step] { write_step(effect, step + 1); });
}

void Process::written(std::uint64_t serial, std::optional<Error> error) {
  world_.journal.say([&] {
    return "  checkpoint " + std::to_string(serial) + (error ? ": " + error->message : " written");
  });
  core_->on(ipam::CheckpointWritten{serial, std::move(error)}, world_.now());
  perform_effects();
}

}  // namespace vpccni::sim
