#include "sre/may_change.h"

#include <algorithm>

namespace vpccni::sre {

namespace {

const AttachedEni* find(const std::vector<AttachedEni>& enis, const net::EniId& id) {
  const auto found =
      std::find_if(enis.begin(), enis.end(), [&](const auto& one) { return one.eni.id == id; });
  return found == enis.end() ? nullptr : &*found;
}

/// Who may have an address of the block, as agent, checkpoint and kernel have it.
void add_users(const NodeView& view, const net::Cidr& block, std::vector<std::string>& against) {
  for (const auto& pod : view.pods) {
    if (block.contains(pod.held.address)) {
      against.push_back("pod " + pod.held.pod.name_space + "/" + pod.held.pod.name + " has " +
                        to_string(pod.held.address));
    }
  }
  for (const auto& route : view.kernel.routes) {
    if (route.destination.is_host() && block.contains(route.destination.base()) &&
        route.table == net::kMainTable) {
      against.push_back("the kernel routes " + to_string(route.destination.base()) + " to a pod");
    }
  }
  for (const auto& rule : view.kernel.rules) {
    for (const auto& end : {rule.from, rule.to}) {
      if (end && end->is_host() && block.contains(end->base())) {
        against.push_back("the kernel has a rule for " + to_string(end->base()));
      }
    }
  }
}

/// What keeps anything from being taken from this node now.
void add_doubts(const NodeView& view, std::vector<std::string>& against) {
  if (view.agent_answers()) {
    against.emplace_back(
        "the agent runs, and may give it to a pod meanwhile: lower its targets (label "
        "vpc.amazonaws.com/warm-ip-target of the node) or stop it first");
  }
  if (!view.checkpoint_trouble.empty()) {
    against.push_back("who lives is not known: checkpoint: " + view.checkpoint_trouble);
  }
  if (!view.kernel_trouble.empty()) {
    against.push_back("who lives is not known: kernel: " + view.kernel_trouble);
  }
}

void add_class(const AttachedEni& one, std::vector<std::string>& against) {
  if (!one.managed) {
    against.push_back(to_string(one.eni.id) + " is not the CNI's: " + one.because);
  }
}

}  // namespace

const AttachedEni* eni_with(const std::vector<AttachedEni>& enis, const net::Cidr& block) {
  for (const auto& one : enis) {
    const auto& prefixes = one.eni.prefixes;
    const bool listed =
        std::find(prefixes.begin(), prefixes.end(), block) != prefixes.end() ||
        std::any_of(one.eni.addresses.begin(), one.eni.addresses.end(),
                    [&](const auto& address) { return net::Cidr::host(address.ip) == block; });
    if (listed) {
      return &one;
    }
  }
  return nullptr;
}

std::vector<std::string> against_unassign(const NodeView& view, const net::Cidr& block,
                                          const std::vector<AttachedEni>& enis) {
  std::vector<std::string> against;
  const auto* on = eni_with(enis, block);
  if (on == nullptr) {
    return against;
  }
  for (const auto& address : on->eni.addresses) {
    if (address.primary && net::Cidr::host(address.ip) == block) {
      against.push_back("it is the primary address of " + to_string(on->eni.id));
    }
  }
  add_class(*on, against);
  add_users(view, block, against);
  add_doubts(view, against);
  return against;
}

std::vector<std::string> against_detach(const NodeView& view, const net::EniId& eni,
                                        const std::vector<AttachedEni>& enis) {
  std::vector<std::string> against;
  const auto* one = find(enis, eni);
  if (one == nullptr) {
    return against;
  }
  add_class(*one, against);
  const auto& at = one->eni.attachment;
  if (at && at->card.value() == 0 && at->device.value() == 0) {
    against.emplace_back("it is the instance's primary ENI");
  }
  if (one->eni.kind != aws::EniKind::ordinary) {
    against.emplace_back("it is a trunk or EFA interface, which others use");
  }
  for (const auto& pod : view.pods) {
    if (pod.eni == eni) {
      against.push_back("pod " + pod.held.pod.name_space + "/" + pod.held.pod.name + " is on it");
    }
    if (pod.quarantined) {
      against.push_back("which ENI has quarantined " + to_string(pod.held.address) +
                        " is not known");
    }
  }
  for (const auto& address : one->eni.addresses) {
    if (!address.primary) {
      add_users(view, net::Cidr::host(address.ip), against);
    }
  }
  for (const auto& prefixes : {one->eni.prefixes, one->eni.ipv6_prefixes}) {
    for (const auto& prefix : prefixes) {
      add_users(view, prefix, against);
    }
  }
  add_doubts(view, against);
  return against;
}

std::vector<std::string> against_assign(const net::EniId& eni,
                                        const std::vector<AttachedEni>& enis) {
  std::vector<std::string> against;
  const auto* one = find(enis, eni);
  if (one == nullptr) {
    against.push_back(to_string(eni) + " is not attached to this instance");
    return against;
  }
  add_class(*one, against);
  if (one->eni.kind == aws::EniKind::trunk) {
    against.emplace_back("a trunk's own addresses are not for pods");
  }
  return against;
}

}  // namespace vpccni::sre
