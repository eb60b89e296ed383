// vpccni cni: the CNI plugin, called by the container runtime under the name aws-cni without
// arguments. Everything it is told comes by environment and stdin; result or error go to stdout.

#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cmd/cni_pod.h"
#include "cmd/command.h"
#include "cmd/version.h"
#include "cni/version.h"

namespace vpccni::cmd {

namespace {

int refuse(std::ostream& out, const cni::Failure& failure) {
  out << to_json(failure) << std::flush;
  return kFailed;
}

/// "stdout" would spoil the result, so it means stderr too.
base::Sink log_sink(const cni::PluginConfig& config) {
  const bool file = !config.log_file.empty() && !base::iequals(config.log_file, "stderr") &&
                    !base::iequals(config.log_file, "stdout");
  return file ? base::file_sink(config.log_file) : base::descriptor_sink(STDERR_FILENO);
}

bool same_netns(const std::string& path) {
  struct stat theirs {};
  struct stat ours {};
  return ::stat(path.c_str(), &theirs) == 0 && ::stat("/proc/self/ns/net", &ours) == 0 &&
         theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

Result<PodCall> parse_call(const cni::Request& request, const base::Log& log,
                           cni::PluginConfig config) {
  VPCCNI_TRY(auto prev_result, cni::parse_prev_result(request.config, request.cni_version));
  VPCCNI_TRY(auto args, cni::parse_args(request.args));
  return PodCall{request, std::move(config), std::move(args), std::move(prev_result), log};
}

/// The handler proper: what ADD prints, or "" for DEL.
Result<std::string> handle(const Invocation& invocation, const cni::Request& request) {
  const bool add = request.verb == cni::Verb::add;
  auto config = wrap(cni::parse_config(request.config),
                     std::string(add ? "add" : "del") + " cmd: error loading config from args");
  if (!config) {
    return std::move(config).error();
  }
  const base::Log log(log_sink(*config), base::parse_level(config->log_level), invocation.clock);
  log.info(add ? "CNI ADD" : "CNI DEL", {{"containerID", request.container_id},
                                         {"netns", request.netns},
                                         {"ifName", request.ifname},
                                         {"args", request.args},
                                         {"path", request.path},
                                         {"config", request.input}});
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
  auto read = cni::read_request(invocation.environment, invocation.in);
  if (const auto* bad = std::get_if<cni::Failure>(&read)) {
    return refuse(invocation.out, *bad);
  }
  if (std::holds_alternative<cni::NoCommand>(read)) {
    invocation.err << "AWS CNI " << kVersion << "\nCNI protocol versions supported:";
    for (std::size_t i = 0; i < cni::kVersions.size(); ++i) {
      invocation.err << (i == 0 ? " " : ", ") << cni::kVersions[i];
    }
    invocation.err << '\n';
    return kDone;
  }
  const auto& request = std::get<cni::Request>(read);
  if (request.verb == cni::Verb::version) {
    invocation.out << cni::version_json() << '\n';
    return kDone;
  }
  if (request.verb != cni::Verb::add && request.verb != cni::Verb::del) {
    return kDone;  // CHECK, GC, STATUS: nothing to do, as upstream
  }
  // A handler in the pod's own namespace would wire the wrong side; better before than after.
  if (!request.netns_override && same_netns(request.netns)) {
    return refuse(invocation.out,
                  {cni::Code::invalid_netns,
                   "plugin's netns and netns from CNI_NETNS should not be the same"});
  }
  auto text = handle(invocation, request);
  if (!text) {
    return refuse(invocation.out, {cni::Code::internal, text.error().message});
  }
  invocation.out << *text << std::flush;
  return kDone;
}

}  // namespace vpccni::cmd
