// Start-up of the simulated process: the steps of lib/agent/start.cc that this node has, with the
// disk and the host's rules in memory.

#include <algorithm>

#include "agent/attached.h"
#include "agent/effective.h"
#include "agent/tend_enis.h"
#include "podnet/pod.h"
#include "tests/sim/oracle.h"
#include "tests/sim/process.h"

namespace vpccni::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string link_identity(const podnet::HostPodRoute& route) {
  return podnet::is_host_veth_mac(route.mac) ? route.link + "/" + to_string(route.mac) : route.link;
}

bool has_link(const ipam::Assignment& entry, const podnet::HostPods& pods) {
  if (entry.key.network == ipam::kRecoveredNetwork) {
    return std::any_of(pods.routes.begin(), pods.routes.end(), [&](const auto& route) {
      return route.address == entry.address && link_identity(route) == entry.key.container;
    });
  }
  const std::string suffix = podnet::host_veth_name("", entry.pod.name_space, entry.pod.name, 0);
  return std::any_of(pods.links.begin(), pods.links.end(),
                     [&](const std::string& link) { return link.ends_with(suffix); });
}

bool on_unconfirmed(const ipam::DataStore& store, const net::Ip& address) {
  return std::any_of(store.enis().begin(), store.enis().end(), [&](const auto& eni) {
    return std::any_of(eni.second.blocks.begin(), eni.second.blocks.end(), [&](const auto& block) {
      return block.first.contains(address) && !block.second.confirmed;
    });
  });
}

bool on_a_block(const ipam::DataStore& store, const net::Ip& address) {
  const auto covers = [&](const auto& block) { return block.first.contains(address); };
  return std::any_of(store.enis().begin(), store.enis().end(), [&](const auto& eni) {
    return std::any_of(eni.second.blocks.begin(), eni.second.blocks.end(), covers);
  });
}

}  // namespace

bool Process::start() {
  world_.journal.say([&] { return "START " + std::to_string(id_); });
  if (!pass(world_.random.between(milliseconds(5), milliseconds(200)), {})) {
    return false;
  }
  node_.limits = world_.limits;
  std::vector<settings::Note> notes;
  auto settings = agent::effective(world_.settings, node_.limits, notes);
  if (!settings) {
    world_.journal.violated("the settings are accepted", settings.error().message);
    return false;
  }
  node_.settings = *std::move(settings);
  node_.network.veth_prefix = world_.settings.veth_prefix;
  auto identity = edges_.imds.identity();
  const bool known = identity && edges_.imds.vpc_ipv4_cidrs(identity->primary_mac);
  if (known) {
    node_.identity = *std::move(identity);
  }
  recent_ = ipam::parse_recent(world_.disk.recent.value_or(""));
  if (!known || boundary("start: identity known") || !set_up_enis() ||
      boundary("start: ENIs set up") || !restore_pods() || boundary("start: pods restored")) {
    if (!dead_) {
      world_.journal.say([] { return std::string("START failed"); });
      end(world_.random.between(seconds(1), seconds(10)));
    }
    return false;
  }
  serving_ = true;
  world_.journal.say([&] { return "SERVING " + std::to_string(id_); });
  if (core_->gate().provisioning) {
    post_pool([this] {
      if (!world_.mutant(Mutant::skip_leftovers)) {
        agent::remove_leftovers(edges_, node_, stop_.get_token());
      }
      agent::tend_enis(edges_, node_, stop_.get_token());
    });
  }
  if (world_.unschedulable) {
    post(ipam::Schedulable{false});
  }
  wake_loop();
  return true;
}

bool Process::set_up_enis() {
  auto attached = agent::attached_enis(edges_, node_);
  if (!attached || dead_) {
    return false;
  }
  node_.tracking = agent::primary_tracking(attached->enis);
  auto seen = node_;
  if (world_.mutant(Mutant::primary_serves_pods)) {
    seen.settings.custom_networking = false;
  }
  auto options = agent::core_options(node_, attached->unmanaged);
  if (world_.mutant(Mutant::allocate_from_unconfirmed)) {
    attached->confirmed = true;
  }
  options.awaits_trunk = options.awaits_trunk && !world_.mutant(Mutant::trunk_place_taken);
  options.provisioning = options.provisioning || world_.mutant(Mutant::change_in_imds_only);
  if (world_.mutant(Mutant::patience_ignored)) {
    options.patience = seconds(120);
  }
  core_ = std::make_unique<ipam::Core>(options, world_.now());
  if (world_.max_pods > 0) {
    auto targets = core_->targets();
    targets.max_pods = world_.max_pods;
    core_->set_targets(targets);
  }
  agent::bring_in(*core_, edges_, seen, *attached, recent_, stop_.get_token());
  return !dead_;
}

bool Process::restore_pods() {
  const auto pods = edges_.kernel.host_pods();
  if (!pods) {
    return false;
  }
  const auto now = world_.now();
  auto entries = ipam::parse_checkpoint(world_.disk.checkpoint.value_or(""));
  auto assignments = entries ? *std::move(entries) : std::vector<ipam::Assignment>();
  if (world_.mutant(Mutant::skip_restore)) {
    return true;
  }
  if (world_.mutant(Mutant::forget_cooling)) {
    recent_ = {};
  }
  if (world_.mutant(Mutant::skip_quarantine)) {
    std::erase_if(assignments,
                  [&](const auto& one) { return !on_a_block(core_->store(), one.address); });
  }
  if (world_.mutant(Mutant::forget_fallback_enis)) {
    std::erase_if(assignments,
                  [&](const auto& one) { return on_unconfirmed(core_->store(), one.address); });
  }
  std::vector<std::pair<net::Ip, std::string>> routes;
  for (const auto& route : agent::pod_routes(*pods, world_.settings.veth_prefix)) {
    routes.emplace_back(route.address, link_identity(route));
  }
  if (world_.mutant(Mutant::forget_fallback_enis)) {
    std::erase_if(routes,
                  [&](const auto& one) { return on_unconfirmed(core_->store(), one.first); });
  }
  if (world_.mutant(Mutant::forget_on_stale_imds)) {
    std::set<net::Ip> listed;
    for (const auto& eni : world_.model.imds_enis(world_.instance, now)) {
      listed.insert(eni.addresses.begin(), eni.addresses.end());
    }
    std::erase_if(assignments, [&](const auto& one) { return !listed.contains(one.address); });
    std::erase_if(routes, [&](const auto& one) { return !listed.contains(one.first); });
  }
  const auto report = core_->restore(
      assignments, routes, recent_,
      [&](const ipam::Assignment& entry) { return has_link(entry, *pods); }, now);
  world_.journal.say([&] {
    return "  restored " + std::to_string(core_->store().assignments().size()) + " of " +
           std::to_string(assignments.size()) + " entries, " +
           std::to_string(report.dropped.size()) + " dropped, " +
           std::to_string(report.quarantined.size()) + " quarantined, " +
           std::to_string(report.recovered.size()) + " recovered";
  });
  if (world_.checkpoint_lost) {
    world_.oracle->forget_loose();
  }
  for (const auto& gone : report.dropped) {
    world_.kernel.remove_pod_rules(gone.address);
  }
  for (const auto& one : core_->store().assignments()) {
    if (world_.mutant(Mutant::forget_rules)) {
      world_.kernel.remove_pod_rules(one.address);
    }
    const auto lease = core_->store().find(one.key);
    if (lease && agent::knows_table(core_->store(), *lease)) {
      world_.kernel.refresh_pod_rule(one.address, lease->table);
    }
  }
  return true;
}

}  // namespace vpccni::sim
