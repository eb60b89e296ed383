#include "tests/apiserver/real_cluster.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "base/files.h"
#include "base/text.h"

namespace vpccni::apiserver {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

base::Json tiny_pod(const std::string& name, const std::string& node) {
  base::Json pod = {{"apiVersion", "v1"}, {"kind", "Pod"}};
  pod["metadata"] = {{"name", name}};
  pod["spec"] = {{"nodeName", node},
                 {"containers", base::Json::array({{{"name", "c"}, {"image", "localhost/none"}}})}};
  return pod;
}

RealCluster::RealCluster()
    : url_(variable("VPCCNI_APISERVER_URL")),
      files_(variable("VPCCNI_APISERVER_FILES")),
      control_(variable("VPCCNI_APISERVER_CONTROL")),
      client_(http::make_curl_client({})) {
  if (url_.empty() || files_.empty() || control_.empty()) {
    FAIL("no API server in the environment: use scripts/test-apiserver");
  }
}

k8s::Config RealCluster::config() const {
  return {url_, file("ca.crt"), file("agent.token"), "test"};
}

k8s::ApiHttp RealCluster::api(k8s::Config config) const {
  return {http::make_curl_client({.user_agent = config.user_agent}), clock_, std::move(config)};
}

k8s::ApiHttp RealCluster::api(const std::string& token_file, const std::string& ca_file) const {
  return api(k8s::Config{url_, file(ca_file), file(token_file), "test"});
}

base::Json RealCluster::request(const std::string& token_file, const std::string& method,
                                const std::string& path, const base::Json& body,
                                int& status) const {
  const auto token = base::read_file(file(token_file));
  REQUIRE(token);
  http::Request request;
  request.method = method;
  request.url = url_ + path;
  request.headers = {
      {"Authorization", "Bearer " + std::string(base::trim(*token))},
      {"Content-Type", method == "PATCH" ? "application/merge-patch+json" : "application/json"}};
  request.body = body.is_null() ? "" : base::dump_json(body);
  request.proxy = false;
  request.ca_file = file("ca.crt");
  const auto response = client_->send(request);
  INFO(method << " " << path << (response ? "" : ": " + response.error().message));
  REQUIRE(response);
  status = response->status;
  auto value = base::parse_json(response->body, {.bytes = std::size_t{16} << 20U});
  INFO(response->body);
  REQUIRE(value);
  return *value;
}

base::Json RealCluster::admin(const std::string& method, const std::string& path,
                              const base::Json& body) const {
  int status = 0;
  auto value = request("admin.token", method, path, body, status);
  INFO(method << " " << path << ": " << base::dump_json(value));
  REQUIRE(status / 100 == 2);
  return value;
}

std::vector<base::Json> RealCluster::events(const std::string& name_space) const {
  int status = 0;
  const auto list =
      request("agent.token", "GET", "/apis/events.k8s.io/v1/namespaces/" + name_space + "/events",
              {}, status);
  REQUIRE(status == 200);
  const auto* items = base::find_member(list, "items");
  REQUIRE(items != nullptr);
  return {items->begin(), items->end()};
}

Changes RealCluster::changes() const {
  return {[this](const std::string& value) {
            admin("PATCH", std::string("/api/v1/nodes/") + kNode,
                  {{"metadata", {{"labels", {{"test", value}}}}}});
          },
          [this](const std::string& name, const std::string& node) {
            admin("POST", "/api/v1/namespaces/team/pods", tiny_pod(name, node));
          },
          [this](const std::string& name) {
            admin("DELETE", "/api/v1/namespaces/team/pods/" + name + "?gracePeriodSeconds=0");
          }};
}

void RealCluster::control(const std::string& verb) const {
  INFO(verb);
  REQUIRE(std::system((control_ + " " + verb).c_str()) == 0);
}

}  // namespace vpccni::apiserver
