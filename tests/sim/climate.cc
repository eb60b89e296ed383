#include "tests/sim/climate.h"

#include "tests/sim/controller.h"
#include "tests/sim/neighbours.h"
#include "tests/vpc/topology.h"

namespace vpccni::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kZone = "us-west-2a";

net::Cidr block(std::uint32_t base, int length) {
  return net::Cidr(net::Ip::v4(base), length);
}

/// Which mode the agent runs in: mostly one that manages its pool.
void draw_mode(World& world) {
  auto& random = world.random;
  auto& set = world.settings;
  set.my_node_name = "node";
  set.cluster_name = "cluster";
  // Custom networking is IPv4's, and makes ENIs; a trunk wants an agent that asks EC2.
  const bool sgp = world.options.mode == Mode::sgp;
  const bool makes_enis = world.options.mode == Mode::custom || (sgp && random.chance(0.9));
  const int draw = random.between(makes_enis ? 24 : 0, sgp && !makes_enis ? 9 : 99);
  set.enable_ipv6 = draw < 10;
  set.enable_ipv4 = !set.enable_ipv6;
  set.imds_only = draw >= 10 && draw < 17;
  set.disable_provisioning = draw >= 10 && draw < 24;
  set.enable_prefix_delegation = set.enable_ipv6 || random.chance(0.4);
  set.pd_fallback = set.enable_ipv4 && random.chance(0.3);
  world.switches_mode = set.enable_ipv4 && random.chance(0.25);
  set.enable_subnet_discovery = random.chance(0.8);
}

/// The mode that is asked for, else now and then.
bool wanted(World& world, Mode mode, bool possible, double probability) {
  const bool drawn = possible && world.random.chance(probability);
  return world.options.mode == Mode::drawn ? drawn : world.options.mode == mode;
}

/// What needs a Kubernetes API, or several network cards.
void draw_use(World& world) {
  auto& set = world.settings;
  const bool manages = set.enable_ipv4 && !set.disable_provisioning;
  set.custom_networking = wanted(world, Mode::custom, manages, 0.15);
  set.enable_pod_eni = wanted(world, Mode::sgp, manages, 0.15);
  set.enable_multi_nic = wanted(world, Mode::multi_nic, true, 0.15);
  if (set.custom_networking) {
    add_pod_subnet(world, world.random.between(22, 27));
    world.more_subnets.push_back(world.pod_subnet);  // the weather's, too
  }
  if (set.enable_pod_eni) {
    set.pod_security_group_enforcing_mode = world.random.chance(0.5) ? "standard" : "strict";
    world.pod_eni_later = world.random.chance(0.2);
    set.enable_pod_eni = !world.pod_eni_later;
  }
}

void draw_targets(World& world) {
  auto& random = world.random;
  auto& set = world.settings;
  switch (random.between(0, 3)) {
    case 0:
      break;  // WARM_ENI_TARGET=1
    case 1:
      set.warm_ip_target = random.between(1, 5);
      break;
    case 2:
      set.warm_ip_target = random.between(1, 3);
      set.minimum_ip_target = random.between(2, 10);
      break;
    default:
      set.warm_eni_target = random.between(0, 2);
  }
  set.warm_prefix_target = random.between(0, 2);
  world.max_pods = set.enable_prefix_delegation || world.switches_mode ? 110 : 0;
  set.ip_cooldown_seconds = random.chance(0.8) ? 30 : random.between(5, 60);
  if (random.chance(0.2)) {
    set.max_eni = random.between(1, 3);
  }
}

/// Now and then a VPC that has hardly any address, or several subnets to choose from.
void draw_subnets(World& world) {
  auto& random = world.random;
  const auto topology = vpc::default_topology(world.model, world.now());
  world.subnet = topology.subnets.front();
  if (world.settings.enable_ipv4 && random.chance(0.25)) {
    const auto vpc = world.model.add_vpc({block(0x0a640000U, 16)}, world.now());
    world.subnet = *world.model.add_subnet(
        {.vpc = vpc, .cidr = block(0x0a640000U, random.between(26, 28)), .zone = kZone});
  } else if (random.chance(0.3)) {
    vpc::NewSubnet more{.vpc = topology.vpc, .cidr = block(0x0a006400U, 22), .zone = kZone};
    more.ipv6 = *net::Cidr::parse("2001:db8:1:64::/64");
    more.tags = {{"kubernetes.io/role/cni", "1"}};
    world.more_subnets.push_back(*world.model.add_subnet(more));
    more.cidr = block(0x0a00c800U, 22);
    more.ipv6 = *net::Cidr::parse("2001:db8:1:c8::/64");
    more.tags = {};
    world.more_subnets.push_back(*world.model.add_subnet(more));
  }
}

