#include "tests/sim/matrix.h"

#include <iterator>

#include "tests/sim/climate.h"
#include "tests/sim/controller.h"
#include "tests/sim/oracle.h"
#include "tests/sim/pods.h"
#include "tests/sim/process.h"
#include "tests/sim/weather.h"
#include "tests/vpc/topology.h"

namespace vpccni::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kPods = 50;
constexpr auto kServesWithin = minutes(2);  // whoever does not answer
constexpr auto kReleased = minutes(8);      // a surplus has been given back by then

void check(World& world) {
  world.oracle->check_ec2();
  world.oracle->check_wiring();
  world.oracle->check_durable();
}

/// Until fifty pods run.
void fill(World& world) {
  for (int i = 0; i < 3000 && world.pods->running() < kPods && !world.over(); ++i) {
    world.pods->create();
    pass(world, milliseconds(200));
  }
  if (world.pods->running() < kPods) {
    world.journal.violated("fifty pods run", "only " + std::to_string(world.pods->running()));
  }
}

/// A block of the store with pods, or one without; nullopt if there is none.
std::optional<std::pair<net::EniId, net::Cidr>> find_block(World& world, bool used,
                                                           bool secondary_eni) {
  std::vector<std::pair<net::EniId, net::Cidr>> all;
  const auto& pools = world.process->pools();
  for (std::size_t pool = 0; pool < pools.size(); ++pool) {
    for (const auto& [id, eni] : pools.at(pool).store().enis()) {
      for (const auto& [cidr, block] : eni.blocks) {
        if ((block.assigned() > 0) == used && !(secondary_eni && eni.primary)) {
          all.emplace_back(id, cidr);
        }
      }
    }
  }
  return all.empty() ? std::nullopt : std::optional(world.random.pick(all));
}

void hide(World& world, bool whole_eni) {
  const auto found = find_block(world, true, whole_eni);
  if (!found) {
    world.journal.violated("the fault can be made", "no pods on any secondary ENI");
    return;
  }
  const auto& [eni, cidr] = *found;
  const std::string name = whole_eni        ? to_string(eni)
                           : cidr.is_host() ? to_string(cidr.base())
                                            : to_string(cidr);
  world.journal.say([&] { return "IMDS hides " + name; });
  world.model.imds_faults(world.instance).hidden.insert(name);
}

void freeze_imds(World& world) {
  world.model.imds_faults(world.instance).frozen = world.now().steady;
}

/// The agent gives some back, or somebody does while it is down; IMDS goes on listing it.
void free_behind_imds(World& world) {
  freeze_imds(world);
  if (world.random.chance(0.5)) {
    for (int i = 0; i < 20; ++i) {
      world.pods->stop();
    }
    pass(world, kReleased);
    return;
  }
  const auto idle = find_block(world, false, false);
  world.process->crash("an address goes while no agent runs");
  if (!idle) {
    return;
  }
  world.journal.say([&] { return "somebody takes " + to_string(idle->second); });
  const auto& [eni, cidr] = *idle;
  (void)(cidr.is_host() ? world.model.unassign(eni, {cidr.base()}, {}, world.now())
                        : world.model.unassign(eni, {}, {cidr}, world.now()));
}

void go_wrong(World& world, Wrong wrong) {
  switch (wrong) {
    case Wrong::imds_short:
    case Wrong::imds_without_eni:
      hide(world, wrong == Wrong::imds_without_eni);
      break;
    case Wrong::imds_lists_freed:
      free_behind_imds(world);
      break;
    case Wrong::ec2_away:
      world.model.faults().add(
          {.kind = world.random.chance(0.5) ? vpc::FaultKind::cut : vpc::FaultKind::black_hole});
      break;
    case Wrong::both_stale:
      freeze_imds(world);
      world.describe_lag = seconds(30);
      world.remember_enis();
      for (int i = 0; i < 12; ++i) {
        world.pods->stop();
      }
      pass(world, world.random.between(seconds(1), seconds(20)));
      fill(world);
  }
}

