#pragma once
// The real Kubernetes edge: direct reads over HTTPS, each with a deadline. Thread-safe.

#include <memory>

#include "base/clock.h"
#include "http/client.h"
#include "k8s/api.h"
#include "k8s/config.h"

namespace vpccni::k8s {

class ApiHttp final : public Api {
 public:
  ApiHttp(std::unique_ptr<http::Client> client, const base::Clock& clock, Config config)
      : client_(std::move(client)), clock_(clock), config_(std::move(config)) {}

  Result<std::string> version() override;
  Result<Node> node(const std::string& name) override;
  Result<Pod> pod(const std::string& name_space, const std::string& name) override;
  Result<std::vector<Pod>> pods_on_node(const std::string& node) override;
  Result<> create_event(const NewEvent& event) override;

 private:
  Result<std::string> call(const std::string& method, const std::string& path, std::string body);

  std::unique_ptr<http::Client> client_;
  const base::Clock& clock_;
  Config config_;
};

// The parsers of what the API server answers: pure, foreign bytes.
Result<Node> parse_node(std::string_view json);
Result<Pod> parse_pod(std::string_view json);
Result<std::vector<Pod>> parse_pod_list(std::string_view json, std::string& next_page);

}  // namespace vpccni::k8s
