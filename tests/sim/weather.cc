#include "tests/sim/weather.h"

#include "tests/sim/controller.h"
#include "tests/sim/neighbours.h"
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
                                                    "UnassignPrivateIpAddresses",
                                                    "AssignIpv6Addresses"};
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

void hide_some(World& world, vpc::ImdsFaults& faults) {
  auto& random = world.random;
  for (const auto& [id, eni] : world.model.enis()) {
    if (random.chance(0.3)) {
      faults.hidden.insert(to_string(id));
    }
    for (const auto& address : eni.addresses) {
      if (!address.primary && random.chance(0.2)) {
        faults.hidden.insert(to_string(address.ip));
      }
    }
    for (const auto* prefixes : {&eni.prefixes, &eni.ipv6_prefixes}) {
      for (const auto& prefix : *prefixes) {
        if (random.chance(0.2)) {
          faults.hidden.insert(to_string(prefix));
        }
      }
    }
  }
}

/// Since when each of what IMDS hides has been hidden.
void note_hidden(World& world) {
  const auto& hidden = world.model.imds_faults(world.instance).hidden;
  std::erase_if(world.hidden_since, [&](const auto& one) { return !hidden.contains(one.first); });
  for (const auto& one : hidden) {
    world.hidden_since.try_emplace(one, world.now().steady);
  }
}

/// The subnet, or one of the others, has no address or no whole /28 for a while.
void subnet_fault(World& world) {
  auto& random = world.random;
  auto ids = world.more_subnets;
  ids.push_back(world.subnet);
  auto* subnet = world.model.edit_subnet(random.pick(ids));
  if (random.chance(0.4)) {
    subnet->fragmented = world.stays_fragmented || (!subnet->fragmented && random.chance(0.6));
  } else {
    subnet->full = !subnet->full && random.chance(0.6);
  }
  world.journal.say([&] {
    return to_string(subnet->id) + (subnet->full ? " full" : " has room") +
           (subnet->fragmented ? ", fragmented" : "");
  });
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
      hide_some(world, faults);
  }
  note_hidden(world);
}

void restart_with_settings(World& world) {
  if (world.process && world.random.chance(0.5)) {
    world.process->crash("other settings");
  } else if (world.process) {
    world.process->terminate();
  }
}

void switch_mode(World& world) {
  world.settings.enable_prefix_delegation = !world.settings.enable_prefix_delegation;
  world.journal.say([&] {
    return std::string("prefix delegation ") +
           (world.settings.enable_prefix_delegation ? "on" : "off");
  });
  restart_with_settings(world);
}

void switch_pod_eni_on(World& world) {
  world.pod_eni_later = false;
  world.settings.enable_pod_eni = true;
  world.journal.say([] { return std::string("security groups for pods on"); });
  restart_with_settings(world);
}

/// One card's, or some cards'.
void lose_checkpoint(World& world) {
  world.journal.say([] { return std::string("the checkpoint is lost"); });
  if (world.process) {
    world.process->crash("the checkpoint is lost");
  }
  world.pods->kill_unwired();
  const auto cards = world.cards();
  const auto& sure = world.random.pick(cards);
  for (const auto card : cards) {
    if (card != sure && !world.random.chance(0.5)) {
      continue;
    }
    const auto path = world.files(card).path;
    world.disk.lost.insert(path);
    const auto file = world.disk.files.find(path);
    if (file == world.disk.files.end()) {
      continue;
    }
    if (world.random.chance(0.5)) {
      world.disk.files.erase(file);
    } else {
      file->second.resize(file->second.size() / 3);
    }
  }
}

/// Pods by themselves. False: `draw` names no such event.
bool pod_step(World& world, int draw) {
  if (world.controller && draw < 56 && world.random.chance(0.25)) {
    draw < 34 ? world.controller->create_pod() : world.controller->stop_pod();
    return true;
  }
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
  }
  return draw < 67;
}

/// Not in every seed. False: not in this one.
bool rare_step(World& world, int draw) {
  if (draw < 91) {
    return false;
  }
  if (draw < 93 && world.pod_eni_later) {
    switch_pod_eni_on(world);
  } else if (draw < 93 && world.controller && world.random.chance(0.3)) {
    if (auto* agent = world.serving()) {
      agent->clean_leaked();
    }
  } else if (draw < 93 && world.settings.custom_networking) {
    world.eni_config_gone = !world.eni_config_gone && world.random.chance(0.5);
    world.journal.say([&] {
      return std::string("the ENIConfig ") + (world.eni_config_gone ? "is deleted" : "is there");
    });
  } else if (draw < 93 && world.outsiders) {
    take_away(world);
  } else if (draw < 92 && world.neighbours) {
    attach_another(world);
  } else if (draw < 93 && world.settings.disable_provisioning) {
    provide(world);
  } else if (draw < 95 && world.checkpoint_loss) {
    lose_checkpoint(world);
  } else if (draw < 96 && world.switches_mode) {
    switch_mode(world);
  } else {
    return false;
  }
  return true;
}

}  // namespace

void storm_step(World& world) {
  auto& random = world.random;
  const int draw = random.between(0, 99);
  if (pod_step(world, draw) || rare_step(world, draw)) {
    return;
  }
  if (draw < 76) {
    ec2_fault(world);
  } else if (draw < 80) {
    imds_fault(world);
  } else if (draw < 82) {
    subnet_fault(world);
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
  world.hidden_since.clear();
  world.eni_config_gone = false;
  if (world.controller) {
    world.controller->hurry();
  }
  for (const auto& [id, subnet] : world.model.subnets()) {
    world.model.edit_subnet(id)->full = false;
    world.model.edit_subnet(id)->fragmented = world.stays_fragmented && id == world.eni_subnet();
  }
  if (auto* agent = world.serving()) {
    agent->post(ipam::Schedulable{true});
  }
  world.journal.say([] { return std::string("CALM"); });
}

}  // namespace vpccni::sim
