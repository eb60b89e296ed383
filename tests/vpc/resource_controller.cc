#include "tests/vpc/resource_controller.h"

#include <algorithm>

namespace vpccni::vpc {

namespace {

constexpr const char* kResource = "vpc.amazonaws.com/pod-eni";
constexpr int kMostBranches = 54;  // of m5.xlarge and the like

bool wants_branch(const base::Json& pod) {
  const auto limits =
      base::Json::json_pointer("/spec/containers/0/resources/limits/vpc.amazonaws.com~1pod-eni");
  return pod.contains(limits);
}

std::string text_at(const base::Json& object, const char* pointer) {
  const base::Json::json_pointer at(pointer);
  return object.contains(at) && object[at].is_string() ? object[at].get<std::string>() : "";
}

}  // namespace

bool ResourceController::has_feature(const base::Json& node, const std::string& name,
                                     std::string& value) {
  const base::Json::json_pointer at("/spec/features");
  if (!node.contains(at)) {
    return false;
  }
  for (const auto& feature : node[at]) {
    if (base::string_member(feature, "name") == name) {
      value = base::string_member(feature, "value");
      return true;
    }
  }
  return false;
}

/// Of branch ENIs: as the node's ENIConfig says, else as the primary ENI.
ResourceController::Wish ResourceController::wish_of(const base::Json& cni_node,
                                                     const Instance& instance) const {
  Wish wish{instance.subnet, model_.find_eni(instance.primary_eni)->groups};
  std::string name;
  if (!has_feature(cni_node, "CustomNetworking", name)) {
    return wish;
  }
  const auto& configs = kubernetes_.objects("eniconfigs");
  if (const auto config = configs.find({"", name}); config != configs.end()) {
    wish.subnet = net::SubnetId(text_at(config->second, "/spec/subnet"));
    const base::Json::json_pointer groups("/spec/securityGroups");
    if (config->second.contains(groups) && !config->second[groups].empty()) {
      wish.groups.clear();
      for (const auto& group : config->second[groups]) {
        wish.groups.emplace_back(group.get<std::string>());
      }
    }
  }
  return wish;
}

const Eni* ResourceController::trunk_of(const net::InstanceId& instance) const {
  for (const auto& [id, eni] : model_.enis()) {
    if (eni.kind == aws::EniKind::trunk && eni.attachment && eni.attachment->instance == instance) {
      return &eni;
    }
  }
  return nullptr;
}

void ResourceController::make_trunk(const std::string& node, const Instance& instance,
                                    base::Instant now) {
  std::set<int> used;
  for (const auto& [id, eni] : model_.enis()) {
    if (eni.attachment && eni.attachment->instance == instance.id &&
        eni.attachment->card == net::NetworkCard(0)) {
      used.insert(eni.attachment->device.value());
    }
  }
  const auto* limits = model_.find_limits(instance.type);
  if (limits == nullptr || static_cast<int>(used.size()) >= limits->enis) {
    return;  // no place: as long as the agent holds them all
  }
  NewInterface wanted;
  wanted.subnet = instance.subnet;
  wanted.groups = model_.find_eni(instance.primary_eni)->groups;
  wanted.description = "aws-k8s-trunk-eni";
  wanted.tags = {{"eks:eni:owner", "eks-vpc-resource-controller"}};
  wanted.kind = aws::EniKind::trunk;
  const auto trunk = model_.create_interface(wanted, now);
  if (!trunk) {
    return;
  }
  int device = 0;
  while (used.contains(device)) {
    ++device;
  }
  if (!model_.attach(trunk->id, instance.id, net::NetworkCard(0), net::DeviceIndex(device), now)) {
    (void)model_.remove(trunk->id, now);
    return;
  }
  kubernetes_.patch_node(
      node, {{"status", {{"capacity", {{kResource, std::to_string(kMostBranches)}}}}}});
}

net::VlanId ResourceController::free_vlan(const net::EniId& trunk) const {
  std::set<net::VlanId> used;
  for (const auto& [uid, branch] : branches_) {
    if (branch.trunk == trunk && !branch.eni.empty()) {
      used.insert(branch.vlan);
    }
  }
  int vlan = 1;
  while (used.contains(net::VlanId(vlan))) {
    ++vlan;
  }
  return net::VlanId(vlan);
}

void ResourceController::make_branch(const base::Json& pod, const Wish& wish, const Eni& trunk,
                                     Branch& branch, base::Instant now) {
  NewInterface wanted;
  wanted.subnet = wish.subnet;
  wanted.groups = wish.groups;
  wanted.description = "aws-k8s-branch-eni";
  wanted.tags = {{"eks:eni:owner", "eks-vpc-resource-controller"}};
  wanted.kind = aws::EniKind::branch;
  const auto made = model_.create_interface(wanted, now);
  if (!made) {
    return;
  }
  branch.vlan = free_vlan(trunk.id);
  branch.trunk = trunk.id;
  if (!model_.associate(made->id, trunk.id, branch.vlan, now)) {
    (void)model_.remove(made->id, now);
    return;
  }
  branch.eni = made->id;
  const base::Json list = {{{"eniId", to_string(made->id)},
                            {"ifAddress", to_string(made->mac)},
                            {"privateIp", to_string(made->primary())},
                            {"ipv6Addr", ""},
                            {"vlanID", branch.vlan.value()},
                            {"subnetCidr", to_string(model_.find_subnet(wish.subnet)->cidr)},
                            {"subnetV6Cidr", ""}}};
  kubernetes_.patch_pod(text_at(pod, "/metadata/namespace"), text_at(pod, "/metadata/name"),
                        {{"metadata", {{"annotations", {{kResource, base::dump_json(list)}}}}}});
}

void ResourceController::look_at_pods(const std::string& node, const base::Json& cni_node,
                                      const Instance& instance, const Eni& trunk,
                                      base::Instant now) {
  std::vector<base::Json> pods;  // a patch of one changes the map
  for (const auto& [key, pod] : kubernetes_.objects("pods")) {
    if (text_at(pod, "/spec/nodeName") == node && wants_branch(pod)) {
      pods.push_back(pod);
    }
  }
  for (const auto& pod : pods) {
    auto [place, fresh] = branches_.try_emplace(text_at(pod, "/metadata/uid"));
    Branch& branch = place->second;
    if (fresh) {
      branch.instance = instance.id;
      branch.since = now.steady;
    }
    const auto made = std::count_if(branches_.begin(), branches_.end(), [&](const auto& one) {
      return one.second.trunk == trunk.id && !one.second.eni.empty();
    });
    if (branch.eni.empty() && made < kMostBranches &&
        now.steady - branch.since >= options_.per_branch) {
      make_branch(pod, wish_of(cni_node, instance), trunk, branch, now);
    }
  }
}

void ResourceController::end_branches(const std::set<std::string>& living, base::Instant now) {
  for (auto place = branches_.begin(); place != branches_.end();) {
    Branch& branch = place->second;
    if (living.contains(place->first)) {
      ++place;
      continue;
    }
    if (!branch.ended) {
      branch.ended = true;
      branch.since = now.steady;
    }
    if (now.steady - branch.since < options_.cooldown) {
      ++place;
      continue;
    }
    if (model_.find_eni(branch.eni) != nullptr) {
      (void)model_.disassociate(branch.eni, now);
      if (!model_.remove(branch.eni, now)) {
        ++place;  // again at the next look
        continue;
      }
    }
    place = branches_.erase(place);
  }
}

void ResourceController::look(base::Instant now) {
  if (!options_.on) {
    return;
  }
  for (const auto& [name, id] : nodes_) {
    const auto& all = kubernetes_.objects("cninodes");
    const auto cni_node = all.find({"", name});
    const auto* instance = model_.find_instance(id);
    std::string value;
    if (instance == nullptr || instance->state != InstanceState::running ||
        model_.find_eni(instance->primary_eni) == nullptr || cni_node == all.end() ||
        !has_feature(cni_node->second, "SecurityGroupsForPods", value)) {
      continue;
    }
    const base::Json asked = cni_node->second;
    const auto* trunk = trunk_of(id);
    if (trunk == nullptr) {
      make_trunk(name, *instance, now);
    } else if (trunk->attachment->status == "attached") {
      look_at_pods(name, asked, *instance, *trunk, now);
    }
  }
  std::set<std::string> living;
  for (const auto& [key, pod] : kubernetes_.objects("pods")) {
    living.insert(text_at(pod, "/metadata/uid"));
  }
  end_branches(living, now);
}

}  // namespace vpccni::vpc
