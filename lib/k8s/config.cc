#include "k8s/config.h"

#include "base/text.h"

namespace vpccni::k8s {

namespace {

constexpr std::string_view kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

std::string variable(const std::map<std::string, std::string>& environment,
                     const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

bool is_url(std::string_view text) {
  const bool scheme = text.starts_with("https://") || text.starts_with("http://");
  return scheme && text.find_first_of(" \t\r\n\"'\\") == std::string_view::npos &&
         text.find("//") + 2 < text.size();
}

}  // namespace

Result<std::optional<Config>> read_config(const std::map<std::string, std::string>& environment) {
  Config config;
  config.url = variable(environment, "CLUSTER_ENDPOINT");
  std::string source = "CLUSTER_ENDPOINT";
  if (config.url.empty()) {
    std::string host = variable(environment, "KUBERNETES_SERVICE_HOST");
    const std::string port = variable(environment, "KUBERNETES_SERVICE_PORT");
    if (host.empty()) {
      return std::optional<Config>();
    }
    if (host.find(':') != std::string::npos) {
      host = "[" + host + "]";
    }
    config.url = "https://" + host + (port.empty() ? "" : ":" + port);
    source = "KUBERNETES_SERVICE_HOST";
  } else if (config.url.find("://") == std::string::npos) {
    config.url = "https://" + config.url;
  }
  while (config.url.ends_with('/')) {
    config.url.pop_back();
  }
  if (!is_url(config.url)) {
    return Error{Errc::invalid_argument, source + " is no URL: " + base::json_quote(config.url)};
  }
  config.ca_file = std::string(kServiceAccount) + "/ca.crt";
  config.token_file = std::string(kServiceAccount) + "/token";
  config.user_agent = "aws-k8s-agent-" + variable(environment, "VPC_CNI_VERSION");
  return std::optional(std::move(config));
}

}  // namespace vpccni::k8s
