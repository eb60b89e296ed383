// Where the API server is, from the environment.
#include "k8s/config.h"

#include <catch2/catch.hpp>

namespace vpccni::k8s {
namespace {

using Environment = std::map<std::string, std::string>;

/// The URL, "none" without an API server, or the class of the error.
std::string url_of(const Environment& environment) {
  const auto config = read_config(environment);
  if (!config) {
    return std::string(to_string(config.error().code));
  }
  return *config ? (*config)->url : "none";
}

TEST_CASE("k8s config: the service's variables") {
  CHECK(url_of({}) == "none");
  CHECK(url_of({{"KUBERNETES_SERVICE_PORT", "443"}}) == "none");
  CHECK(url_of({{"KUBERNETES_SERVICE_HOST", ""}, {"KUBERNETES_SERVICE_PORT", "443"}}) == "none");
  CHECK(url_of({{"KUBERNETES_SERVICE_HOST", "10.100.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}}) ==
        "https://10.100.0.1:443");
  CHECK(url_of({{"KUBERNETES_SERVICE_HOST", "10.100.0.1"}}) == "https://10.100.0.1");
  CHECK(url_of({{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}}) ==
        "https://[fd00::1]:443");
}

TEST_CASE("k8s config: CLUSTER_ENDPOINT wins") {
  const std::pair<std::string, std::string> service{"KUBERNETES_SERVICE_HOST", "10.100.0.1"};
  CHECK(url_of({service, {"CLUSTER_ENDPOINT", "https://ABC.eks.amazonaws.com/"}}) ==
        "https://ABC.eks.amazonaws.com");
  CHECK(url_of({service, {"CLUSTER_ENDPOINT", "abc.eks.amazonaws.com"}}) ==
        "https://abc.eks.amazonaws.com");
  CHECK(url_of({service, {"CLUSTER_ENDPOINT", "http://127.0.0.1:8080//"}}) ==
        "http://127.0.0.1:8080");
  CHECK(url_of({service, {"CLUSTER_ENDPOINT", ""}}) == "https://10.100.0.1");
}

TEST_CASE("k8s config: what is no URL is an error that names the variable") {
  for (const char* bad : {"ftp://host", "https://", "http:///", "/", "https://a b", "https://a\nb",
                          "https://a\"b", "file:///etc/passwd", "://"}) {
    INFO(bad);
    const auto config = read_config({{"CLUSTER_ENDPOINT", bad}});
    REQUIRE_FALSE(config);
    CHECK(config.error().code == Errc::invalid_argument);
    CHECK(config.error().message.find("CLUSTER_ENDPOINT") != std::string::npos);
  }
  const auto host = read_config({{"KUBERNETES_SERVICE_HOST", "10.0.0.1 evil"}});
  REQUIRE_FALSE(host);
  CHECK(host.error().message.find("KUBERNETES_SERVICE_HOST") != std::string::npos);
}

TEST_CASE("k8s config: the service account's files and the user agent") {
  const auto config =
      read_config({{"KUBERNETES_SERVICE_HOST", "10.100.0.1"}, {"VPC_CNI_VERSION", "v1.21.1"}});
  REQUIRE(config);
  REQUIRE(*config);
  CHECK((*config)->ca_file == "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt");
  CHECK((*config)->token_file == "/var/run/secrets/kubernetes.io/serviceaccount/token");
  CHECK((*config)->user_agent == "aws-k8s-agent-v1.21.1");
}

}  // namespace
}  // namespace vpccni::k8s
