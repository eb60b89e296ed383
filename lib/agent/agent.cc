#include "agent/agent.h"

#include <algorithm>
#include <csignal>

#include "agent/introspect.h"
#include "agent/tend_enis.h"
#include "base/files.h"
#include "rpc/health.h"

namespace vpccni::agent {

namespace {

using std::chrono::seconds;

constexpr auto kVpcCidrPeriod = seconds(30);
constexpr auto kSecurityGroupPeriod = seconds(30);

ipam::PodInfo pod_of(const ::rpc::DelNetworkRequest& request) {
  return {request.k8s_pod_namespace(), request.k8s_pod_name(), 1};
}

}  // namespace

Agent::Agent(event::Loop& loop, const Edges& edges, Started started,
             std::unique_ptr<Cluster> cluster, metrics::Registry& metrics, AgentOptions options)
    : loop_(loop),
      edges_(edges),
      node_(std::move(started.node)),
      core_(std::move(started.core)),
      metrics_(metrics),
      options_(std::move(options)),
      rpc_(loop),
      introspection_(loop, [this](const auto& request, auto to) { answer(request, to); }),
      metrics_server_(loop,
                      [this](const http::ServerRequest& request, auto to) {
                        const bool known = request.path == "/metrics";
                        to->reply({known ? 200 : 404,
                                   "text/plain; version=0.0.4; charset=utf-8",
                                   known ? metrics_text() : "404 page not found\n",
                                   {}});
                      }),
      cluster_(std::move(cluster)) {
  facts_.vpc_cidrs = node_.network.vpc_cidrs;
  facts_.snat_exclusions = node_.network.snat_exclusions;
  facts_.external_snat = node_.network.external_snat;
  facts_.network_policy_mode = node_.settings.network_policy_mode;
  facts_.veth_prefix = node_.network.veth_prefix;
  std::vector<std::string> none;
  targets_ = effective_targets(node_.settings, {}, {}, none);
}

Agent::~Agent() {
  options_.ending.request_stop();
  pool_.request_stop();
  side_.request_stop();
}

Result<> Agent::listen() {
  serve_rpc();
  const Listen& at = options_.listen;
  if (at.rpc_port != 0) {
    VPCCNI_CHECK(wrap(rpc_.listen_tcp(at.rpc_address, at.rpc_port),
                      "serve RPC on " + at.rpc_address + ":" + std::to_string(at.rpc_port)));
  }
  if (!at.rpc_socket.empty()) {
    if (auto served = rpc_.listen_unix(at.rpc_socket); !served) {
      if (at.rpc_port == 0) {
        return wrap(std::move(served).error(), "serve RPC on " + at.rpc_socket);
      }
      // 1.21 plugins and probes use TCP only: serving half is better than not serving.
      edges_.log.warn("the RPC socket of 1.23 cannot be served; TCP is",
                      {{"socket", at.rpc_socket}, {"error", served.error().message}});
    }
  }
  if (!node_.settings.disable_introspection && !at.introspection.empty()) {
    const bool socket = at.introspection.rfind("unix:", 0) == 0;
    const auto colon = at.introspection.rfind(':');
    auto served =
        socket ? introspection_.listen_unix(at.introspection.substr(5)) : [&]() -> Result<> {
      const auto port = base::parse_integer<int>(at.introspection.substr(colon + 1));
      if (colon == std::string::npos || !port) {
        return Error{Errc::invalid_argument,
                     "INTROSPECTION_BIND_ADDRESS wants host:port or "
                     "unix:<path>"};
      }
      VPCCNI_CHECK(introspection_.listen_tcp(at.introspection.substr(0, colon), *port));
      return {};
    }();
    if (!served) {
      edges_.log.warn("introspection is not served",
                      {{"address", at.introspection}, {"error", served.error().message}});
    }
  }
  if (!node_.settings.disable_metrics && at.metrics_port != 0) {
    if (auto served = metrics_server_.listen_tcp("0.0.0.0", at.metrics_port); !served) {
      edges_.log.warn("metrics are not served", {{"error", served.error().message}});
    }
  }
  return {};
}

void Agent::serve_rpc() {
  rpc_.handle("/rpc.CNIBackend/AddNetwork", [this](std::string_view bytes, rpc::Done done) {
    metrics_.add<metrics::Metric::awscni_add_ip_req_count>();
    ::rpc::AddNetworkRequest request;
    if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      done({rpc::Code::invalid_argument, "AddNetworkRequest expected"}, {});
      return;
    }
    auto event = to_event(request, next_token());
    if (!event) {
      edges_.log.warn("no address for a pod", {{"reason", event.error().message}});
      done({}, failure(event.error().message).SerializeAsString());
      return;
    }
    waiting_.emplace(event->token, Caller{std::move(done), event->pod});
    core_->on(*std::move(event), edges_.clock.now());
  });
  rpc_.handle("/rpc.CNIBackend/DelNetwork", [this](std::string_view bytes, rpc::Done done) {
    ::rpc::DelNetworkRequest request;
    if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      done({rpc::Code::invalid_argument, "DelNetworkRequest expected"}, {});
      return;
    }
    metrics_.add<metrics::Metric::awscni_del_ip_req_count>({request.reason().substr(0, 64)});
    auto event = to_event(request, next_token(), facts_);
    waiting_.emplace(event.token, Caller{std::move(done), pod_of(request)});
    core_->on(std::move(event), edges_.clock.now());
  });
  rpc_.handle("/rpc.ConfigServerBackend/GetNetworkPolicyConfigs",
              [this](std::string_view, rpc::Done done) {
                ::rpc::NetworkPolicyAgentConfigReply reply;
                reply.set_networkpolicymode(facts_.network_policy_mode);
                reply.set_nodeipv4(to_string(node_.identity.local_ipv4));
                reply.set_instanceid(to_string(node_.identity.id));
                reply.set_region(node_.identity.region);
                done({}, reply.SerializeAsString());
              });
  if (node_.settings.rpc_peers == settings::RpcPeers::root) {
    rpc_.check_peers(may_change, {"/rpc.CNIBackend/AddNetwork", "/rpc.CNIBackend/DelNetwork"});
  }
  rpc::serve_health(rpc_, [this] { return ready(); });
}

