// vpccni agent: compose the daemon from its environment and run it.

#include "agent/agent.h"

#include <unistd.h>

#include "agent/log_file.h"
#include "aws/instance_limits.h"
#include "aws/session.h"
#include "base/memory.h"
#include "cmd/command.h"
#include "cmd/startup_file.h"
#include "event/loop.h"
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

int serve(const Invocation& invocation, const settings::Settings& set, const base::Log& log) {
  const auto kubernetes = open_kubernetes(invocation, set, log);
  if (!kubernetes) {
    return fail(log, invocation.err, kubernetes.error());
  }
  std::unique_ptr<agent::Cluster> cluster;
  if (*kubernetes) {
    cluster = std::make_unique<agent::Cluster>(
        **kubernetes, invocation.clock, log,
        agent::Cluster::Options{set.my_node_name, set.my_pod_name, set.annotate_pod_ip});
  }
  const auto options = aws::session_options(invocation.environment);
  if (!options) {
    return fail(log, invocation.err, options.error());
  }
  metrics::Registry metrics;
  const auto session = aws::open_session(*options, invocation.clock, &metrics);
  if (!session) {
    return fail(log, invocation.err, session.error());
  }
  agent::PodnetKernel kernel;
  const agent::Edges edges{(*session)->ec2(), *(*session)->imds, kernel, invocation.clock, log};
  const std::stop_source stop;
  StartupStep at;
  auto started = agent::start_up(
      edges, set,
      [&cluster](const std::string& type) {
        auto limits = aws::instance_limits(type);
        if (!limits && cluster) {
          cluster->post_event("UnknownInstanceType", "Start",
                              "the limits of " + type + " are not known here: EC2 is asked");
        }
        return limits;
      },
      [&](int step, int of, std::string_view name) {
        log.info("starting", {{"step", std::to_string(step) + "/" + std::to_string(of)},
                              {"name", std::string(name)}});
        at = {step, of, std::string(name), {}};
        write_startup(set.backing_store, at);
      },
      stop.get_token());
  if (!started) {
    at.error = started.error().message;
    write_startup(set.backing_store, at);
    return fail(log, invocation.err, started.error());
  }
  event::Loop loop;
  agent::AgentOptions agent_options;
  agent_options.listen.introspection = set.introspection_bind_address;
  agent_options.files.path = set.backing_store;
  agent::Agent daemon(loop, edges, *std::move(started), std::move(cluster), metrics,
                      std::move(agent_options));
  if (auto listening = daemon.listen(); !listening) {
    return fail(log, invocation.err, listening.error());
  }
  log.info("ready");
  const auto settled = loop.after(kSettled, base::drop_start_up_memory);
  daemon.run();
  log.info("ended");
  return kDone;
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
  const base::Log log(agent::agent_sink(set.log_file, {}, invocation.clock, trouble), set.log_level, invocation.clock);
  if (!trouble.empty()) {
    log.warn(trouble);
  }
  log.info("vpccni agent starts");
  for (const auto& note : notes) {
    log.warn("setting not used as written", {{"setting", to_string(note)}});
    invocation.err << "vpccni agent: " << to_string(note) << '\n';
  }
  return serve(invocation, set, log);
}

}  // namespace vpccni::cmd
