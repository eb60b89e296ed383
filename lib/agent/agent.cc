#include "agent/agent.h"

#include <algorithm>
#include <csignal>

#include "agent/agent_metrics.h"
#include "agent/attached.h"
#include "agent/tend_enis.h"
#include "base/files.h"
#include "podnet/pod.h"

namespace vpccni::agent {

namespace {

using std::chrono::seconds;

constexpr auto kVpcCidrPeriod = seconds(30);
constexpr auto kSecurityGroupPeriod = seconds(30);
constexpr auto kLateDelPeriod = seconds(5);

}  // namespace

Agent::Agent(event::Loop& loop, const Edges& edges, Started started,
             std::unique_ptr<Cluster> cluster, metrics::Registry& metrics, AgentOptions options)
    : loop_(loop),
      edges_(edges),
      node_(std::move(started.node)),
      pools_(std::move(started.pools)),
      metrics_(metrics),
      options_(std::move(options)),
      rpc_(loop),
      introspection_(loop, [this](const auto& request, auto to) { answer(request, to); }),
      metrics_server_(loop, [this](const auto& request, auto to) { scrape(request, *to); }),
      cluster_(std::move(cluster)) {
  facts_.vpc_cidrs = node_.network.vpc_cidrs;
  facts_.snat_exclusions = node_.network.snat_exclusions;
  facts_.external_snat = node_.network.external_snat;
  facts_.network_policy_mode = node_.settings.network_policy_mode;
  facts_.veth_prefix = node_.network.veth_prefix;
  facts_.multi_nic = node_.settings.enable_multi_nic;
  facts_.network_cards = static_cast<int>(pools_->size());
  for (std::size_t pool = 0; pool < pools_->size(); ++pool) {
    const auto card = pools_->at(pool).store().options().card;
    cards_.push_back({node_.on_card(card), options_.files.of_card(card)});
  }
  std::vector<std::string> none;
  targets_ = effective_targets(node_.settings, {}, {}, none);
}

Agent::~Agent() {
  options_.ending.request_stop();
  pool_.request_stop();
  host_.request_stop();
  side_.request_stop();
}

void Agent::run() {
  timers_.push_back(loop_.every(kVpcCidrPeriod, [this] { refresh_vpc_cidrs(); }));
  // With custom networking the ENIConfig says which groups an ENI gets, once.
  const bool same_groups = pools_->first().gate().provisioning && !node_.settings.custom_networking;
  if (same_groups) {
    timers_.push_back(loop_.every(kSecurityGroupPeriod, [this] { refresh_security_groups(); }));
  }
  connections_ = std::make_unique<ConnectionFlush>(loop_, host_, edges_.log);
  take_late_dels();  // before healing, which would put back what those pods had
  if (node_.settings.dataplane_reconcile) {
    healing_ = std::make_unique<SelfHealing>(
        loop_, host_, edges_.clock, edges_.log, metrics_,
        SelfHealing::Sources{[this] { return wanted_host(); },
                             [this](const auto& reason, const auto& note) {
                               if (cluster_) {
                                 cluster_->post_event(reason, "reconcile", note);
                               }
                             }});
  }
  timers_.push_back(loop_.on_signal(SIGTERM, [this] { terminate(); }));
  timers_.push_back(loop_.on_signal(SIGINT, [this] { terminate(); }));
  if (cluster_) {
    follow_cluster();
  }
  if (cluster_ && node_.settings.enable_pod_eni) {
    serve_branch_pods();
  }
  if (same_groups) {
    refresh_security_groups();
  }
  if (pools_->first().gate().provisioning) {
    pool_.post([this](const std::stop_token& stop) {
      remove_leftovers(edges_, node_, stop);
      for (const Card& card : cards_) {
        tend_enis(edges_, card.node, stop);
      }
    });
  }
  leaked_ = schedule_leaked(loop_, side_, edges_, node_);
  commit();
  loop_.run([this] { commit(); });
}

void Agent::take_late_dels() {
  const auto held = [this](const ::rpc::DelNetworkRequest& request) {
    std::vector<net::Ip> addresses;
    for (const auto& lease : pools_->held_by(to_event(request, 0, facts_))) {
      addresses.push_back(lease.address);
    }
    return addresses;
  };
  late_dels_ = std::make_unique<LateDels>(
      loop_, host_, edges_.kernel, edges_.log, rpc::ReleaseJournal(options_.release_journal),
      LateDels::Sources{held, [this](std::string_view bytes, rpc::Done done) {
                          del_network(bytes, std::move(done));
                        }});
  late_dels_->look();
  timers_.push_back(loop_.every(kLateDelPeriod, [this] { late_dels_->look(); }));
}

std::vector<net::EniId> Agent::known_enis(std::size_t pool) const {
  std::vector<net::EniId> enis;
  for (const auto& [id, eni] : pools_->at(pool).store().enis()) {
    enis.push_back(id);
  }
  return enis;
}

/// Ends a turn: effects until no checkpoint write asks for more, then the next wake-up.
void Agent::commit() {
  bool again = true;
  while (again) {
    checkpoint_written_ = false;
    auto turn = pools_->take_effects(edges_.clock.now());
    for (auto& one : turn.effects) {
      std::visit(
          [&](auto& effect) {
            if constexpr (requires { perform(one.pool, effect); }) {
              perform(one.pool, effect);
            }
          },
          one.effect);
    }
    for (auto& reply : turn.replies) {
      std::visit([this](auto& one) { perform(one); }, reply);
    }
    again = checkpoint_written_ || turn.again;
  }
  if (branches_ && branches_->waiting() > 0) {
    branches_->look_again();  // the trunk may have come
  }
  const base::Instant now = edges_.clock.now();
  tick_ = loop_.after(pools_->next_tick(now) - now.steady,
                      [this] { pools_->on_all(ipam::Tick{}, edges_.clock.now()); });
}

void Agent::perform(ipam::PodAdded& effect) {
  auto caller = waiting_.extract(effect.token);
  if (caller.empty()) {
    return;
  }
  if (const auto* none = std::get_if<ipam::AddFailure>(&effect.answer)) {
    note_failed(caller.mapped(), *none);
  } else {
    count_reuse(metrics_, edges_.clock.now().wall, effect.released);
    if (effect.released != base::WallTime()) {
      connections_->assigned(std::get<std::vector<ipam::Lease>>(effect.answer).front().address);
    }
  }
  auto reply = to_reply(effect, facts_);
  if (reply.success() && cluster_ && cluster_->annotates_pods()) {
    annotate_then_reply(std::move(caller.mapped()), std::move(reply));
    return;
  }
  if (reply.success()) {
    note_given(caller.mapped());
  }
  caller.mapped().done({}, reply.SerializeAsString());
}

void Agent::perform(ipam::PodDeleted& effect) {
  auto caller = waiting_.extract(effect.token);
  if (caller.empty()) {
    return;
  }
  if (effect.answer) {
    for (const auto& lease : *effect.answer) {
      connections_->released(lease.address);
    }
  }
  auto answer = to_reply(effect, facts_);
  if (effect.answer && cluster_ && cluster_->annotates_pods()) {
    clear_then_reply(std::move(caller.mapped()), std::move(answer.reply));
    return;
  }
  caller.mapped().done(answer.status, answer.reply.SerializeAsString());
}

void Agent::perform(std::size_t pool, ipam::WriteCheckpoint& effect) {
  Card& card = cards_[pool];
  checkpoint_written_ = true;
  ipam::CheckpointWritten written{effect.serial, std::nullopt};
  // The side file first: an address must not look fresh because only the checkpoint was written.
  const auto begin = edges_.clock.now().steady;
  Result<> done = write_recent(card, effect.recent);
  write_quarantine(card, effect.quarantine);
  if (done) {
    done = base::write_file_durably(card.files.path, effect.checkpoint);
  }
  metrics_.observe<metrics::Metric::vpccni_checkpoint_write_seconds>(
      std::chrono::duration<double>(edges_.clock.now().steady - begin).count());
  if (!done) {
    written.error = wrap(std::move(done).error(), "checkpoint");
  }
  pools_->on(pool, written, edges_.clock.now());
}

Result<> Agent::write_recent(Card& card, const std::string& bytes) {
  if (bytes == card.recent_written) {
    return {};
  }
  // Has to survive the process, not the machine: after a reboot no pod is left to protect.
  auto done = base::replace_file(card.files.recent(), bytes);
  card.recent_written = done ? bytes : std::string();
  return done;
}

/// For people: the checkpoint has the same entries.
void Agent::write_quarantine(Card& card, const std::string& bytes) {
  if (bytes == card.quarantine_written) {
    return;
  }
  card.quarantine_written = bytes;
  if (auto done = base::replace_file(card.files.quarantine(), bytes); !done) {
    edges_.log.warn("the list of quarantined addresses is not written; ignoring",
                    {{"error", done.error().message}});
  }
}

void Agent::post_event(std::size_t pool, ipam::Event event) {
  loop_.post([this, pool, event = std::move(event)]() mutable {
    pools_->on(pool, std::move(event), edges_.clock.now());
  });
}

void Agent::perform(std::size_t pool, ipam::Execute& effect) {
  edges_.log.info("pool operation begins",
                  {{"operation", ipam::to_string(effect.action)}, {"because", effect.because}});
  if (!effect.recent.empty()) {
    if (auto written = write_recent(cards_[pool], effect.recent); !written) {
      post_event(
          pool, ipam::OperationDone{effect.id, wrap(std::move(written).error(), "note what goes")});
      return;
    }
  }
  pool_.post([this, pool, effect](const std::stop_token& stop) {
    const InProgress work(metrics_, loop_of(effect.action));
    const auto begin = edges_.clock.now().steady;
    auto outcome = execute(edges_, cards_[pool].node, effect.action, stop);
    count_operation(metrics_, effect.action, outcome, edges_.clock.now().steady - begin);
    post_event(pool, ipam::OperationDone{effect.id, std::move(outcome)});
  });
}

void Agent::perform(std::size_t pool, ipam::Observe& effect) {
  pool_.post([this, pool, effect, known = known_enis(pool),
              asked = edges_.clock.now().steady](const std::stop_token&) {
    const InProgress work(metrics_, "nodeIPPoolReconcile");
    auto observed = observe(edges_, cards_[pool].node, effect, listings_, asked);
    count(metrics_, observed);
    if (observed.same) {
      show(metrics_, Drift{});
    } else if (observed.enis && observed.by_ec2) {
      compare_with_imds(pool, *observed.enis, known);
    }
    post_event(pool, std::move(observed));
  });
}

/// For the drift metric only: nothing is decided here.
void Agent::compare_with_imds(std::size_t pool, const std::vector<ipam::ObservedEni>& listed,
                              const std::vector<net::EniId>& known) {
  side_.post([this, pool, listed, known](const std::stop_token&) {
    std::optional<Drift> drift;
    if (const auto shown = shown_enis(edges_, cards_[pool].node)) {
      std::vector<ipam::ObservedEni> enis;
      for (const auto& eni : shown->enis) {
        enis.push_back({eni_facts(eni, {}, node_), pod_blocks(eni, node_.family())});
      }
      drift = find_drift(listed, enis, known);
    }
    show(metrics_, drift);
  });
}

void Agent::perform(std::size_t pool, ipam::AdoptEni& effect) {
  pool_.post([this, pool, effect](const std::stop_token& stop) {
    auto event = adopt(edges_, cards_[pool].node, effect.eni, stop);
    count_adopted(metrics_, std::holds_alternative<ipam::EniReady>(event));
    post_event(pool, std::move(event));
  });
}

void Agent::perform(std::size_t /*pool*/, ipam::ForgetEni& effect) {
  pool_.post([this, facts = effect.facts](const std::stop_token&) {
    if (auto done = edges_.kernel.delete_rules_from(facts.primary_ip); !done) {
      metrics_.add<metrics::Metric::awscni_ipamd_error_count>({"freeENIDeleteRulesFailed"});
      edges_.log.warn("rules of a removed ENI stay; ignoring",
                      {{"eni", to_string(facts.id)}, {"error", done.error().message}});
    }
  });
}

void Agent::perform(std::size_t /*pool*/, ipam::Report& effect) {
  count(metrics_, effect);
  std::string message = effect.message;
  for (const auto& [key, value] : effect.fields) {
    message += "; " + key + "=" + value;
  }
  if (!effect.event.empty() && cluster_) {
    cluster_->post_event(effect.event, "reconcile", message);
  }
  if (effect.level == ipam::Report::Level::error) {
    edges_.log.error(message);
  } else if (effect.level == ipam::Report::Level::warn) {
    edges_.log.warn(message);
  } else {
    edges_.log.info(message);
  }
}

/// VPC CIDRs change when an operator adds one to the VPC: the SNAT rules follow.
void Agent::refresh_vpc_cidrs() {
  const bool heals = healing_ != nullptr;
  side_.post([this, heals, network = node_.network, known = facts_.vpc_cidrs](const auto&) mutable {
    auto cidrs = vpc_cidrs(edges_.imds, node_);
    if (!cidrs || cidrs->empty()) {
      return;  // keep the old list
    }
    auto same = known;
    auto now = *cidrs;
    std::sort(same.begin(), same.end());
    std::sort(now.begin(), now.end());
    if (same == now) {
      return;
    }
    network.vpc_cidrs = *cidrs;
    const bool snat = network.family == net::Family::v4 && !heals;
    if (auto done = snat ? edges_.kernel.update_chains(network) : Result<>(); !done) {
      edges_.log.error(
          "the VPC's CIDRs changed, but the SNAT rules could not be updated; "
          "tried again in 30 s",
          {{"error", done.error().message}});
      return;
    }
    loop_.post([this, list = std::move(network.vpc_cidrs)]() mutable {
      edges_.log.info("the VPC's CIDRs changed", {{"count", std::to_string(list.size())}});
      facts_.vpc_cidrs = std::move(list);
      if (healing_) {
        healing_->renew_chains();
      }
    });
  });
}

/// What the kernel should have for us now.
podnet::WantedHost Agent::wanted_host() const {
  podnet::WantedHost wanted{node_.network, {}, {}};
  wanted.network.vpc_cidrs = facts_.vpc_cidrs;
  std::set<net::Ip> in_use;
  for (std::size_t pool = 0; pool < pools_->size(); ++pool) {
    for (const auto& [id, eni] : pools_->at(pool).store().enis()) {
      if (eni.set_up && !eni.primary) {
        in_use.insert(eni.primary_ip);
      }
    }
  }
  for (auto& eni : edges_.kernel.enis()) {
    if (in_use.contains(eni.ip)) {
      wanted.enis.push_back(std::move(eni));
    }
  }
  for (const auto& held : pools_->assignments()) {
    const auto& entry = held.assignment;
    if (held.lease.eni != net::EniId() && entry.key.network != ipam::kRecoveredNetwork &&
        !late_dels_->takes(entry.address)) {
      wanted.pods.push_back({entry.address, held.lease.table,
                             podnet::host_veth_name(node_.network.veth_prefix, entry.pod.name_space,
                                                    entry.pod.name, held.interface)});
    }
  }
  return wanted;
}

/// All our ENIs carry the primary ENI's security groups (spec agent.md 5.2).
void Agent::refresh_security_groups() {
  std::vector<net::EniId> enis;
  for (std::size_t pool = 0; pool < pools_->size(); ++pool) {
    const auto some = known_enis(pool);
    enis.insert(enis.end(), some.begin(), some.end());
  }
  side_.post([this, enis, known = groups_](const std::stop_token& stop) {
    auto groups = edges_.imds.security_groups(node_.identity.primary_mac);
    if (!groups || groups->empty()) {
      return;
    }
    std::sort(groups->begin(), groups->end());
    if (*groups == known) {
      return;
    }
    for (const auto& eni : enis) {
      auto done = edges_.ec2.set_groups(eni, *groups);
      if (!done && done.error().code != Errc::not_found && !stop.stop_requested()) {
        edges_.log.warn("security groups of an ENI not updated; tried again in 30 s",
                        {{"eni", to_string(eni)}, {"error", done.error().message}});
        return;
      }
    }
    loop_.post([this, list = *std::move(groups)]() mutable { groups_ = std::move(list); });
  });
}

void Agent::terminate() {
  if (terminating_) {
    loop_.stop();  // asked twice: at once
    return;
  }
  terminating_ = true;
  edges_.log.info("terminating: no more growth; ends when the running operation has ended");
  pools_->on_all(ipam::Terminating{}, edges_.clock.now());
  // Queued behind what runs now; the stop token shortens its waits.
  pool_.post([this](const std::stop_token&) { loop_.stop(); });
  timers_.push_back(loop_.after(seconds(5), [this] {
    options_.ending.request_stop();
    pool_.request_stop();
    timers_.push_back(loop_.after(seconds(2), [this] { loop_.stop(); }));
  }));
}

}  // namespace vpccni::agent
