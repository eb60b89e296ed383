// Oracle: what the agent does to EC2, and what it takes from it.

#include <algorithm>

#include "agent/node.h"
#include "tests/sim/controller.h"
#include "tests/sim/oracle.h"
#include "tests/sim/world.h"

namespace vpccni::sim {

namespace {

/// Hidden by IMDS for so long, an agent that may ask nobody else must have seen it.
constexpr auto kMustHaveSeen = std::chrono::minutes(5);

bool covers(const std::vector<net::Cidr>& blocks, const net::Ip& address) {
  return std::any_of(blocks.begin(), blocks.end(),
                     [&](const auto& block) { return block.contains(address); });
}

}  // namespace

void Oracle::changes_ec2(const std::string& action) {
  if (world_.settings.disable_provisioning) {
    violated("EC2 is never changed", action + " although the settings forbid it");
  }
}

void Oracle::creates_eni(const ipam::Core& core) {
  agent::Node node;
  node.identity.type = world_.model.find_instance(world_.instance)->type;
  node.limits = world_.limits;
  const auto enis = static_cast<int>(core.store().enis().size());
  const bool first = core.store().options().card == net::NetworkCard(0);
  if (world_.settings.enable_pod_eni && agent::trunk_possible(node) && first && !core.has_trunk() &&
      enis + 1 >= world_.limits.enis) {
    violated("a place is left for the trunk",
             std::to_string(enis + 1) + " ENIs of " + std::to_string(world_.limits.enis));
  }
}

void Oracle::chose_subnet(const net::SubnetId& subnet) {
  if (world_.settings.custom_networking) {
    if (subnet != world_.pod_subnet) {
      violated("only the ENIConfig's subnet", to_string(subnet));
    }
    return;
  }
  const bool tagged = world_.model.find_subnet(subnet)->tags.contains("kubernetes.io/role/cni");
  if (subnet != world_.subnet && !(world_.settings.enable_subnet_discovery && tagged)) {
    violated("only subnets for pods", to_string(subnet) + " is neither the node's nor tagged");
  }
}

/// With IMDS alone: what it does not show is not given out.
void Oracle::check_shown(const net::Ip& address, const net::EniId& eni) {
  if (!world_.settings.imds_only) {
    return;
  }
  if (world_.hidden_since.contains(
          to_string(world_.model.find_instance(world_.instance)->primary_eni))) {
    return;  // without it nothing is shown: no evidence
  }
  for (const auto& [name, since] : world_.hidden_since) {
    const auto block = net::Cidr::parse(name);
    const auto ip = net::Ip::parse(name);
    const bool hides =
        (block && block->contains(address)) || (ip && *ip == address) || name == to_string(eni);
    if (hides && world_.now().steady - since > kMustHaveSeen) {
      violated("nothing is given out that IMDS hides",
               to_string(address) + " of " + to_string(eni) + ": IMDS does not show " + name);
    }
  }
}

std::string Oracle::ec2_trouble(const net::EniId& id, const net::Ip& address) const {
  const auto* eni = world_.model.find_eni(id);
  if (eni == nullptr) {
    return "EC2 has no ENI \"" + to_string(id) + "\"";
  }
  if (!eni->attachment || eni->attachment->instance != world_.instance) {
    return to_string(id) + " is not attached to this instance";
  }
  if (eni->attachment->status == "detaching") {
    return to_string(id) + " is being detached";
  }
  const bool listed =
      std::any_of(eni->addresses.begin(), eni->addresses.end(),
                  [&](const auto& one) { return one.ip == address && !one.primary; }) ||
      covers(eni->prefixes, address) || covers(eni->ipv6_prefixes, address);
  return listed ? "" : "it is no secondary address of " + to_string(id);
}

void Oracle::check_ec2() {
  if (world_.controller) {
    world_.controller->check();
  }
  check_foreign();
  for (const auto& [key, held] : holdings_) {
    for (std::size_t i = 0; held.strict && i < held.leases.size(); ++i) {
      const auto& [address, eni] = std::tie(held.leases[i].address, held.leases[i].eni);
      if (outsiders_.contains(address)) {
        continue;
      }
      if (const auto trouble = ec2_trouble(eni, address); !trouble.empty()) {
        violated("no live address is released",
                 to_string(address) + " of " + key.container + ": " + trouble);
      }
    }
  }
}

/// ENIs of others stay as they were; trunk and EFA ENIs stay.
void Oracle::check_foreign() {
  for (const auto& [id, before] : world_.foreign) {
    const auto* now = world_.model.find_eni(id);
    if (now == nullptr || !now->attachment || now->attachment->id != before.attachment->id ||
        now->attachment->status == "detaching" || now->addresses != before.addresses ||
        now->prefixes != before.prefixes || now->ipv6_prefixes != before.ipv6_prefixes) {
      violated("an ENI of somebody else is not touched", to_string(id));
    }
  }
  for (const auto& id : world_.lasting) {
    const auto* now = world_.model.find_eni(id);
    if (now == nullptr || !now->attachment || now->attachment->status == "detaching") {
      violated("trunk and EFA ENIs stay", to_string(id));
    } else if (now->kind == aws::EniKind::trunk &&
               (now->addresses.size() > 1 || !now->prefixes.empty())) {
      violated("a trunk ENI gets no addresses", to_string(id));
    }
  }
}

}  // namespace vpccni::sim
