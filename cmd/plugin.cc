#include "cmd/plugin.h"

#include <unistd.h>

#include "base/text.h"
#include "cmd/version.h"
#include "cni/failure.h"
#include "cni/version.h"
#include "linux/netns.h"

namespace vpccni::cmd {

namespace {

int refuse(std::ostream& out, const cni::Failure& failure) {
  out << to_json(failure) << std::flush;
  return kFailed;
}

/// "stdout" would spoil the result, so it means stderr too.
base::Sink log_sink(const std::string& log_file) {
  const bool file =
      !log_file.empty() && !base::iequals(log_file, "stderr") && !base::iequals(log_file, "stdout");
  return file ? base::file_sink(log_file) : base::descriptor_sink(STDERR_FILENO);
}

bool same_netns(const std::string& path) {
  const auto theirs = linux::Netns::open(path);
  const auto ours = linux::Netns::current();
  return theirs && ours && linux::is_same(*theirs, *ours).value_or(false);
}

}  // namespace

base::Log open_plugin_log(const Invocation& invocation, const std::string& file,
                          const std::string& level) {
  return base::Log(log_sink(file), base::parse_level(level), invocation.clock);
}

void tell_call(const base::Log& log, const cni::Request& request) {
  log.info("CNI " + std::string(to_string(request.verb)), {{"containerID", request.container_id},
                                                           {"netns", request.netns},
                                                           {"ifName", request.ifname},
                                                           {"args", request.args},
                                                           {"path", request.path},
                                                           {"config", request.input}});
}

int run_plugin(const Invocation& invocation, std::string_view about, PluginHandler handle) {
  auto read = cni::read_request(invocation.environment, invocation.in);
  if (const auto* bad = std::get_if<cni::Failure>(&read)) {
    return refuse(invocation.out, *bad);
  }
  if (std::holds_alternative<cni::NoCommand>(read)) {
    invocation.err << about << ' ' << kVersion << "\nCNI protocol versions supported:";
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
  // A handler in the pod's own namespace would wire the wrong side; better before than after.
  if (!request.netns_override && !request.netns.empty() && same_netns(request.netns)) {
    return refuse(invocation.out,
                  {cni::Code::invalid_netns,
                   "plugin's netns and netns from CNI_NETNS should not be the same"});
  }
  auto text = handle(invocation, request);
  if (!text) {
    const bool status = request.verb == cni::Verb::status;
    return refuse(invocation.out,
                  {status ? cni::Code::not_available : cni::Code::internal, text.error().message});
  }
  invocation.out << *text << std::flush;
  return kDone;
}

}  // namespace vpccni::cmd
