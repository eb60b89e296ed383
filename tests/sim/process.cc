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

void Process::call(ipam::PodAdd event, bool on_every_card, OnReply on_reply) {
  waiting_.emplace(event.token, std::move(on_reply));
  put({std::move(event), std::nullopt, on_every_card});
}

void Process::call(ipam::PodDel event, OnReply on_reply) {
  waiting_.emplace(event.token, std::move(on_reply));
  post(std::move(event));
}

void Process::post(ipam::Event event) {
  put({std::move(event), std::nullopt});
}

void Process::post(std::size_t pool, ipam::Event event) {
  put({std::move(event), pool});
}

void Process::put(Posted posted) {
  if (!dead_) {
    inbox_.push_back(std::move(posted));
    wake_loop();
  }
}

void Process::wake_loop() {
  if (!loop_woken_ && !loop_busy_) {
    loop_woken_ = true;
    later(world_.random.between(microseconds(10), milliseconds(2)), [this] { turn(); });
  }
}

void Process::feed(Posted& posted) {
  auto now = world_.now();
  if (auto* add = std::get_if<ipam::PodAdd>(&posted.event)) {
    world_.oracle->heard_add(add->token, add->key);
    if (world_.mutant(Mutant::reuse_in_cooldown)) {
      now = now + seconds(40);
    }
    pools_->add(std::move(*add), posted.on_every_card, now);
  } else if (auto* del = std::get_if<ipam::PodDel>(&posted.event)) {
    world_.oracle->heard_del(del->token, del->key);
    if (world_.mutant(Mutant::wrong_del_key)) {
      mutate_del(world_, *pools_, *del);
    }
    pools_->del(*del, now);
  } else if (!posted.pool) {
    pools_->on_all(posted.event, now);
  } else {
    if (auto* observed = std::get_if<ipam::Observed>(&posted.event)) {
      mutate_observed(world_, pools_->at(*posted.pool).store(), cards_[*posted.pool].given_back,
                      *observed);
    }
    pools_->on(*posted.pool, std::move(posted.event), now);
  }
}

/// One turn: all events that are there, then Agent::commit.
void Process::turn() {
  loop_woken_ = false;
  if (loop_busy_) {
    return;
  }
  while (!inbox_.empty()) {
    auto posted = std::move(inbox_.front());
    inbox_.pop_front();
    feed(posted);
  }
  loop_busy_ = true;
  take_effects();
  perform_effects();
}

void Process::take_effects() {
  auto turn = pools_->take_effects(world_.now());
  for (auto& effect : turn.effects) {
    effects_.emplace_back(std::move(effect));
  }
  for (auto& reply : turn.replies) {
    std::visit([this](auto& one) { effects_.emplace_back(std::move(one)); }, reply);
  }
  again_ = turn.again;
}

void Process::perform_effects() {
  for (;;) {
    while (!effects_.empty()) {
      Doing doing = std::move(effects_.front());
      effects_.pop_front();
      if (auto* of_pool = std::get_if<ipam::PoolEffect>(&doing)) {
        if (auto* write = std::get_if<ipam::WriteCheckpoint>(&of_pool->effect)) {
          write_checkpoint({of_pool->pool, std::move(*write)});
          return;  // goes on here when it is written
        }
      }
      std::visit([this](const auto& one) { perform(one); }, doing);
      if (dead_) {
        return;
      }
    }
    if (!again_) {
      break;
    }
    take_effects();
  }
  world_.oracle->check_store(*pools_);
  world_.oracle->check_wiring();
  loop_busy_ = false;
  arm_tick();
  if (!inbox_.empty()) {
    wake_loop();
  }
}

void Process::arm_tick() {
  const auto now = world_.now();
  later(pools_->next_tick(now) - now.steady, [this, tick = ++tick_] {
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

void Process::perform(const ipam::PodAdded& reply) {
  if (boundary("before the reply to an ADD")) {
    return;
  }
  world_.journal.say([&] { return "  reply " + describe(reply); });
  world_.oracle->said_add(reply);
  answer(reply.token, Reply(reply));
  if (world_.mutant(Mutant::double_assign)) {
    unmark(world_, reply, [this](ipam::Event event) { post(std::move(event)); });
  }
  if (world_.mutant(Mutant::keep_half)) {
    keep_half(reply, *pools_, world_.now());
  }
  (void)boundary("after the reply to an ADD");
}

void Process::perform(const ipam::PodDeleted& reply) {
  if (boundary("before the reply to a DEL")) {
    return;
  }
  world_.journal.say([&] { return "  reply " + describe(reply); });
  world_.oracle->said_del(reply);
  answer(reply.token, Reply(reply));
  (void)boundary("after the reply to a DEL");
}

void Process::perform(const ipam::PoolEffect& of_pool) {
  const std::size_t pool = of_pool.pool;
  if (const auto* execute_effect = std::get_if<ipam::Execute>(&of_pool.effect)) {
    execute(pool, *execute_effect);
  } else if (const auto* observe = std::get_if<ipam::Observe>(&of_pool.effect)) {
    post_pool([this, pool, look = *observe, asked = world_.now().steady] {
      post(pool, agent::observe(edges_, cards_[pool].node, look, listings_, asked));
    });
  } else if (const auto* adopt = std::get_if<ipam::AdoptEni>(&of_pool.effect)) {
    world_.journal.say([&] { return "  adopt " + to_string(adopt->eni.facts.id); });
    if (!world_.mutant(Mutant::lose_adopt)) {
      post_pool([this, pool, eni = adopt->eni] {
        post(pool, agent::adopt(edges_, cards_[pool].node, eni, stop_.get_token()));
      });
    }
  } else if (const auto* forget = std::get_if<ipam::ForgetEni>(&of_pool.effect)) {
    post_pool(
        [this, facts = forget->facts] { (void)edges_.kernel.delete_rules_from(facts.primary_ip); });
  } else if (const auto* report = std::get_if<ipam::Report>(&of_pool.effect)) {
    world_.journal.say([&] { return "  " + describe(*report); });
  }
}

void Process::execute(std::size_t pool, const ipam::Execute& effect) {
  const auto& core = pools_->at(pool);
  world_.journal.say([&] {
    return "  execute " + to_string(effect.action) + " on card " +
           to_string(core.store().options().card) + ", because " + effect.because;
  });
  ++operations_;
  if (std::holds_alternative<ipam::CreateEni>(effect.action)) {
    world_.oracle->creates_eni(core);
  }
  if (const auto* release = std::get_if<ipam::Release>(&effect.action)) {
    cards_[pool].given_back.insert(release->which.begin(), release->which.end());
  }
  if (note_what_goes(pool, effect.recent)) {
    return;
  }
  post_pool(
      [this, pool, id = effect.id, action = mutate_action(world_, core.store(), effect.action)] {
        if (boundary("before an operation")) {
          return;
        }
        releasing_ = std::holds_alternative<ipam::Release>(action);
        auto outcome = agent::execute(edges_, cards_[pool].node, action, stop_.get_token());
        releasing_ = false;
        if (boundary("after an operation")) {
          return;
        }
        world_.journal.say([&] {
          return "  ended " + to_string(action) + ": " +
                 (outcome ? std::string("done") : outcome.error().message);
        });
        if (auto told = mutate_outcome(world_, action, std::move(outcome))) {
          post(pool, ipam::OperationDone{id, *std::move(told)});
        }
      });
}

}  // namespace vpccni::sim
