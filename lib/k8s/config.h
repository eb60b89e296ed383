#pragma once
// Where the API server is and who we are there (spec agent.md 8.1).

#include <map>
#include <optional>
#include <string>

#include "base/result.h"

namespace vpccni::k8s {

struct Config {
  std::string url;         // https://host:port, no slash at the end
  std::string ca_file;     // PEM; empty = the system's roots
  std::string token_file;  // read anew at each call, since it rotates; never sent over plain HTTP
  std::string user_agent;
};

/// From CLUSTER_ENDPOINT, or KUBERNETES_SERVICE_HOST and _PORT, with the service account's files.
/// nullopt if the environment names no API server.
Result<std::optional<Config>> read_config(const std::map<std::string, std::string>& environment);

}  // namespace vpccni::k8s
