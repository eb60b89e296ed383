// vpccni cni: the CNI plugin, called by the container runtime under the name aws-cni without
// arguments. Everything it is told comes by environment and stdin; result or error go to stdout.

#include "cmd/cni_pod.h"
#include "cmd/command.h"
#include "cmd/plugin.h"

namespace vpccni::cmd {

namespace {

Result<PodCall> parse_call(const cni::Request& request, const base::Log& log,
                           cni::PluginConfig config) {
  VPCCNI_TRY(auto prev_result, cni::parse_prev_result(request.config, request.cni_version));
  VPCCNI_TRY(auto args, cni::parse_args(request.args));
  return PodCall{request, std::move(config), std::move(args), std::move(prev_result), log};
}

/// CHECK, STATUS and GC: off unless the configuration asks for them.
Result<std::string> look(const Invocation& invocation, const cni::Request& request) {
  auto config = cni::parse_config(request.config);
  if (!config || !config->checks) {
    return std::string();
  }
  if (request.verb == cni::Verb::status) {
    VPCCNI_CHECK(wrap(agent_serves(), "status cmd"));
    return std::string();
  }
  const base::Log log = open_plugin_log(invocation, config->log_file, config->log_level);
  tell_call(log, request);
  if (request.verb == cni::Verb::gc) {
    VPCCNI_CHECK(wrap(collect_garbage(request, log, invocation.clock.now().wall), "gc cmd"));
    return std::string();
  }
  const std::string doing = "check cmd";
  VPCCNI_TRY(const auto call, wrap(parse_call(request, log, *std::move(config)), doing));
  auto whole = wrap(check_pod(call), doing);
  if (!whole) {
    log.error("CHECK failed", {base::Field{"error", whole.error().message}});
    return std::move(whole).error();
  }
  return std::string();
}

/// The handler proper: what ADD prints, or "" for the other verbs.
Result<std::string> handle(const Invocation& invocation, const cni::Request& request) {
  if (request.verb != cni::Verb::add && request.verb != cni::Verb::del) {
    return look(invocation, request);
  }
  const bool add = request.verb == cni::Verb::add;
  auto config = wrap(cni::parse_config(request.config),
                     std::string(add ? "add" : "del") + " cmd: error loading config from args");
  if (!config) {
    return std::move(config).error();
  }
  const base::Log log = open_plugin_log(invocation, config->log_file, config->log_level);
  tell_call(log, request);
  VPCCNI_TRY(const auto call,
             wrap(parse_call(request, log, *std::move(config)), add ? "add cmd" : "del cmd"));
  if (!add) {
    auto done = del_pod(call);
    if (!done) {
      log.error("DEL failed", {base::Field{"error", done.error().message}});
      return std::move(done).error();
    }
    return std::string();
  }
  auto added = add_pod(call);
  if (!added) {
    log.error("ADD failed", {base::Field{"error", added.error().message}});
    return std::move(added).error();
  }
  auto text = to_json(*added, request.cni_version);
  log.info("ADD done", {{"containerID", request.container_id}, {"result", text}});
  return text;
}

}  // namespace

int run_cni(const Invocation& invocation) {
  return run_plugin(invocation, "AWS CNI", handle);
}

}  // namespace vpccni::cmd
