#pragma once
// The real Kubernetes edge over HTTPS: every call has a deadline, a watch a limit on its silence.
// Lists and watches are read object by object, so memory does not grow with what they hold.
// Thread-safe.

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
  Result<Pod> pod(const std::string& name_space, const std::string& name,
                  base::Duration limit) override;
  Result<Listed<Node>> list_node(const std::string& name, const std::stop_token& stop) override;
  Result<Listed<Pod>> pods_on_node(const std::string& node, Freshness freshness,
                                   const std::stop_token& stop) override;
  Result<> watch_node(const std::string& name, const std::string& version,
                      const Listener<Node>& heard, const std::stop_token& stop) override;
  Result<> watch_pods(const std::string& node, const std::string& version,
                      const Listener<Pod>& heard, const std::stop_token& stop) override;
  Result<EniConfig> eni_config(const std::string& name) override;
  Result<CniNode> cni_node(const std::string& name) override;
  Result<> set_features(const CniNode& node) override;
  Result<> annotate_pod(const std::string& name_space, const std::string& name,
                        const std::string& key, const std::string& value,
                        base::Duration limit) override;
  Result<std::string> create_event(const NewEvent& event) override;
  Result<> repeat_event(const std::string& name_space, const std::string& event,
                        int count) override;

 private:
  struct Call {
    std::string method = "GET";
    std::string path;
    std::string body = {};
    std::string body_type = "application/json";
    base::Duration limit = kCallLimit;
  };
  http::Request request_of(const Call& call) const;
  Result<std::string> send(const Call& call);
  Result<> stream(const Call& call, const std::function<Result<>(std::string_view)>& part,
                  const std::stop_token& stop);
  template <class T>
  Result<Listed<T>> list(const std::string& path, Result<T> (*parse)(std::string_view),
                         const std::stop_token& stop);
  template <class T>
  Result<> watch(const std::string& path, const std::string& version,
                 Result<Change<T>> (*parse)(std::string_view), const Listener<T>& heard,
                 const std::stop_token& stop);

  std::unique_ptr<http::Client> client_;
  const base::Clock& clock_;
  Config config_;
};

}  // namespace vpccni::k8s
