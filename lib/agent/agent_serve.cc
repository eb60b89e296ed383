// The agent's sockets: RPC, introspection, metrics.
#include "agent/agent.h"
#include "agent/agent_metrics.h"
#include "agent/introspect.h"
#include "base/text.h"
#include "k8s/eni_config_name.h"
#include "rpc/health.h"

namespace vpccni::agent {

namespace {

constexpr std::size_t kReasonBytes = 64;  // of a DelNetwork's reason, as a label
constexpr std::size_t kUriBytes = 256;    // of a request, in the log

ipam::PodInfo pod_of(const ::rpc::DelNetworkRequest& request) {
  return {request.k8s_pod_namespace(), request.k8s_pod_name(), 1};
}

}  // namespace

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
    add_network(bytes, std::move(done));
  });
  rpc_.handle("/rpc.CNIBackend/DelNetwork", [this](std::string_view bytes, rpc::Done done) {
    del_network(bytes, std::move(done));
  });
  rpc_.handle("/rpc.ConfigServerBackend/GetNetworkPolicyConfigs",
              [this](std::string_view, rpc::Done done) {
                ::rpc::NetworkPolicyAgentConfigReply reply;
                reply.set_networkpolicymode(facts_.network_policy_mode);
                reply.set_multinicenabled(node_.settings.enable_multi_nic);
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
    const auto& core = pools_->first();
    const auto stats = core.store().stats(edges_.clock.now().wall);
    const auto limits = core.limits();
    const int most = limits.enis * limits.addresses_per_eni(core.store().options().prefixes);
    ready_ = stats.assigned + stats.ready() >= std::min(node_.settings.ready_min_ips, most);
  }
  return ready_;
}

void Agent::add_network(std::string_view bytes, rpc::Done done) {
  metrics_.add<metrics::Metric::awscni_add_ip_req_count>();
  const base::Instant now = edges_.clock.now();
  Caller call{std::move(done), {}, {}, now.steady};
  ::rpc::AddNetworkRequest request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    note_failed(call, split_reason("AddNetworkRequest expected"));
    call.done({rpc::Code::invalid_argument, "AddNetworkRequest expected"}, {});
    return;
  }
  call.key = {request.networkname(), request.containerid(), request.ifname()};
  call.pod = {request.k8s_pod_namespace(), request.k8s_pod_name(), 1};
  auto event = to_event(request, next_token(), facts_);
  const bool every = request.requiresmultinicattachment();
  if (!branches_) {
    add_pool_pod(std::move(call), std::move(event), every);
    return;
  }
  const k8s::PodName pod{call.pod.name_space, call.pod.name};
  branches_->decide(pod, request.k8s_pod_uid(),
                    [this, call = std::move(call), event = std::move(event),
                     every](const BranchPods::Decision& decision) {
                      if (const auto* branch = std::get_if<BranchPods::Branch>(&decision)) {
                        add_branch_pod(call, *branch);
                      } else if (const auto* why = std::get_if<ipam::AddFailure>(&decision)) {
                        note_failed(call, *why);
                        call.done({},
                                  failure(why->reason + ": " + why->detail).SerializeAsString());
                      } else {
                        add_pool_pod(call, event, every);
                      }
                    });
}

void Agent::add_pool_pod(Caller caller, Result<ipam::PodAdd> event, bool on_every_card) {
  if (!event) {
    note_failed(caller, split_reason(event.error().message));
    caller.done({}, failure(event.error().message).SerializeAsString());
    return;
  }
  waiting_.emplace(event->token, std::move(caller));
  pools_->add(*std::move(event), on_every_card, edges_.clock.now());
}

void Agent::del_network(std::string_view bytes, rpc::Done done) {
  ::rpc::DelNetworkRequest request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    done({rpc::Code::invalid_argument, "DelNetworkRequest expected"}, {});
    return;
  }
  metrics_.add<metrics::Metric::awscni_del_ip_req_count>(
      {base::utf8_prefix(request.reason(), kReasonBytes)});
  auto event = to_event(request, next_token(), facts_);
  const base::Instant now = edges_.clock.now();
  Caller call{std::move(done), pod_of(request), {}, now.steady};
  if (branches_ && pools_->held_by(event).empty()) {
    del_branch_pod(std::move(call), std::move(event), request.k8s_pod_uid());
    return;
  }
  waiting_.emplace(event.token, std::move(call));
  pools_->del(event, now);
}

void Agent::note_given(const Caller& caller) {
  count_add(metrics_, edges_.clock.now().steady - caller.begin);
}

/// A failed ADD leaves its reason in the log, in the metrics, on /v1/failures and with the pod.
void Agent::note_failed(const Caller& call, const ipam::AddFailure& why) {
  const base::Instant now = edges_.clock.now();
  const auto& plan = pools_->first().plan();
  FailedAdd failed{now.wall,
                   now.steady - call.begin,
                   why.reason,
                   why.detail,
                   call.key,
                   call.pod,
                   pools_->first().store().stats(now.wall),
                   plan.running ? *plan.running : plan.because};
  count_add(metrics_, failed);
  edges_.log.warn("no address for a pod", {{"pod", call.pod.name_space + "/" + call.pod.name},
                                           {"reason", why.reason},
                                           {"detail", why.detail}});
  failed_.add(std::move(failed));
  if (!call.pod.name.empty()) {
    tell_failed_add(call.pod, why);
  }
}

void Agent::answer(const http::ServerRequest& request, const std::shared_ptr<http::Responder>& to) {
  const std::string uri = request.path + (request.query.empty() ? "" : "?" + request.query);
  edges_.log.info("Handling http request",
                  {{"method", request.method},
                   {"from", request.peer},
                   {"uri", std::string(base::utf8_prefix(uri, kUriBytes))}});
  if (request.path == kEniConfigsPath && !node_facts_) {
    to->reply({.status = 404, .body = "Not Found\n"});
    return;
  }
  const std::string eni_config =
      node_facts_
          ? k8s::eni_config_name(node_facts_->labels, node_facts_->annotations, node_.settings).name
          : "";
  const Inspected now{*pools_,
                      failed_,
                      node_.settings,
                      targets_,
                      eni_config,
                      edges_.clock.now(),
                      node_.settings.introspection_scrub,
                      options_.fips};
  to->reply({.body = page(request.path, now).value_or(available_commands())});
}

void Agent::scrape(const http::ServerRequest& request, http::Responder& to) {
  using metrics::Metric;
  if (request.path != "/metrics") {
    to.reply({.status = 404, .body = "404 page not found\n"});
    return;
  }
  metrics_.set<Metric::promhttp_metric_handler_requests_in_flight>(1);
  show_pool(metrics_, *pools_, edges_.clock.now(), node_.settings.metrics_per_cidr);
  to.reply({.content_type = std::string(metrics::kContentType), .body = metrics_.expose()});
  metrics_.set<Metric::promhttp_metric_handler_requests_in_flight>(0);
  metrics_.add<Metric::promhttp_metric_handler_requests_total>({"200"});
}

}  // namespace vpccni::agent
