#include "agent/agent.h"

#include <algorithm>
#include <csignal>

#include "agent/attached.h"
#include "agent/tend_enis.h"
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
