#include "tests/sim/controller.h"

#include <algorithm>
#include <set>
#include <vector>

#include "agent/node.h"
#include "podnet/pod.h"
#include "tests/sim/neighbours.h"
#include "tests/sim/process.h"

namespace vpccni::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kMostBranches = 8;
constexpr auto kBranchCooldown = seconds(30);
const aws::Tags kTags = {{"eks:eni:owner", "eks-vpc-resource-controller"}};

bool trunk_possible(const World& world) {
  agent::Node node;
  node.identity.type = world.model.find_instance(world.instance)->type;
  node.limits = world.limits;
  return agent::trunk_possible(node);
}

base::Duration trunk_delay(Random& random) {
  const int draw = random.between(0, 9);
  return draw < 4   ? random.between(seconds(0), seconds(20))
         : draw < 7 ? random.between(seconds(20), minutes(6))
                    : random.between(minutes(6), minutes(40));
}

}  // namespace

Controller::Controller(World& world)
    : world_(world), due_(world.now().steady + trunk_delay(world.random)) {
  look();
}

void Controller::violated(const char* invariant, const std::string& detail) {
  world_.journal.violated(invariant, detail);
}

const vpc::Eni* Controller::trunk() const {
  for (const auto& [id, eni] : world_.model.enis()) {
    if (eni.kind == aws::EniKind::trunk && eni.attachment &&
        eni.attachment->instance == world_.instance) {
      return &eni;
    }
  }
  return nullptr;
}

/// Not where others attach ENIs, too.
bool Controller::owed() const {
  return place_seen_ && !world_.neighbours && !world_.settings.disable_provisioning;
}

void Controller::agent_started() {
  place_seen_ = place_seen_ || free_place(world_, net::NetworkCard(0)) >= 0;
}

void Controller::agent_attached() {
  if (owed() && trunk_possible(world_) && trunk() == nullptr &&
      free_place(world_, net::NetworkCard(0)) < 0) {
    violated("a place is left for the trunk", "the agent has attached an ENI to the last one");
  }
}

void Controller::hurry() {
  due_ = std::min(due_, world_.now().steady);
}

// --- the trunk

void Controller::look() {
  if (asked_ && world_.now().steady >= due_ && trunk() == nullptr && trunk_possible(world_)) {
    bring_trunk();
  }
  world_.time.after(world_.random.between(milliseconds(500), seconds(6)), [this] { look(); });
}

/// One step at each look: the trunk is made, then attached.
void Controller::bring_trunk() {
  if (made_.empty()) {
    vpc::NewInterface wanted{.subnet = world_.subnet, .description = "aws-k8s-trunk-eni"};
    wanted.tags = kTags;
    wanted.kind = aws::EniKind::trunk;
    wanted.ipv6_count = world_.settings.enable_ipv6 ? 1 : 0;
    if (const auto made = world_.model.create_interface(wanted, world_.now())) {
      made_ = made->id;
      world_.remember_enis();
    }
    return;
  }
  const int place = free_place(world_, net::NetworkCard(0));
  if (place < 0) {
    if (owed()) {
      violated("a place is left for the trunk", "the controller finds none");
    }
    return;
  }
  if (world_.model.attach(made_, world_.instance, net::NetworkCard(0), net::DeviceIndex(place),
                          world_.now())) {
    world_.journal.say([&] { return "the trunk comes: " + to_string(made_); });
    world_.lasting.insert(made_);
    made_ = {};
    world_.remember_enis();
  }
}

// --- branch ENIs and their pods

net::VlanId Controller::free_vlan() const {
  std::set<net::VlanId> used;
  for (const auto& [id, branch] : branches_) {
    used.insert(branch.vlan);
  }
  int vlan = 1;
  while (used.contains(net::VlanId(vlan))) {
    ++vlan;
  }
  return net::VlanId(vlan);
}

void Controller::create_pod() {
  const auto* carrier = trunk();
  if (carrier == nullptr || carrier->attachment->status != "attached" ||
      branches_.size() >= kMostBranches) {
    return;
  }
  vpc::NewInterface wanted{.subnet = world_.eni_subnet(), .description = "aws-k8s-branch-eni"};
  wanted.tags = kTags;
  wanted.kind = aws::EniKind::branch;
  const auto made = world_.model.create_interface(wanted, world_.now());
  if (!made) {
    return;
  }
  world_.remember_enis();
  const std::string id = "branch-" + std::to_string(++count_);
  Branch& branch = branches_[id];
  branch.vlan = free_vlan();
  branch.eni = made->id;
  branch.address = made->primary();
  branch.veth = podnet::host_veth_name(
      world_.settings.strict_branches() ? "vlan" : world_.settings.veth_prefix, "default", id, 0);
  world_.journal.say([&] { return id + " shall have " + to_string(branch.eni); });
  world_.time.after(world_.random.between(milliseconds(50), seconds(5)),
                    [this, id] { associate(id); });
}

