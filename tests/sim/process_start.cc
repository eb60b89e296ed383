// Start-up of the simulated process: the steps of lib/agent/start.cc that this node has, with the
// disk and the host's rules in memory.

#include <algorithm>

#include "agent/effective.h"
#include "agent/leaked_enis.h"
#include "agent/tend_enis.h"
#include "tests/sim/controller.h"
#include "tests/sim/oracle.h"
#include "tests/sim/process.h"

namespace vpccni::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kTrunkPeriod = seconds(5);

bool on_unconfirmed(const ipam::DataStore& store, const net::Ip& address) {
  return std::any_of(store.enis().begin(), store.enis().end(), [&](const auto& eni) {
    return std::any_of(eni.second.blocks.begin(), eni.second.blocks.end(), [&](const auto& block) {
      return block.first.contains(address) && !block.second.confirmed;
    });
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
  if (pools_->first().gate().provisioning) {
    post_pool([this] {
      if (!world_.mutant(Mutant::skip_leftovers)) {
        agent::remove_leftovers(edges_, node_, stop_.get_token());
      }
      for (const Card& card : cards_) {
        agent::tend_enis(edges_, card.node, stop_.get_token());
      }
    });
  }
  if (node_.settings.enable_pod_eni) {
    world_.controller->agent_started();
    await_trunk();
  }
  if (world_.unschedulable) {
    post(ipam::Schedulable{false});
  }
  wake_loop();
  return true;
}

void Process::clean_leaked() {
  if (agent::cleans_leaked_enis(node_.settings)) {
    post_pool([this] { agent::clean_leaked_enis(edges_, node_, stop_.get_token()); });
  }
}

/// As lib/agent/agent_branch.cc: a trunk is asked for when there is a place for it.
void Process::await_trunk() {
  const auto& core = pools_->first();
  if (core.has_trunk()) {
    return;
  }
  post(0, ipam::LookAgain{});
  if (node_.family() != net::Family::v4 ||
      static_cast<int>(core.store().enis().size()) <= core.limits().enis) {
    world_.controller->ask();
  }
  later(kTrunkPeriod, [this] { await_trunk(); });
}

agent::Checkpoints Process::read_checkpoints() const {
  agent::Checkpoints checkpoints;
  for (const auto card : world_.cards()) {
    const auto files = world_.files(card);
    auto& one = checkpoints[card];
    one.recent = ipam::parse_recent(world_.disk.read(files.recent()));
    if (auto entries = ipam::parse_checkpoint(world_.disk.read(files.path))) {
      one.assignments = *std::move(entries);
    }
  }
  return checkpoints;
}

std::unique_ptr<ipam::Core> Process::make_core(const agent::Node& node,
                                               const agent::Attached& attached) {
  auto options = agent::core_options(node, attached.unmanaged);
  const bool forgets = world_.mutant(Mutant::trunk_place_taken) ||
                       (id_ > 1 && world_.mutant(Mutant::forget_trunk_place));
  options.awaits_trunk = options.awaits_trunk && !forgets;
  options.provisioning = options.provisioning || world_.mutant(Mutant::change_in_imds_only);
  if (world_.mutant(Mutant::patience_ignored)) {
    options.patience = seconds(120);
  }
  auto core = std::make_unique<ipam::Core>(options, world_.now());
  if (world_.max_pods > 0) {
    auto targets = core->targets();
    targets.max_pods = world_.max_pods;
    core->set_targets(targets);
  }
  return core;
}

bool Process::set_up_enis() {
  auto all = agent::list_attached(edges_, node_);
  if (!all || dead_) {
    return false;
  }
  if (world_.mutant(Mutant::allocate_from_unconfirmed)) {
    all->confirmed = true;
  }
  checkpoints_ = read_checkpoints();
  std::vector<std::unique_ptr<ipam::Core>> cores;
  for (const auto card : agent::managed_cards(all->enis, node_)) {
    const auto attached = agent::attached_on(*all, card);
    if (cores.empty()) {
      node_.tracking = agent::primary_tracking(attached.enis);
    }
    cards_.push_back({node_.on_card(card), world_.files(card)});
    auto seen = cards_.back().node;
    if (world_.mutant(Mutant::primary_serves_pods)) {
      seen.settings.custom_networking = false;
    }
    cores.push_back(make_core(cards_.back().node, attached));
    agent::bring_in(*cores.back(), edges_, seen, attached, checkpoints_[card].recent,
                    stop_.get_token());
  }
  pools_ = std::make_unique<ipam::Pools>(std::move(cores));
  return !dead_;
}

/// What is forgotten by the mutants that forget.
void Process::forget(podnet::HostPods& pods) {
  std::set<net::Ip> listed;
  for (const auto& eni : world_.model.imds_enis(world_.instance, world_.now())) {
    listed.insert(eni.addresses.begin(), eni.addresses.end());
  }
  for (std::size_t pool = 0; pool < pools_->size(); ++pool) {
    const auto& store = pools_->at(pool).store();
    auto& checkpoint = checkpoints_[store.options().card];
    const auto drop = [&](const auto& which) {
      std::erase_if(checkpoint.assignments, [&](const auto& one) { return which(one.address); });
    };
    const auto unconfirmed = [&](const net::Ip& ip) { return on_unconfirmed(store, ip); };
    const auto unlisted = [&](const net::Ip& ip) { return !listed.contains(ip); };
    if (world_.mutant(Mutant::forget_cooling)) {
      checkpoint.recent = {};
    }
    if (world_.mutant(Mutant::forget_second_card) && pool > 0) {
      checkpoint = {};
    }
    if (world_.mutant(Mutant::skip_quarantine)) {
      drop([&](const net::Ip& ip) { return !store.covers(ip); });
    }
    if (world_.mutant(Mutant::forget_fallback_enis)) {
      drop(unconfirmed);
      std::erase_if(pods.routes, [&](const auto& one) { return unconfirmed(one.address); });
    }
    if (world_.mutant(Mutant::forget_on_stale_imds)) {
      drop(unlisted);
      std::erase_if(pods.routes, [&](const auto& one) { return unlisted(one.address); });
    }
  }
}

bool Process::restore_pods() {
  auto pods = edges_.kernel.host_pods();
  if (!pods) {
    return false;
  }
  if (world_.mutant(Mutant::skip_restore)) {
    return true;
  }
  forget(*pods);
  const auto reports =
      agent::restore_pods(*pools_, checkpoints_, *pods, world_.settings.veth_prefix, world_.now());
  if (!world_.disk.lost.empty()) {
    world_.oracle->forget_loose();
  }
  for (const auto& report : reports) {
    world_.journal.say([&] {
      return "  restored: " + std::to_string(report.dropped.size()) + " dropped, " +
             std::to_string(report.quarantined.size()) + " quarantined, " +
             std::to_string(report.recovered.size()) + " recovered";
    });
    for (const auto& gone : report.dropped) {
      world_.kernel.remove_pod_rules(gone.address);
    }
  }
  for (const auto& held : pools_->assignments()) {
    const auto& address = held.assignment.address;
    if (world_.mutant(Mutant::forget_rules)) {
      world_.kernel.remove_pod_rules(address);
    }
    if (agent::knows_table(pools_->at(held.pool).store(), held.lease)) {
      world_.kernel.refresh_pod_rule(address, held.lease.table);
    }
  }
  return true;
}

}  // namespace vpccni::sim
