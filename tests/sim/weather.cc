#include "tests/sim/weather.h"

#include "tests/sim/oracle.h"
#include "tests/sim/pods.h"
#include "tests/sim/process.h"

namespace vpccni::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using vpc::FaultKind;

void ec2_fault(World& world) {
  auto& random = world.random;
  static const std::vector<std::string> kActions = {"*",
                                                    "DescribeNetworkInterfaces",
                                                    "DescribeInstances",
                                                    "DescribeSubnets",
                                                    "CreateNetworkInterface",
                                                    "AttachNetworkInterface",
                                                    "ModifyNetworkInterfaceAttribute",
                                                    "DetachNetworkInterface",
                                                    "DeleteNetworkInterface",
                                                    "AssignPrivateIpAddresses",
                                                    "UnassignPrivateIpAddresses"};
  static const std::vector<FaultKind> kKinds = {
      FaultKind::throttle,   FaultKind::deny,        FaultKind::fail,        FaultKind::delay,
      FaultKind::delay,      FaultKind::lose_answer, FaultKind::lose_answer, FaultKind::cut,
      FaultKind::black_hole, FaultKind::garbage};
  static const std::vector<std::string> kCodes = {"InternalError",
                                                  "IncorrectState",
                                                  "InsufficientFreeAddressesInSubnet",
                                                  "InsufficientCidrBlocks",
                                                  "PrivateIpAddressLimitExceeded",
                                                  "AttachmentLimitExceeded",
                                                  "InvalidParameterValue"};
  vpc::Fault fault;
  fault.kind = random.pick(kKinds);
  fault.action = random.pick(kActions);
  fault.times = random.between(1, 6);
  fault.code = random.pick(kCodes);
  fault.delay = random.between(milliseconds(100), seconds(20));
  world.journal.say([&] {
    return "fault " + std::string(to_string(fault.kind)) + " of " + fault.action + " x" +
           std::to_string(fault.times) + (fault.kind == FaultKind::fail ? " " + fault.code : "");
  });
  world.model.faults().add(std::move(fault));
}

void imds_fault(World& world) {
  auto& random = world.random;
  auto& faults = world.model.imds_faults(world.instance);
  switch (random.between(0, 5)) {
    case 0:
      faults = {};
      break;
    case 1:
      faults.unavailable = random.between(1, 4);
      break;
    case 2:
      faults.frozen = world.now().steady;
      break;
    case 3:
      faults.after_detach = vpc::ImdsFaults::Gone::stay;
      break;
    case 4:
      faults.down = true;
      world.time.after(random.between(milliseconds(500), seconds(15)),
                       [&world] { world.model.imds_faults(world.instance).down = false; });
      break;
    default:
      for (const auto& [id, eni] : world.model.enis()) {
        if (random.chance(0.3)) {
          faults.hidden.insert(to_string(id));
        }
        for (const auto& address : eni.addresses) {
          if (!address.primary && random.chance(0.2)) {
            faults.hidden.insert(to_string(address.ip));
          }
        }
        for (const auto& prefix : eni.prefixes) {
          if (random.chance(0.2)) {
            faults.hidden.insert(to_string(prefix));
          }
        }
      }
  }
}

/// Somebody else takes an address from one of our ENIs.
void outsider(World& world) {
  for (const auto& [id, eni] : world.model.enis()) {
    const bool ours = eni.attachment && eni.attachment->instance == world.instance;
    if (ours && eni.addresses.size() > 1 && world.random.chance(0.5)) {
      const auto address = world.random.pick(eni.addresses);
      if (address.primary) {
        continue;
      }
      world.journal.say([&] { return "outsider takes " + to_string(address.ip); });
      world.oracle->took(address.ip);
      (void)world.model.unassign(net::EniId(id), {address.ip}, {}, world.now());
      return;
    }
  }
}

