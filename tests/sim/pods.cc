#include "tests/sim/pods.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "podnet/pod.h"
#include "tests/sim/oracle.h"

namespace vpccni::sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kNetwork = "aws-cni";
constexpr auto kInterface = "eth0";
constexpr auto kNameSpace = "default";
constexpr auto kPluginDeadline = seconds(30);

}  // namespace

std::vector<std::string> Pods::in_state(State a, State b) const {
  std::vector<std::string> ids;
  for (const auto& [id, sandbox] : sandboxes_) {
    if (sandbox.state == a || sandbox.state == b) {
      ids.push_back(id);
    }
  }
  return ids;
}

bool Pods::needs_address(const ipam::PodKey& key) const {
  const auto it = sandboxes_.find(key.container);
  return it != sandboxes_.end() && it->second.state != State::gone;
}

bool Pods::on_every_card(const ipam::PodKey& key) const {
  return sandboxes_.at(key.container).on_every_card;
}

std::string Pods::veth(const Sandbox& sandbox, int index) const {
  return podnet::host_veth_name(world_.settings.veth_prefix, kNameSpace, sandbox.pod, index);
}

std::size_t Pods::running() const {
  return in_state(State::running, State::running).size();
}

// --- ADD

void Pods::create() {
  const int most =
      std::max(world_.limits.enis * (world_.limits.ipv4_per_eni - 1) + 2, world_.max_pods / 2);
  const std::string pod = "pod-" + std::to_string(world_.random.between(1, most));
  for (const auto& [id, sandbox] : sandboxes_) {
    if (sandbox.pod == pod && (sandbox.state == State::adding || sandbox.state == State::running)) {
      return;  // lives; a new sandbox comes only after the old one has ended
    }
  }
  Sandbox one;
  one.id = "sandbox-" + std::to_string(++count_);
  one.pod = pod;
  one.key = {kNetwork, one.id, kInterface};
  one.on_every_card = world_.settings.enable_multi_nic && world_.random.chance(0.4);
  const std::string id = one.id;
  sandboxes_[id] = std::move(one);
  add(id);
}

void Pods::add(const std::string& id) {
  ++sandboxes_.at(id).adds;
  world_.time.after(world_.random.between(microseconds(100), milliseconds(5)), [this, id] {
    const Sandbox& sandbox = sandboxes_.at(id);
    if (sandbox.state == State::gone) {
      return;  // the plugin does not ask for a sandbox that is gone
    }
    Process* agent = world_.serving();
    if (agent == nullptr) {
      added(id, std::nullopt);
      return;
    }
    const auto token = ++token_;
    world_.journal.say([&] {
      return "ADD #" + std::to_string(token) + " " + id + " of " + sandbox.pod +
             (sandbox.on_every_card ? " on every card" : "");
    });
    const auto once = [this, id, told = std::make_shared<bool>(false)](const Reply& reply) {
      if (!std::exchange(*told, true)) {
        added(id, reply);
      }
    };
    world_.time.after(kPluginDeadline, [once] { once(std::nullopt); });
    agent->call(ipam::PodAdd{token, sandbox.key, {kNameSpace, sandbox.pod, 1}},
                sandbox.on_every_card, once);
  });
}

void Pods::added(const std::string& id, const Reply& reply) {
  Sandbox& sandbox = sandboxes_.at(id);
  const auto* answer = reply ? std::get_if<ipam::PodAdded>(&*reply) : nullptr;
  const auto* leases =
      answer != nullptr ? std::get_if<std::vector<ipam::Lease>>(&answer->answer) : nullptr;
  if (sandbox.state != State::adding) {
    return;  // a repeated ADD, or the runtime has given up meanwhile
  }
  if (leases != nullptr) {
    const bool slow = world_.storm && world_.random.chance(world_.odds.slow_plugin);
    world_.time.after(slow ? world_.random.between(milliseconds(50), seconds(8))
                           : world_.random.between(microseconds(500), milliseconds(5)),
                      [this, id, got = *leases] { wire(id, got); });
    return;
  }
  if (sandbox.adds < 3 && world_.random.chance(0.4)) {
    world_.time.after(world_.random.between(milliseconds(50), seconds(2)), [this, id] {
      if (sandboxes_.at(id).state == State::adding) {
        add(id);
      }
    });
    return;
  }
  stop(id);
}

