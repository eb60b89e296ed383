#pragma once
// The API server that scripts/test-apiserver started, as its environment names it.

#include <memory>
#include <string>

#include "base/json.h"
#include "http/client.h"
#include "k8s/api_http.h"
#include "tests/apiserver/checks.h"

namespace vpccni::apiserver {

/// A pod that the API server takes.
base::Json tiny_pod(const std::string& name, const std::string& node);

class RealCluster {
 public:
  /// Fails the test case when the environment names no API server.
  RealCluster();

  std::string file(const std::string& name) const { return files_ + "/" + name; }
  const std::string& url() const { return url_; }
  /// The agent's edge, with its service account's token unless said otherwise.
  k8s::ApiHttp api(const std::string& token_file = "agent.token",
                   const std::string& ca_file = "ca.crt") const;
  k8s::ApiHttp api(k8s::Config config) const;
  k8s::Config config() const;
  /// A request past the edge. The answer's status is in `status`.
  base::Json request(const std::string& token_file, const std::string& method,
                     const std::string& path, const base::Json& body, int& status) const;
  /// The same as the cluster's admin, who must succeed.
  base::Json admin(const std::string& method, const std::string& path,
                   const base::Json& body = {}) const;
  /// All events.k8s.io/v1 events of the namespace, as the agent's account may list them.
  std::vector<base::Json> events(const std::string& name_space) const;
  /// By the admin.
  Changes changes() const;
  /// stop, start, pause, resume.
  void control(const std::string& verb) const;

 private:
  std::string url_;
  std::string files_;
  std::string control_;
  base::SystemClock clock_;
  std::unique_ptr<http::Client> client_;
};

}  // namespace vpccni::apiserver
