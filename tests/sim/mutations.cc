#include "tests/sim/mutations.h"

#include "tests/sim/process.h"

namespace vpccni::sim {

void mutate_del(World& world, const ipam::Pools& pools, ipam::PodDel& event) {
  const auto all = pools.assignments();
  if (pools.held_by({0, event.key, {}}).empty() || !world.random.chance(0.3)) {
    return;
  }
  event.key = world.random.pick(all).assignment.key;
  event.host_links.clear();
}

void unmark(World& world, const ipam::PodAdded& reply,
            const std::function<void(ipam::Event)>& post) {
  if (std::holds_alternative<ipam::AddFailure>(reply.answer) || !world.random.chance(0.2)) {
    return;
  }
  post(ipam::PodDel{0, reply.key, {}});
}

void keep_half(const ipam::PodAdded& reply, ipam::Pools& pools, base::Instant now) {
  if (reply.pod.interfaces > 1 && std::holds_alternative<ipam::AddFailure>(reply.answer)) {
    pools.on(0, ipam::PodAdd{0, reply.key, reply.pod}, now);
  }
}

ipam::Action mutate_action(World& world, const ipam::DataStore& store, ipam::Action action) {
  if (auto* release = std::get_if<ipam::Release>(&action);
      release != nullptr && world.mutant(Mutant::release_in_use)) {
    for (const auto& [cidr, block] : store.enis().at(release->eni).blocks) {
      if (block.assigned() > 0) {
        release->which.push_back(cidr);
        break;
      }
    }
  }
  if (auto* release = std::get_if<ipam::Release>(&action);
      release != nullptr && world.mutant(Mutant::leftovers_in_use)) {
    for (const auto& [cidr, block] : store.enis().at(release->eni).blocks) {
      if (!store.eligible(block) && block.assigned() > 0) {
        release->which.push_back(cidr);
      }
    }
  }
  if (auto* remove = std::get_if<ipam::RemoveEni>(&action);
      remove != nullptr && world.mutant(Mutant::remove_in_use)) {
    for (const auto& [id, eni] : store.enis()) {
      if (!eni.primary && eni.assigned() > 0) {
        remove->eni = id;
        break;
      }
    }
  }
  return action;
}

void mutate_observed(World& world, const ipam::DataStore& store, const std::set<net::Cidr>& gone,
                     ipam::Observed& event) {
  if (!event.enis) {
    return;
  }
  for (auto& seen : *event.enis) {
    const auto known = store.enis().find(seen.facts.id);
    if (world.mutant(Mutant::allocate_from_unconfirmed) && !event.by_ec2 &&
        known != store.enis().end()) {
      for (const auto& [cidr, block] : known->second.blocks) {
        seen.blocks.push_back(cidr);
      }
    }
    if (world.mutant(Mutant::never_forget_unassigned)) {
      std::erase_if(seen.blocks, [&](const auto& cidr) { return gone.contains(cidr); });
    }
  }
}

std::optional<Result<ipam::Outcome>> mutate_outcome(World& world, const ipam::Action& action,
                                                    Result<ipam::Outcome> outcome) {
  if (world.mutant(Mutant::lose_completion) && world.random.chance(0.2)) {
    return std::nullopt;
  }
  if (outcome) {
    return outcome;
  }
  const auto* assign = std::get_if<ipam::AssignAddresses>(&action);
  if (world.mutant(Mutant::failure_as_success) && assign != nullptr) {
    ipam::Grown grown{assign->eni, {}};
    const auto& cidr = world.model.find_subnet(world.subnet)->cidr;
    for (int i = 0; i < assign->count; ++i) {
      grown.blocks.push_back(
          net::Cidr::host(cidr.at(cidr.size() - 2 - static_cast<std::uint64_t>(i))));
    }
    return Result<ipam::Outcome>(ipam::Outcome(std::move(grown)));
  }
  if (world.mutant(Mutant::no_backoff)) {
    return Result<ipam::Outcome>(ipam::Outcome(ipam::Released{}));
  }
  return outcome;
}

std::string describe(const ipam::PodAdded& reply) {
  std::string line = "to ADD #" + std::to_string(reply.token) + ":";
  if (const auto* none = std::get_if<ipam::AddFailure>(&reply.answer)) {
    return line + " " + none->reason + " (" + none->detail + ")";
  }
  for (const auto& lease : std::get<std::vector<ipam::Lease>>(reply.answer)) {
    line += " " + to_string(lease.address) + " on " + to_string(lease.eni);
  }
  return line;
}

std::string describe(const ipam::PodDeleted& reply) {
  std::string line = "to DEL #" + std::to_string(reply.token) + ":";
  if (!reply.answer) {
    return line + " " + reply.answer.error().message;
  }
  for (const auto& lease : *reply.answer) {
    line += " " + to_string(lease.address);
  }
  return line;
}

std::string describe(const ipam::Report& report) {
  std::string line = "report " + report.message;
  for (const auto& [key, value] : report.fields) {
    line += "; " + key + "=" + value;
  }
  return line;
}

aws::Eni as_told(const World& world, aws::Eni eni) {
  if (world.mutant(Mutant::touch_foreign)) {
    eni.tags.erase("node.k8s.amazonaws.com/no_manage");
  }
  if (world.mutant(Mutant::remove_lasting)) {
    eni.kind = aws::EniKind::ordinary;
  }
  return eni;
}

}  // namespace vpccni::sim
