#pragma once
// What both plugins have in common: the CNI contract around a handler (spec dataplane.md 1.1).

#include <string>
#include <string_view>

#include "base/log.h"
#include "cmd/command.h"
#include "cni/request.h"

namespace vpccni::cmd {

/// Does what is asked, but VERSION; what ADD prints, or "" for the other verbs.
using PluginHandler = Result<std::string> (*)(const Invocation&, const cni::Request&);

/// Reads the request, answers what needs no handler, prints result or error.
int run_plugin(const Invocation& invocation, std::string_view about, PluginHandler handle);

/// pluginLogFile and pluginLogLevel of the configuration.
base::Log open_plugin_log(const Invocation& invocation, const std::string& file,
                          const std::string& level);

void tell_call(const base::Log& log, const cni::Request& request);

}  // namespace vpccni::cmd
