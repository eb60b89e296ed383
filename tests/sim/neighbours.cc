#include "tests/sim/neighbours.h"

#include <algorithm>
#include <map>
#include <set>

#include "tests/sim/oracle.h"

namespace vpccni::sim {

namespace {

bool ours(const World& world, const vpc::Eni& eni) {
  return eni.attachment && eni.attachment->instance == world.instance &&
         !world.foreign.contains(eni.id);
}

std::optional<net::EniId> attach(World& world, net::NetworkCard card,
                                 const vpc::NewInterface& wanted) {
  const int place = free_place(world, card);
  if (place < 0) {
    return std::nullopt;
  }
  const auto made = world.model.create_interface(wanted, world.now());
  if (!made) {
    return std::nullopt;
  }
  const auto attached =
      world.model.attach(made->id, world.instance, card, net::DeviceIndex(place), world.now());
  if (!attached) {
    (void)world.model.remove(made->id, world.now());
    return std::nullopt;
  }
  world.remember_enis();
  return made->id;
}

void take_prefix(World& world, const vpc::Eni& eni) {
  const auto prefix = world.random.pick(eni.prefixes);
  world.journal.say([&] { return "outsider takes " + to_string(prefix); });
  for (std::uint64_t i = 0; i < prefix.size(); ++i) {
    world.oracle->took(prefix.at(i));
  }
  (void)world.model.unassign(eni.id, {}, {prefix}, world.now());
}

}  // namespace

int free_place(const World& world, net::NetworkCard card) {
  std::set<int> taken;
  for (const auto& [id, eni] : world.model.enis()) {
    if (eni.attachment && eni.attachment->instance == world.instance &&
        eni.attachment->card == card) {
      taken.insert(eni.attachment->device.value());
    }
  }
  int place = 0;
  while (taken.contains(place)) {
    ++place;
  }
  return static_cast<int>(taken.size()) < world.limits.enis ? place : -1;
}

void provide(World& world) {
  auto& random = world.random;
  const bool prefixes = world.settings.enable_prefix_delegation;
  const int most = std::max(world.limits.ipv4_per_eni / 2, 1);
  for (const auto& [id, eni] : std::map(world.model.enis())) {
    if (ours(world, eni) && !world.lasting.contains(id)) {
      const int count = random.between(1, prefixes ? 1 : most);
      vpc::NewAddresses more{.eni = id};
      (prefixes ? more.prefix_count : more.count) = count;
      (void)world.model.assign(more, world.now());
    }
  }
  if (random.chance(0.5)) {
    vpc::NewInterface more{.subnet = world.subnet, .description = "an operator's"};
    (prefixes ? more.prefix_count : more.secondary_count) = random.between(1, prefixes ? 1 : most);
    (void)attach(world, random.pick(world.cards()), more);
  }
  world.remember_enis();
}

void take_away(World& world) {
  for (const auto& [id, eni] : world.model.enis()) {
    if (!ours(world, eni) || !world.random.chance(0.5)) {
      continue;
    }
    if (!eni.prefixes.empty()) {
      take_prefix(world, eni);
      return;
    }
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

void attach_another(World& world) {
  auto& random = world.random;
  vpc::NewInterface wanted{.subnet = world.subnet, .description = "somebody's"};
  const int kind = random.between(0, 3);
  if (kind == 0) {
    wanted.tags = {{"node.k8s.amazonaws.com/no_manage", "true"}};
    wanted.secondary_count = random.between(0, 1);
  } else if (kind == 1) {
    wanted.secondary_count = random.between(0, 1);
  } else {
    wanted.kind = kind == 2 ? aws::EniKind::trunk : aws::EniKind::efa;
  }
  wanted.ipv6_count = world.settings.enable_ipv6 ? 1 : 0;
  const bool trunk = wanted.kind == aws::EniKind::trunk;
  const auto card = trunk ? net::NetworkCard(0) : random.pick(world.cards());
  const auto id = attach(world, card, wanted);
  if (!id) {
    return;
  }
  static const char* const kNames[] = {"somebody else's", "an untagged", "a trunk", "an EFA"};
  world.journal.say([&] { return std::string(kNames[kind]) + " ENI comes: " + to_string(*id); });
  if (kind == 0) {
    world.foreign.emplace(*id, *world.model.find_eni(*id));
  } else if (kind > 1) {
    world.lasting.insert(*id);
  }
}

}  // namespace vpccni::sim