void Controller::associate(const std::string& id) {
  Branch& branch = branches_.at(id);
  const auto* carrier = trunk();
  if (carrier == nullptr || world_.model.find_eni(branch.eni) == nullptr) {
    return;  // check() tells
  }
  branch.associated =
      world_.model.associate(branch.eni, carrier->id, branch.vlan, world_.now()).has_value();
  world_.remember_enis();
  wire(id);
}

/// The ADD: the agent answers it as soon as it knows the trunk.
void Controller::wire(const std::string& id) {
  Branch& branch = branches_.at(id);
  const auto* agent = world_.serving();
  if (branch.ending) {
    return;
  }
  if (agent == nullptr || !agent->pools().first().has_trunk()) {
    world_.time.after(world_.random.between(milliseconds(100), seconds(3)), [this, id] {
      if (branches_.contains(id)) {
        wire(id);
      }
    });
    return;
  }
  world_.journal.say([&] { return "wired " + id + " with " + to_string(branch.address); });
  world_.kernel.attach_branch(id, branch.veth, branch.vlan, branch.address,
                              world_.settings.strict_branches());
  branch.wired = true;
}

void Controller::stop_pod() {
  std::vector<std::string> live;
  for (const auto& [id, branch] : branches_) {
    if (branch.associated && !branch.ending) {
      live.push_back(id);
    }
  }
  if (live.empty()) {
    return;
  }
  const auto id = world_.random.pick(live);
  Branch& branch = branches_.at(id);
  world_.journal.say([&] { return "gone " + id; });
  world_.kernel.detach_branch(branch.veth, branch.vlan, branch.address);
  branch.wired = false;
  branch.ending = true;
  world_.time.after(kBranchCooldown + world_.random.between(milliseconds(0), seconds(5)),
                    [this, id] { end(id); });
}

void Controller::end(const std::string& id) {
  Branch& branch = branches_.at(id);
  if (branch.associated) {
    (void)world_.model.disassociate(branch.eni, world_.now());
    branch.associated = false;
    world_.time.after(world_.random.between(milliseconds(50), seconds(5)), [this, id] { end(id); });
  } else {
    (void)world_.model.remove(branch.eni, world_.now());
    branches_.erase(id);
  }
  world_.remember_enis();
}

// --- invariants

void Controller::check() {
  if (!made_.empty() && world_.model.find_eni(made_) == nullptr) {
    violated("trunk and EFA ENIs stay", to_string(made_) + ", not attached yet, is gone");
  }
  for (const auto& [id, branch] : branches_) {
    const auto* eni = world_.model.find_eni(branch.eni);
    const std::string what = to_string(branch.eni) + " of " + id;
    if (eni == nullptr || eni->branch_of.has_value() != branch.associated ||
        eni->addresses.size() != 1 || !eni->prefixes.empty()) {
      violated("branch ENIs are the controller's", what + " is gone or was changed");
    } else if (branch.wired) {
      const auto trouble = world_.kernel.branch_trouble(branch.veth, branch.vlan, branch.address);
      if (!trouble.empty()) {
        violated("every live pod stays wired", what + ": " + trouble);
      }
    }
  }
}

void Controller::check_at_rest(const ipam::Pools& pools) {
  const bool possible = trunk_possible(world_);
  const auto* carrier = trunk();
  if (carrier == nullptr && possible && owed() && asked_ && !world_.dry()) {
    violated("the trunk comes", "there is none after the storm");
  }
  // IMDS does not tell what a trunk is.
  if (world_.settings.enable_pod_eni && !world_.settings.imds_only &&
      pools.first().has_trunk() != (carrier != nullptr)) {
    violated("the trunk is known", carrier != nullptr ? to_string(carrier->id) : "there is none");
  }
  for (const auto& held : pools.assignments()) {
    for (const auto& [id, branch] : branches_) {
      if (held.assignment.address == branch.address) {
        violated("a branch ENI's address is not the pool's", to_string(branch.address));
      }
    }
  }
}

}  // namespace vpccni::sim