/// Once there are as many addresses as asked for, cooling ones left out; from then on for good.
/// Those of running pods count: a restart must not make a full node unhealthy.
bool Agent::ready() {
  if (!ready_) {
    const auto stats = core_->store().stats(edges_.clock.now().wall);
    const auto& limits = core_->limits();
    const int most = limits.enis * limits.addresses_per_eni(core_->store().options().prefixes);
    ready_ = stats.assigned + stats.ready() >= std::min(node_.settings.ready_min_ips, most);
  }
  return ready_;
}

void Agent::run() {
  timers_.push_back(loop_.every(kVpcCidrPeriod, [this] { refresh_vpc_cidrs(); }));
  if (core_->gate().provisioning) {
    timers_.push_back(loop_.every(kSecurityGroupPeriod, [this] { refresh_security_groups(); }));
  }
  timers_.push_back(loop_.on_signal(SIGTERM, [this] { terminate(); }));
  timers_.push_back(loop_.on_signal(SIGINT, [this] { terminate(); }));
  if (cluster_) {
    follow_cluster();
  }
  if (core_->gate().provisioning) {
    refresh_security_groups();
    pool_.post([this](const std::stop_token& stop) {
      remove_leftovers(edges_, node_, stop);
      tend_enis(edges_, node_, stop);
    });
  }
  leaked_ = schedule_leaked(loop_, side_, edges_, node_);
  commit();
  loop_.run([this] { commit(); });
}