void draw_instance(World& world) {
  static const std::vector<std::string> kTypes = {"tiny.test", "m9x.large", "t3.small", "m5.large",
                                                  "t3.xlarge"};
  static const std::vector<std::string> kTwoCards = {"duo.test", "duo.test", "hpc7a.12xlarge"};
  static const std::vector<std::string> kTrunkTypes = {"tiny.test", "m9x.large", "quad.test",
                                                       "quad.test", "m5.xlarge"};
  const auto type = world.random.pick(world.settings.enable_multi_nic   ? kTwoCards
                                      : world.options.mode == Mode::sgp ? kTrunkTypes
                                                                        : kTypes);
  world.limits = *world.model.find_limits(type);
  world.instance = world.model
                       .run_instance({.type = type,
                                      .subnet = world.subnet,
                                      .ipv6_addresses = world.settings.enable_ipv6 ? 1 : 0},
                                     world.now())
                       ->id;
}

void draw_odds(World& world) {
  auto& random = world.random;
  auto& odds = world.odds;
  static const std::vector<double> kCrash = {0, 0.001, 0.003, 0.01, 0.02, 0.05};
  odds.crash = random.pick(kCrash);
  odds.write_fails = random.chance(0.5) ? 0 : 0.01 * random.between(1, 20);
  odds.kernel_fails = random.chance(0.7) ? 0 : 0.1;
  odds.wiring_fails = random.chance(0.5) ? 0 : 0.1;
  odds.reply_lost = random.chance(0.5) ? 0 : 0.05;
  odds.slow_plugin = random.chance(0.5) ? 0 : 0.2;
  odds.call_fault = random.chance(0.4) ? 0 : 0.01 * random.between(1, 12);
  if (random.chance(0.3)) {
    world.describe_lag = random.between(milliseconds(200), seconds(6));
  }
  // Whoever may ask IMDS alone never hears that an address was taken.
  world.outsiders = random.chance(0.1) && !world.settings.imds_only;
  world.checkpoint_loss = random.chance(0.15);
  world.neighbours = random.chance(0.15);
  world.stays_fragmented = world.settings.pd_fallback && random.chance(0.3);
}

}  // namespace

std::string_view name_of(Mode mode) {
  constexpr std::string_view kNames[] = {"drawn", "plain", "custom", "multi-nic", "sgp"};
  return kNames[static_cast<int>(mode)];
}

std::optional<Mode> find_mode(std::string_view name) {
  for (const Mode mode : {Mode::plain, Mode::custom, Mode::multi_nic, Mode::sgp}) {
    if (name == name_of(mode)) {
      return mode;
    }
  }
  return std::nullopt;
}

void add_pod_subnet(World& world, int length) {
  const auto vpc = world.model.find_subnet(world.subnet)->vpc;
  const auto base = world.model.vpcs().at(vpc).cidrs.front().at(0xf000U);
  world.pod_subnet =
      *world.model.add_subnet({.vpc = vpc, .cidr = net::Cidr(base, length), .zone = kZone});
}

void draw_climate(World& world) {
  draw_mode(world);
  draw_targets(world);
  draw_subnets(world);
  draw_use(world);
  draw_instance(world);
  draw_odds(world);
  if (world.settings.enable_pod_eni || world.pod_eni_later) {
    world.controller = std::make_unique<Controller>(world);
  }
  world.model.edit_subnet(world.eni_subnet())->fragmented = world.stays_fragmented;
  if (world.settings.disable_provisioning) {
    provide(world);
  }
}

}  // namespace vpccni::sim