void Pods::wire(const std::string& id, const std::vector<ipam::Lease>& leases) {
  Sandbox& sandbox = sandboxes_.at(id);
  if (sandbox.state != State::adding) {
    return;  // the runtime has ended the plugin
  }
  if (world_.storm && world_.random.chance(world_.odds.wiring_fails)) {
    world_.journal.say([&] { return "wiring of " + id + " fails; the plugin gives back"; });
    del(id, After::nothing);
    stop(id);
    return;
  }
  sandbox.state = State::running;
  sandbox.leases = leases;
  std::vector<std::string> veths;
  for (const auto& lease : leases) {
    const int index = static_cast<int>(veths.size());
    veths.push_back(veth(sandbox, index));
    world_.journal.say([&] { return "wired " + id + " with " + to_string(lease.address); });
    const auto link = podnet::container_link_name(kInterface, index);
    world_.kernel.attach(id, veths.back(), podnet::host_veth_mac(id, link), lease.address,
                         lease.table);
  }
  world_.oracle->wired(sandbox.key, veths);
}

void Pods::unwire(const Sandbox& sandbox, const std::vector<ipam::Lease>& leases) {
  int index = 0;
  for (const auto& lease : leases) {
    world_.kernel.detach(veth(sandbox, index++), lease.address, lease.table);
  }
}

void Pods::repeat_add() {
  const auto ids = in_state(State::running, State::adding);
  if (!ids.empty()) {
    add(world_.random.pick(ids));
  }
}

// --- DEL

void Pods::stop() {
  const auto ids = in_state(State::running, State::adding);
  if (!ids.empty()) {
    stop(world_.random.pick(ids));
  }
}

void Pods::stop(const std::string& id) {
  Sandbox& sandbox = sandboxes_.at(id);
  if (sandbox.state == State::gone || sandbox.state == State::stopping) {
    return;
  }
  sandbox.state = State::stopping;
  world_.oracle->ending(sandbox.key);
  if (world_.random.chance(0.2)) {
    world_.kernel.destroy(id);  // the namespace goes first
    world_.oracle->gone(sandbox.key);
  }
  del(id, After::destroy);
}

void Pods::del(const std::string& id, After after) {
  world_.time.after(world_.random.between(microseconds(100), milliseconds(20)), [this, id, after] {
    const Sandbox& sandbox = sandboxes_.at(id);
    Process* agent = world_.serving();
    if (agent == nullptr) {
      deleted(id, std::nullopt, after);
      return;
    }
    const auto token = ++token_;
    world_.journal.say(
        [&] { return "DEL #" + std::to_string(token) + " " + id + " of " + sandbox.pod; });
    ipam::PodDel event{token, sandbox.key, {}};
    for (int index = 0; index < static_cast<int>(world_.cards().size()); ++index) {
      const auto mac = podnet::host_veth_mac(id, podnet::container_link_name(kInterface, index));
      event.host_links.push_back(veth(sandbox, index) + "/" + to_string(mac));
      event.host_links.push_back(veth(sandbox, index));
    }
    agent->call(std::move(event),
                [this, id, after](const Reply& reply) { deleted(id, reply, after); });
  });
}

void Pods::deleted(const std::string& id, const Reply& reply, After after) {
  Sandbox& sandbox = sandboxes_.at(id);
  const auto* answer = reply ? std::get_if<ipam::PodDeleted>(&*reply) : nullptr;
  if (answer != nullptr && answer->answer) {
    unwire(sandbox, *answer->answer);
  } else if (after == After::destroy && !sandbox.leases.empty() &&
             (answer == nullptr || answer->answer.error().code != Errc::not_found)) {
    world_.oracle->gone(sandbox.key);
    unwire(sandbox, sandbox.leases);
  }
  if (after == After::nothing) {
    return;
  }
  world_.time.after(world_.random.between(milliseconds(1), milliseconds(50)),
                    [this, id] { destroy(id); });
  if (world_.random.chance(answer == nullptr ? 0.4 : 0.15)) {
    world_.time.after(world_.random.between(milliseconds(10), seconds(90)),
                      [this, id] { del(id, After::nothing); });
  }
}

void Pods::destroy(const std::string& id) {
  Sandbox& sandbox = sandboxes_.at(id);
  world_.journal.say([&] { return "gone " + id; });
  sandbox.state = State::gone;
  world_.kernel.destroy(id);
  world_.oracle->gone(sandbox.key);
}

void Pods::repeat_del() {
  const auto ids = in_state(State::gone, State::stopping);
  if (!ids.empty()) {
    del(world_.random.pick(ids), After::nothing);
  }
}

void Pods::vanish() {
  const auto ids = in_state(State::running, State::running);
  if (!ids.empty()) {
    const auto id = world_.random.pick(ids);
    world_.journal.say([&] { return "vanishes: " + id; });
    destroy(id);
  }
}

void Pods::kill_unwired() {
  for (const auto& id : in_state(State::adding, State::stopping)) {
    destroy(id);
  }
}

}  // namespace vpccni::sim
