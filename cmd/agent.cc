// vpccni agent: compose the daemon from its environment and run it.

#include "agent/agent.h"

#include "agent/agent_metrics.h"
#include "agent/log_file.h"
#include "agent/start_times.h"
#include "agent/startup_report.h"
#include "aws/instance_limits.h"
#include "aws/session.h"
#include "base/memory.h"
#include "cmd/command.h"
#include "cmd/version.h"
#include "event/loop.h"
#include "fips/gate.h"
#include "k8s/api_http.h"
#include "k8s/config.h"
#include "metrics/registry.h"
#include "settings/settings.h"

namespace vpccni::cmd {

namespace {

/// From serving until start-up and the pool's first growth are over, usually.
constexpr auto kSettled = std::chrono::seconds(10);

int fail(const base::Log& log, std::ostream& err, const Error& error) {
  log.error("the agent cannot start", {{"error", error.message}, {"cause", error.cause}});
  err << "vpccni agent: " << error.message << '\n';
  return kFailed;
}

struct Environs {
  const settings::Settings& settings;
  const std::vector<settings::Note>& notes;
};

agent::AgentOptions agent_options(const settings::Settings& set, const std::stop_source& ending) {
  agent::AgentOptions options;
  options.ending = ending;
  options.listen.introspection = set.introspection_bind_address;
  if (!set.grpc_listen.tcp) {
    options.listen.rpc_port = 0;
  }
  if (!set.grpc_listen.unix_socket) {
    options.listen.rpc_socket.clear();
  }
  options.files.path = set.backing_store;
  return options;
}

/// What EC2 denies is told to `cluster`, which may be null; `stop` ends waits for EC2's rate.
Result<std::unique_ptr<aws::Session>> open_session(const Invocation& invocation,
                                                   agent::StartupReport& report,
                                                   metrics::Registry& metrics,
                                                   agent::Cluster* cluster,
                                                   const std::stop_token& stop) {
  VPCCNI_TRY(auto options, aws::session_options(invocation.environment));
  options.stop = stop;
  options.listener.denied = [cluster](std::string_view action) {
    if (cluster != nullptr) {
      cluster->missing_permission(action);
    }
  };
  options.wrap_client = [&report](std::unique_ptr<http::Client> client) {
    return agent::reporting_client(std::move(client), report);
  };
  return aws::open_session(options, invocation.clock, &metrics);
}

/// With FIPS endpoints asked for, one that AWS does not list here is called by its formed name.
void tell_unlisted_endpoints(const Invocation& invocation, const std::string& region,
                             const base::Log& log) {
  const auto options = aws::session_options(invocation.environment);
  if (!options || !options->ec2_endpoint.fips || !options->ec2_endpoint.explicit_url.empty()) {
    return;
  }
  for (const char* service : {"ec2", "sts"}) {
    if (!aws::lists_fips_endpoint(service, region)) {
      log.warn("AWS lists no FIPS endpoint of this service here; its name may not resolve",
               {{"service", std::string(service)}, {"region", region}});
    }
  }
}

/// The API server as the environment names it, waited for when the settings need it; null when none
/// is named.
Result<std::unique_ptr<k8s::Api>> open_kubernetes(const Invocation& invocation,
                                                  const settings::Settings& set,
                                                  const base::Log& log) {
  VPCCNI_TRY(const auto config, k8s::read_config(invocation.environment));
  std::unique_ptr<k8s::Api> api;
  if (config) {
    api = std::make_unique<k8s::ApiHttp>(http::make_curl_client({.user_agent = config->user_agent}),
                                         invocation.clock, *config);
  }
  if (agent::needs_api_server(set)) {
    if (!api) {
      return Error{Errc::invalid_argument,
                   "ENABLE_POD_ENI, AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG and ANNOTATE_POD_IP need an "
                   "API server, and the environment names none"};
    }
    VPCCNI_CHECK(agent::await_api_server(*api, invocation.clock, log, {}));
  }
  return api;
}

std::unique_ptr<agent::Cluster> follow_cluster(k8s::Api* kubernetes, const Invocation& invocation,
                                               const settings::Settings& set,
                                               const base::Log& log) {
  if (kubernetes == nullptr) {
    return nullptr;
  }
  return std::make_unique<agent::Cluster>(
      *kubernetes, invocation.clock, log,
      agent::Cluster::Options{set.my_node_name, set.my_pod_name, set.annotate_pod_ip,
                              set.enable_pod_eni});
}

/// The node works with what is assumed, but with fewer addresses than it could have.
void tell_assumed_limits(const agent::Node& node, agent::Cluster* cluster) {
  if (node.limits_assumed && cluster != nullptr) {
    cluster->post_event("UnknownInstanceType", "Start",
                        "the limits of " + node.identity.type +
                            " are known neither here nor to EC2: few ENIs are assumed; name them "
                            "in a file for VPCCNI_INSTANCE_LIMITS_FILE");
  }
}

/// What is wrong with the environment is said in the log and on stderr; an error if it is fatal.
Result<> check_notes(const Invocation& invocation, const base::Log& log,
                     const std::vector<settings::Note>& notes) {
  std::vector<std::string> fatal;
  for (const auto& note : notes) {
    log.warn("setting not used as written", {{"setting", to_string(note)}});
    invocation.err << "vpccni agent: " << to_string(note) << '\n';
    if (note.fatal) {
      fatal.push_back(to_string(note));
    }
  }
  if (!fatal.empty()) {
    return Error{Errc::invalid_argument, base::join(fatal, "; ")};
  }
  return {};
}

/// The module's report as JSON; empty when none is required. Before anything else uses OpenSSL.
Result<std::string> check_module(const settings::Settings& set, const base::Log& log,
                                 metrics::Registry& metrics) {
  using metrics::Metric;
  if (set.fips == settings::Fips::off) {
    metrics.set<Metric::vpccni_fips_ok>(0, {"", ""});
    return std::string();
  }
  VPCCNI_TRY(const auto report, fips::require_module());
  metrics.set<Metric::vpccni_fips_ok>(1, {to_string(report.kind), report.provider.version});
  log.info("cryptography is the module's", {{"provider", report.provider.name},
                                            {"version", report.provider.version},
                                            {"certificate", report.certificate}});
  return base::dump_json(fips::to_json(report));
}

/// Everything from the first step to the end of the daemon. Errors are of the start.
Result<> serve(const Invocation& invocation, const Environs& environs, const base::Log& log,
               agent::StartupReport& report) {
  const auto& set = environs.settings;
  // Four steps before those of start_up(), and one after.
  const int steps = agent::start_step_count() + 5;
  metrics::Registry metrics;
  agent::show_build(metrics, kVersion);
  agent::StartTimes times(metrics, invocation.clock);
  const auto begin = [&](int step, std::string_view name) {
    log.info("starting", {{"step", std::to_string(step) + "/" + std::to_string(steps)},
                          {"name", std::string(name)}});
    times.step(name);
    return report.begin(step, steps, name);
  };
  begin(1, "read the environment");
  VPCCNI_CHECK(check_notes(invocation, log, environs.notes));
  begin(2, "check the cryptographic module, where the settings require one");
  VPCCNI_TRY(auto module, check_module(set, log, metrics));
  begin(3, "reach the API server, where the settings need it");
  VPCCNI_TRY(const auto kubernetes, open_kubernetes(invocation, set, log));
  auto cluster = follow_cluster(kubernetes.get(), invocation, set, log);
  begin(4, "read the region from IMDS");
  const std::stop_source stop;
  VPCCNI_TRY(const auto session,
             open_session(invocation, report, metrics, cluster.get(), stop.get_token()));
  tell_unlisted_endpoints(invocation, session->region, log);
  agent::PodnetKernel kernel;
  agent::Edges edges{session->ec2(), *session->imds, kernel, invocation.clock, log, &metrics};
  if (cluster && set.custom_networking) {
    edges.eni_config = [&set, api = cluster.get()] { return api->eni_config(set); };
  }
  VPCCNI_TRY(auto started,
             agent::start_up(
                 edges, set, [](const std::string& type) { return aws::instance_limits(type); },
                 [&](int step, std::string_view name) { return begin(step + 4, name); }));
  tell_assumed_limits(started.node, cluster.get());
  times.initialized();
  begin(steps, "open the sockets");
  event::Loop loop;
  auto options = agent_options(set, stop);
  options.fips = std::move(module);
  agent::Agent daemon(loop, edges, std::move(started), std::move(cluster), metrics,
                      std::move(options));
  VPCCNI_CHECK(daemon.listen());
  report.ready();
  times.serving(kubernetes != nullptr);
  log.info("ready");
  const auto settled = loop.after(kSettled, base::drop_start_up_memory);
  daemon.run();
  log.info("ended");
  return {};
}

}  // namespace

int run_agent(const Invocation& invocation) {
  if (!invocation.args.empty()) {
    invocation.err << "usage: " << invocation.program
                   << "\nThe agent is set up by its environment: vpccni help environment\n";
    return kUsage;
  }
  base::keep_heap_small();
  std::vector<settings::Note> notes;
  const auto set = settings::load(invocation.environment, notes);
  std::string trouble;
  const base::Log log(agent::agent_sink(set.log_file, {}, invocation.clock, trouble), set.log_level,
                      invocation.clock);
  if (!trouble.empty()) {
    log.warn(trouble);
  }
  log.info("vpccni agent starts", {{"version", std::string(kVersion)}});
  agent::StartupReport report(set.backing_store, invocation.clock, invocation.out);
  report.tick_by_itself();
  if (auto done = serve(invocation, {set, notes}, log, report); !done) {
    report.failed(done.error());
    return fail(log, invocation.err, done.error());
  }
  return kDone;
}

}  // namespace vpccni::cmd
