#pragma once
// The Kubernetes edge: what the agent needs of the API server, as values. Thread-safe.
// Errors: not_found, denied (401, 403), conflict (409), throttled (429), timeout, unavailable.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace vpccni::k8s {

struct Taint {
  std::string key;
  std::string effect;
};

struct Node {
  std::string name;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::vector<Taint> taints;
  std::optional<int> pod_capacity;  // status.capacity.pods
};

struct Pod {
  std::string name_space;
  std::string name;
  std::string uid;
  std::map<std::string, std::string> annotations;
};

/// events.k8s.io/v1, type Warning unless said otherwise.
struct NewEvent {
  std::string name_space;
  std::string regarding_pod;
  std::string regarding_uid;
  std::string reason;
  std::string action;
  std::string note;
  std::string type = "Warning";
};

class Api {
 public:
  virtual ~Api() = default;
  virtual Result<std::string> version() = 0;  // GET /version, gitVersion
  virtual Result<Node> node(const std::string& name) = 0;
  virtual Result<Pod> pod(const std::string& name_space, const std::string& name) = 0;
  virtual Result<std::vector<Pod>> pods_on_node(const std::string& node) = 0;
  virtual Result<> create_event(const NewEvent& event) = 0;
};

}  // namespace vpccni::k8s