/// Ends a turn: effects until no checkpoint write asks for more, then the next wake-up.
void Agent::commit() {
  do {
    checkpoint_written_ = false;
    for (auto& effect : core_->take_effects(edges_.clock.now())) {
      perform(effect);
    }
  } while (checkpoint_written_);
  const base::Instant now = edges_.clock.now();
  tick_ = loop_.after(core_->next_tick(now) - now.steady,
                      [this] { core_->on(ipam::Tick{}, edges_.clock.now()); });
}

void Agent::perform(ipam::Effect& effect) {
  std::visit([this](auto& one) { perform(one); }, effect);
}

void Agent::perform(ipam::ReplyAdd& effect) {
  auto caller = waiting_.extract(effect.token);
  if (caller.empty()) {
    return;
  }
  if (const auto* none = std::get_if<ipam::AddFailure>(&effect.answer)) {
    metrics_.add<metrics::Metric::awscni_no_available_ip_addresses>();
    edges_.log.warn("no address for a pod", {{"reason", none->reason}, {"detail", none->detail}});
    tell_failed_add(caller.mapped().pod, *none);
  }
  auto reply = to_reply(effect, facts_);
  if (reply.success() && cluster_ && cluster_->annotates_pods()) {
    annotate_then_reply(std::move(caller.mapped()), std::move(reply));
    return;
  }
  caller.mapped().done({}, reply.SerializeAsString());
}

void Agent::perform(ipam::ReplyDel& effect) {
  auto caller = waiting_.extract(effect.token);
  if (caller.empty()) {
    return;
  }
  auto answer = to_reply(effect, facts_);
  if (effect.answer && cluster_ && cluster_->annotates_pods()) {
    clear_then_reply(std::move(caller.mapped()), std::move(answer.reply));
    return;
  }
  caller.mapped().done(answer.status, answer.reply.SerializeAsString());
}

void Agent::perform(ipam::WriteCheckpoint& effect) {
  checkpoint_written_ = true;
  ipam::CheckpointWritten written{effect.serial, std::nullopt};
  // The side file first: an address must not look fresh because only the checkpoint was written.
  const auto begin = edges_.clock.now().steady;
  Result<> done = write_recent(effect.recent);
  write_quarantine(effect.quarantine);
  if (done) {
    done = base::write_file_durably(options_.files.path, effect.checkpoint);
  }
  metrics_.observe<metrics::Metric::vpccni_checkpoint_write_seconds>(
      std::chrono::duration<double>(edges_.clock.now().steady - begin).count());
  if (!done) {
    written.error = wrap(std::move(done).error(), "checkpoint");
  }
  core_->on(written, edges_.clock.now());
}

Result<> Agent::write_recent(const std::string& bytes) {
  if (bytes == recent_written_) {
    return {};
  }
  // Has to survive the process, not the machine: after a reboot no pod is left to protect.
  auto done = base::replace_file(options_.files.recent(), bytes);
  recent_written_ = done ? bytes : std::string();
  return done;
}

/// For people: the checkpoint has the same entries.
void Agent::write_quarantine(const std::string& bytes) {
  if (bytes == quarantine_written_) {
    return;
  }
  quarantine_written_ = bytes;
  if (auto done = base::replace_file(options_.files.quarantine(), bytes); !done) {
    edges_.log.warn("the list of quarantined addresses is not written; ignoring",
                    {{"error", done.error().message}});
  }
}

void Agent::post_event(ipam::Event event) {
  loop_.post([this, event = std::move(event)]() mutable {
    core_->on(std::move(event), edges_.clock.now());
  });
}

void Agent::perform(ipam::Execute& effect) {
  edges_.log.info("pool operation begins",
                  {{"operation", ipam::to_string(effect.action)}, {"because", effect.because}});
  if (!effect.recent.empty()) {
    if (auto written = write_recent(effect.recent); !written) {
      post_event(
          ipam::OperationDone{effect.id, wrap(std::move(written).error(), "note what goes")});
      return;
    }
  }
  pool_.post([this, effect](const std::stop_token& stop) {
    post_event(ipam::OperationDone{effect.id, execute(edges_, node_, effect.action, stop)});
  });
}