void restart(World& world) {
  if (world.process && world.random.chance(0.5)) {
    world.process->crash("the restart");
  } else if (world.process) {
    world.process->terminate();
  }
  pass(world, kServesWithin);
  if (!world.over() && world.serving() == nullptr) {
    world.journal.violated("the agent serves", "not two minutes after a restart");
  }
  check(world);
}

/// Some minutes with what is wrong: pods come and go, and another restart now and then.
void live_with_it(World& world) {
  for (int i = world.random.between(20, 60); i > 0 && !world.over(); --i) {
    if (world.random.chance(0.2)) {
      world.pods->stop();
    } else if (world.random.chance(0.3)) {
      world.pods->create();
    }
    if (world.random.chance(0.03)) {
      restart(world);
    }
    if (world.controller && world.random.chance(0.4)) {
      world.random.chance(0.6) ? world.controller->create_pod() : world.controller->stop_pod();
    }
    pass(world, seconds(10));
    check(world);
  }
}

}  // namespace

std::string to_string(const MatrixCase& one) {
  static constexpr std::string_view kWrong[kWrongs] = {"IMDS short by one", "IMDS without an ENI",
                                                       "IMDS lists what was freed",
                                                       "EC2 does not answer", "both are stale"};
  return std::string(name_of(one.mode)) + ", " + (one.prefixes ? "prefixes" : "addresses") + ": " +
         std::string(kWrong[static_cast<int>(one.wrong)]);
}

MatrixCase matrix_case(const Options& options) {
  constexpr Mode kModes[] = {Mode::plain, Mode::custom, Mode::multi_nic, Mode::sgp};
  const auto wrong = static_cast<Wrong>(options.seed % kWrongs);
  const bool prefixes = options.seed / kWrongs % 2 == 1;
  const Mode drawn = kModes[options.seed / kWrongs / 2 % std::size(kModes)];
  return {wrong, prefixes, options.mode == Mode::drawn ? drawn : options.mode};
}

void set_matrix_climate(World& world) {
  auto& set = world.settings;
  const auto which = matrix_case(world.options);
  set.enable_ipv4 = true;
  set.my_node_name = "node";
  set.cluster_name = "cluster";
  set.enable_prefix_delegation = which.prefixes;
  set.custom_networking = which.mode == Mode::custom;
  set.enable_multi_nic = which.mode == Mode::multi_nic;
  set.enable_pod_eni = which.mode == Mode::sgp;
  set.pod_security_group_enforcing_mode = which.prefixes ? "standard" : "strict";
  set.warm_ip_target = world.random.chance(0.6) ? world.random.between(1, 5) : 0;
  set.warm_prefix_target = 1;
  world.max_pods = 110;
  world.subnet = vpc::default_topology(world.model, world.now()).subnets.front();
  if (set.custom_networking) {
    add_pod_subnet(world, 24);
  }
  // Fifty pods shall need more than one ENI of a card, and find room.
  const std::string type = which.mode == Mode::multi_nic
                               ? (which.prefixes ? "duo.test" : "hpc7a.12xlarge")
                           : which.mode == Mode::sgp ? (which.prefixes ? "quad.test" : "m5.4xlarge")
                           : which.prefixes          ? "t3.small"
                           : which.mode == Mode::custom ? "m5.4xlarge"
                                                        : "t3.xlarge";
  world.limits = *world.model.find_limits(type);
  world.instance =
      world.model.run_instance({.type = type, .subnet = world.subnet}, world.now())->id;
  if (set.enable_pod_eni) {
    world.controller = std::make_unique<Controller>(world);
  }
}

Outcome restart_matrix(const Options& options) {
  World world(options);
  world.storm = false;
  world.start_agent(milliseconds(1));
  pass(world, minutes(1));
  fill(world);
  pass(world, world.random.between(seconds(1), minutes(10)));
  if (!world.over()) {
    go_wrong(world, matrix_case(options).wrong);
    restart(world);
    live_with_it(world);
    calm(world);
    world.describe_lag = {};
  }
  settle(world);
  check(world);
  return {world.journal.violation(), world.journal.lines(), world.journal.digest()};
}

}  // namespace vpccni::sim
