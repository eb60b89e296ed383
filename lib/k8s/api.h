#pragma once
// The Kubernetes edge: what the agent needs of the API server, as values. Thread-safe.
// Errors: not_found, denied (401, 403), conflict (409, 410), throttled (429), timeout, unavailable;
// the HTTP status is the cause. Nothing here asks for more than one node and that node's pods.

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/id.h"

namespace vpccni::k8s {

struct Taint {
  std::string key;
  std::string effect;
  friend bool operator==(const Taint&, const Taint&) = default;
};

struct Node {
  std::string name;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::vector<Taint> taints;
  std::optional<int> pod_capacity;  // status.capacity.pods
  friend bool operator==(const Node&, const Node&) = default;
};

struct PodName {
  std::string name_space;
  std::string name;
  friend auto operator<=>(const PodName&, const PodName&) = default;
};

struct Pod {
  std::string name_space;
  std::string name;
  std::string uid;
  std::map<std::string, std::string> annotations;
  bool host_network = false;
  bool finished = false;  // phase Succeeded or Failed
  /// A limit of its first container asks for a branch ENI (vpc.amazonaws.com/pod-eni…).
  bool wants_branch_eni = false;
  bool terminating = false;  // has a deletion time
  friend bool operator==(const Pod&, const Pod&) = default;
};

/// An ENIConfig (crd.k8s.amazonaws.com/v1alpha1): where the ENIs for pods are made, and for whom.
struct EniConfig {
  std::string name;
  net::SubnetId subnet;                               // empty: not said
  std::vector<net::SecurityGroupId> security_groups;  // empty: not said
  friend bool operator==(const EniConfig&, const EniConfig&) = default;
};

/// A CNINode (vpcresources.k8s.aws/v1alpha1): what this node asks of the VPC resource controller.
struct CniNode {
  struct Feature {
    std::string name;
    std::string value;  // may be empty
    friend bool operator==(const Feature&, const Feature&) = default;
  };
  std::string name;
  std::vector<Feature> features;
  std::string version;  // of the object as it was read
};

/// A list, and the version of the cluster's state that it shows: a watch goes on from there.
template <class T>
struct Listed {
  std::vector<T> items;
  std::string version;
};

/// `any` is answered from the server's memory and may be old by a moment; `latest` makes it read
/// its data base, which costs it more the larger the cluster is.
enum class Freshness { any, latest };

/// What a watch says. A bookmark says only that everything up to `version` has been said.
template <class T>
struct Change {
  enum class Kind { present, gone, bookmark };
  Kind kind = Kind::bookmark;
  T object;  // of a gone one: as it was last
  std::string version;
};
template <class T>
using Listener = std::function<void(Change<T>)>;

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

inline constexpr base::Duration kCallLimit = std::chrono::seconds(5);

class Api {
 public:
  virtual ~Api() = default;
  virtual Result<std::string> version() = 0;  // GET /version, gitVersion
  virtual Result<Node> node(const std::string& name) = 0;
  /// `limit` bounds the call.
  virtual Result<Pod> pod(const std::string& name_space, const std::string& name,
                          base::Duration limit) = 0;
  /// The node of that name alone: one item, or none.
  virtual Result<Listed<Node>> list_node(const std::string& name, const std::stop_token& stop) = 0;
  virtual Result<Listed<Pod>> pods_on_node(const std::string& node, Freshness freshness,
                                           const std::stop_token& stop) = 0;

  /// Blocks while the server keeps the watch open (some minutes) and success when it ends it.
  /// `heard` runs on the caller's thread. An error for which is_gone() holds: `version` is too old,
  /// list again.
  virtual Result<> watch_node(const std::string& name, const std::string& version,
                              const Listener<Node>& heard, const std::stop_token& stop) = 0;
  virtual Result<> watch_pods(const std::string& node, const std::string& version,
                              const Listener<Pod>& heard, const std::stop_token& stop) = 0;

  virtual Result<EniConfig> eni_config(const std::string& name) = 0;
  virtual Result<CniNode> cni_node(const std::string& name) = 0;
  /// The whole list of features. `conflict` if the object is not any more as of `node.version`.
  virtual Result<> set_features(const CniNode& node) = 0;

  /// Sets one annotation and touches nothing else.
  virtual Result<> annotate_pod(const std::string& name_space, const std::string& name,
                                const std::string& key, const std::string& value,
                                base::Duration limit) = 0;

  /// Returns the new event's name, for repeat_event.
  virtual Result<std::string> create_event(const NewEvent& event) = 0;
  /// The event has happened `count` times by now, at least 2.
  virtual Result<> repeat_event(const std::string& name_space, const std::string& event,
                                int count) = 0;
};

/// The version that a watch or a page of a list asked for is not kept any more (410).
inline bool is_gone(const Error& error) {
  return error.code == Errc::conflict && error.cause == "410";
}

}  // namespace vpccni::k8s