void Agent::perform(ipam::Observe& effect) {
  pool_.post(
      [this, effect](const std::stop_token&) { post_event(observe(edges_, node_, effect)); });
}

void Agent::perform(ipam::AdoptEni& effect) {
  pool_.post([this, effect](const std::stop_token& stop) {
    post_event(adopt(edges_, node_, effect.eni, stop));
  });
}

void Agent::perform(ipam::ForgetEni& effect) {
  pool_.post([this, facts = effect.facts](const std::stop_token&) {
    if (auto done = edges_.kernel.delete_rules_from(facts.primary_ip); !done) {
      edges_.log.warn("rules of a removed ENI stay; ignoring",
                      {{"eni", to_string(facts.id)}, {"error", done.error().message}});
    }
  });
}

void Agent::perform(ipam::Report& effect) {
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
  side_.post([this, network = node_.network, known = facts_.vpc_cidrs](const auto&) mutable {
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
    const bool snat = network.family == net::Family::v4;
    if (auto done = snat ? edges_.kernel.update_snat_rules(network) : Result<>(); !done) {
      edges_.log.error(
          "the VPC's CIDRs changed, but the SNAT rules could not be updated; "
          "tried again in 30 s",
          {{"error", done.error().message}});
      return;
    }
    loop_.post([this, list = std::move(network.vpc_cidrs)]() mutable {
      edges_.log.info("the VPC's CIDRs changed", {{"count", std::to_string(list.size())}});
      facts_.vpc_cidrs = std::move(list);
    });
  });
}

/// All our ENIs carry the primary ENI's security groups (spec agent.md 5.2).
void Agent::refresh_security_groups() {
  std::vector<net::EniId> enis;
  for (const auto& [id, eni] : core_->store().enis()) {
    enis.push_back(id);
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
  core_->on(ipam::Terminating{}, edges_.clock.now());
  // Queued behind what runs now; the stop token shortens its waits.
  pool_.post([this](const std::stop_token&) { loop_.stop(); });
  timers_.push_back(loop_.after(seconds(5), [this] {
    options_.ending.request_stop();
    pool_.request_stop();
    timers_.push_back(loop_.after(seconds(2), [this] { loop_.stop(); }));
  }));
}

void Agent::answer(const http::ServerRequest& request, const std::shared_ptr<http::Responder>& to) {
  std::string body;
  if (request.path == "/v1/enis") {
    body = enis_json(core_->store());
  } else if (request.path == "/v1/pods") {
    body = pods_json(core_->store());
  } else if (request.path == "/v1/plan") {
    body = plan_json(*core_, edges_.clock.now());
  } else if (request.path == "/v1/targets") {
    body = targets_json(targets_);
  } else {
    body = R"({"AvailableCommands":["/v1/enis","/v1/pods","/v1/plan","/v1/targets"]})";
  }
  to->reply({200, "text/plain; charset=utf-8", std::move(body), {}});
}

std::string Agent::metrics_text() {
  using metrics::Metric;
  const auto stats = core_->store().stats(edges_.clock.now().wall);
  const auto enis = static_cast<double>(core_->store().enis().size());
  metrics_.set<Metric::awscni_eni_max>(core_->limits().enis);
  metrics_.set<Metric::awscni_ip_max>(
      core_->limits().enis * core_->limits().addresses_per_eni(core_->store().options().prefixes));
  metrics_.set<Metric::awscni_eni_allocated>(enis);
  metrics_.set<Metric::awscni_total_ip_addresses>(static_cast<double>(stats.total));
  metrics_.set<Metric::awscni_assigned_ip_addresses>(static_cast<double>(stats.assigned));
  for (const auto& [id, eni] : core_->store().enis()) {
    metrics_.set<Metric::awscni_assigned_ip_per_eni>(eni.assigned(), {to_string(id)});
  }
  return metrics_.expose();
}

}  // namespace vpccni::agent
