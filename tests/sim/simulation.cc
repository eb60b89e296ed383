#include "tests/sim/simulation.h"

#include <algorithm>

#include "tests/sim/climate.h"
#include "tests/sim/controller.h"
#include "tests/sim/matrix.h"
#include "tests/sim/oracle.h"
#include "tests/sim/pods.h"
#include "tests/sim/process.h"
#include "tests/sim/weather.h"

namespace vpccni::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto kQuiet = minutes(15);      // longer than every back-off and pause of the agent
constexpr auto kWatch = minutes(5);       // then nothing more may happen
constexpr std::uint64_t kCallBudget = 6;  // of EC2 in that time: one look a minute
constexpr std::uint64_t kDryBudget = 6;   // tries in that time if the subnet has no address left

/// Room for a trunk and several ENIs that are full soon.
aws::InstanceLimits quad_type() {
  aws::InstanceLimits limits;
  limits.enis = limits.ipv4_per_eni = 4;
  limits.cards = {{net::NetworkCard(0), limits.enis}};
  limits.hypervisor = "nitro";
  return limits;
}

vpc::ModelOptions model_options(const Options& options) {
  vpc::ModelOptions made;
  made.limits["quad.test"] = quad_type();
  made.seed = options.seed;
  Random random(~options.seed);
  made.scattered = random.chance(0.5);
  made.lags.attach = random.chance(0.1) ? random.between(seconds(50), seconds(100))
                                        : random.between(milliseconds(100), seconds(10));
  made.lags.detach = random.between(milliseconds(100), seconds(random.chance(0.1) ? 120 : 10));
  made.lags.imds_attach = random.between(milliseconds(0), seconds(5));
  made.lags.imds_change = random.between(milliseconds(0), seconds(10));
  return made;
}

base::Duration gap(Random& random) {
  const int draw = random.between(0, 9);
  return draw < 6   ? random.between(milliseconds(0), milliseconds(200))
         : draw < 9 ? random.between(milliseconds(200), seconds(5))
                    : random.between(seconds(5), seconds(70));
}

void schedule_steps(World& world, int left) {
  world.time.after(gap(world.random), [&world, left] {
    if (left == 0) {
      calm(world);
      return;
    }
    storm_step(world);
    world.oracle->check_ec2();
    world.oracle->check_wiring();
    if (auto sound = world.model.check(); !sound) {
      world.journal.violated("the VPC model is sound", sound.error().message);
    }
    schedule_steps(world, left - 1);
  });
}

/// The agent must serve by now, and be at rest.
void look(World& world, bool just_started) {
  if (world.over()) {
    return;
  }
  if (world.serving() == nullptr) {
    world.journal.violated("the agent serves", "it does not, long after the storm");
    return;
  }
  world.oracle->check_at_rest(world.process->pools(), just_started);
}

void watch(World& world) {
  if (world.over()) {
    return;
  }
  const auto before = world.process->operations();
  world.model.faults().reset_calls();
  pass(world, kWatch);
  std::uint64_t calls = 0;
  for (const auto& [action, count] : world.model.faults().calls()) {
    calls += count;
  }
  const auto& pools = world.process->pools();
  const auto more = world.process->operations() - before;
  const bool dry = world.dry();
  if (more > (dry ? kDryBudget * pools.size() : 0)) {
    world.journal.violated("the planner comes to rest", std::to_string(more) +
                                                            " operations in five quiet minutes; " +
                                                            pools.first().plan().because);
  }
  if (calls > kCallBudget && !dry) {
    world.journal.violated("call budget",
                           std::to_string(calls) + " EC2 calls in five quiet minutes");
  }
  for (std::size_t pool = 0; pool < pools.size(); ++pool) {
    if (const auto& running = pools.at(pool).plan().running; running && !dry) {
      world.journal.violated("the planner comes to rest", "still running: " + *running);
    }
  }
}

}  // namespace

World::World(const Options& wanted)
    : options(wanted),
      random(wanted.seed),
      journal(time, wanted.trace),
      model(model_options(wanted)),
      oracle(std::make_unique<Oracle>(*this)),
      pods(std::make_unique<Pods>(*this)) {
  options.matrix ? set_matrix_climate(*this) : draw_climate(*this);
}

World::~World() = default;

void World::remember_enis() {
  if (describe_lag > base::Duration::zero()) {
    past_.emplace_back(now().steady, model.enis());
  }
}

std::map<net::EniId, vpc::Eni> World::listed_enis() {
  model.advance(now());
  remember_enis();
  if (describe_lag == base::Duration::zero()) {
    past_.clear();
  }
  if (past_.empty()) {
    return model.enis();
  }
  const auto lag = random.between(base::Duration::zero(), describe_lag);
  while (past_.size() > 1 && past_[1].first <= now().steady - describe_lag) {
    past_.pop_front();
  }
  auto seen = past_.begin();
  while (std::next(seen) != past_.end() && std::next(seen)->first <= now().steady - lag) {
    ++seen;
  }
  return seen->second;
}

std::vector<net::NetworkCard> World::cards() const {
  std::vector<net::NetworkCard> all = {net::NetworkCard(0)};
  for (const auto& limit : limits.cards) {
    if (settings.enable_multi_nic && limit.card != all.front()) {
      all.push_back(limit.card);
    }
  }
  return all;
}

bool World::dry() const {
  if (settings.enable_ipv6) {
    return false;  // a /64 has room for ever
  }
  const auto* at = model.find_subnet(eni_subnet());
  if (settings.enable_prefix_delegation && at->fragmented && settings.pd_fallback) {
    return at->available_addresses < 64;
  }
  if (settings.enable_prefix_delegation) {
    const auto prefix = at->space.find_prefix(0, base::SteadyTime::max());
    return !prefix || at->available_addresses < 64;
  }
  return at->available_addresses <= limits.ipv4_per_eni || at->available_addresses < 16;
}

Process* World::serving() const {
  return process && process->serving() ? process.get() : nullptr;
}

void World::start_agent(base::Duration delay) {
  time.after(delay, [this] {
    process = std::make_unique<Process>(*this, ++incarnations);
    (void)process->start();
  });
}

void pass(World& world, base::Duration how_long) {
  world.time.pass(how_long, [&] { return world.over(); });
}

void settle(World& world) {
  pass(world, kQuiet);
  look(world, false);
  watch(world);
  if (!world.over()) {
    world.process->crash("a last, clean restart");
  }
  pass(world, kQuiet);
  look(world, true);
  watch(world);
}

Outcome simulate(const Options& options) {
  if (options.matrix) {
    return restart_matrix(options);
  }
  World world(options);
  world.start_agent(milliseconds(1));
  schedule_steps(world, options.steps);
  while (world.storm && !world.over()) {
    pass(world, minutes(1));
  }
  settle(world);
  return {world.journal.violation(), world.journal.lines(), world.journal.digest()};
}

}  // namespace vpccni::sim