/// Other settings, and a restart that reads them.
void switch_mode(World& world) {
  world.settings.enable_prefix_delegation = !world.settings.enable_prefix_delegation;
  world.journal.say([&] {
    return std::string("prefix delegation ") +
           (world.settings.enable_prefix_delegation ? "on" : "off");
  });
  if (world.process && world.random.chance(0.5)) {
    world.process->crash("other settings");
  } else if (world.process) {
    world.process->terminate();
  }
}

void lose_checkpoint(World& world) {
  world.journal.say([] { return std::string("the checkpoint is lost"); });
  if (world.process) {
    world.process->crash("the checkpoint is lost");
  }
  world.pods->kill_unwired();
  world.checkpoint_lost = true;
  if (world.random.chance(0.5)) {
    world.disk.checkpoint.reset();
  } else if (world.disk.checkpoint) {
    world.disk.checkpoint->resize(world.disk.checkpoint->size() / 3);
  }
}

}  // namespace

void draw_climate(World& world) {
  auto& random = world.random;
  auto& set = world.settings;
  set.enable_ipv4 = true;
  set.my_node_name = "node";
  set.cluster_name = "cluster";
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
  set.enable_prefix_delegation = random.chance(0.4);
  world.switches_mode = random.chance(0.25);
  set.warm_prefix_target = random.between(0, 2);
  world.max_pods = set.enable_prefix_delegation || world.switches_mode ? 110 : 0;
  set.ip_cooldown_seconds = random.chance(0.8) ? 30 : random.between(5, 60);
  if (random.chance(0.2)) {
    set.max_eni = random.between(1, 3);
  }
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
  world.outsiders = random.chance(0.1);
  world.checkpoint_loss = random.chance(0.15);
}

void storm_step(World& world) {
  auto& random = world.random;
  const int draw = random.between(0, 99);
  if (draw < 34) {
    world.pods->create();
  } else if (draw < 56) {
    world.pods->stop();
  } else if (draw < 59) {
    world.pods->vanish();
  } else if (draw < 63) {
    if (!world.checkpoint_loss) {  // a pod that only the kernel knows has no key any more
      world.pods->repeat_add();
    }
  } else if (draw < 67) {
    world.pods->repeat_del();
  } else if (draw < 76) {
    ec2_fault(world);
  } else if (draw < 80) {
    imds_fault(world);
  } else if (draw < 82) {
    auto* subnet = world.model.edit_subnet(world.subnet);
    subnet->full = !subnet->full && random.chance(0.6);
    world.journal.say(
        [&] { return std::string("subnet ") + (subnet->full ? "full" : "has room"); });
  } else if (draw < 86) {
    if (world.process && random.chance(0.7)) {
      world.process->crash("any moment");
    } else if (world.process) {
      world.process->terminate();
    }
  } else if (draw < 88) {
    world.unschedulable = !world.unschedulable && random.chance(0.5);
    if (auto* agent = world.serving()) {
      agent->post(ipam::Schedulable{!world.unschedulable});
    }
  } else if (draw < 91) {
    world.model.faults().clear();
  } else if (draw < 93 && world.outsiders) {
    outsider(world);
  } else if (draw < 95 && world.checkpoint_loss) {
    lose_checkpoint(world);
  } else if (draw < 96 && world.switches_mode) {
    switch_mode(world);
  } else {
    for (int i = random.between(2, 6); i > 0; --i) {  // a burst: one batch for the agent
      random.chance(0.7) ? world.pods->create() : world.pods->stop();
    }
  }
}

void calm(World& world) {
  world.storm = false;
  world.odds = {};
  world.unschedulable = false;
  world.model.faults().clear();
  world.model.imds_faults(world.instance) = {};
  world.model.edit_subnet(world.subnet)->full = false;
  if (auto* agent = world.serving()) {
    agent->post(ipam::Schedulable{true});
  }
  world.journal.say([] { return std::string("CALM"); });
}

}  // namespace vpccni::sim
