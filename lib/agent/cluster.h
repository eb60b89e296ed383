#pragma once
// The agent's side of Kubernetes: follows the own node and its pods, writes events and pod
// annotations. Has threads of its own; the loop never waits for the API server. Thread-safe. The
// API server may be away for any time: what is to be followed comes when it is back, events of that
// time are dropped.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "agent/event_book.h"
#include "agent/pod_annotation.h"
#include "agent/seen_pod.h"
#include "agent/worker.h"
#include "base/clock.h"
#include "base/log.h"
#include "k8s/api.h"
#include "settings/settings.h"

namespace vpccni::agent {

/// What the node object and its pods say.
struct NodeFacts {
  std::optional<int> max_pods;  // the kubelet's, less the pods on the host's own network
  bool cordoned = false;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  friend bool operator==(const NodeFacts&, const NodeFacts&) = default;
};

/// Must the API server answer before the agent starts (spec agent.md 1.1 step 2)?
bool needs_api_server(const settings::Settings& settings);
/// Step 3a: a time-out is tried again for ever, any other error ends the wait.
Result<> await_api_server(k8s::Api& api, const base::Clock& clock, const base::Log& log,
                          const std::stop_token& stop);

class Cluster {
 public:
  struct Options {
    std::string node_name;  // "" = nothing is followed
    std::string pod_name;   // our own, in kube-system; "" = no events about us
    bool annotate_pods = false;
    bool branch_pods = false;  // security groups for pods: seen() and look_up() are used
  };
  /// References outlive the cluster.
  Cluster(k8s::Api& api, const base::Clock& clock, const base::Log& log, Options options);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// Once. `changed` gets the facts whenever they differ from the last ones, on other threads but
  /// one call at a time; it must not block.
  void follow(std::function<void(const NodeFacts&)> changed,
              std::function<void()> pods_changed = {});

  /// nullopt: not known.
  std::optional<SeenPod> seen(const k8s::PodName& pod);
  /// As the API server has it now. Answered on another thread within some 5 s, unless the cluster
  /// ends before.
  void look_up(k8s::PodName pod, std::function<void(const Result<k8s::Pod>&)> answer);

  /// An event about our own pod, of type Warning. Repeats are counted.
  void post_event(const std::string& reason, const std::string& action, const std::string& note);
  /// EC2 does not allow the operation, "CreateTags" (spec agent.md 8.4).
  void missing_permission(std::string_view operation);
  /// An event about the pod: its ADD failed for a reason of the catalogue.
  void add_failed(const std::string& name_space, const std::string& pod, const std::string& reason,
                  const std::string& detail);
  /// Tells the counts of repeats that are due. To be called about once a minute.
  void tell_repeats();

  /// The ENIConfig that the node names now. Blocks, at most some 10 s. Every error has the cause
  /// ENICONFIG_MISSING and says which it is and what names it.
  Result<k8s::EniConfig> eni_config(const settings::Settings& settings);
  /// Asks the VPC resource controller for something: adds the feature to our CNINode, in place of
  /// one of that name with another value. Blocks.
  Result<> add_feature(const k8s::CniNode::Feature& feature);

  bool annotates_pods() const { return annotations_ != nullptr; }
  /// Answered on another thread within some 5 s, unless the cluster ends before.
  using Answer = std::function<void(Result<>)>;
  void annotate(PodAddress what, Answer answer);
  void clear(PodAddress what, Answer answer);

 private:
  void follow_node(const std::stop_token& stop);
  void follow_pods(const std::stop_token& stop);
  void note_node(std::optional<k8s::Node> node);
  void note_pods(const std::vector<k8s::Pod>& pods);
  void note_pod(const k8s::Pod& pod, bool gone);
  void keep_locked(const k8s::Pod& pod);
  void tell_locked();
  void trouble(std::string_view what, const Error& error);
  void write(EventKey key, std::string note);
  void create(const EventKey& key, const std::string& note);
  std::string uid_of(const std::string& name_space, const std::string& pod);

  k8s::Api& api_;
  const base::Clock& clock_;
  const base::Log& log_;
  const Options options_;

  std::mutex facts_mutex_;  // guards the next seven
  std::function<void(const NodeFacts&)> changed_;
  std::function<void()> pods_changed_;
  std::optional<k8s::Node> node_;
  std::map<k8s::PodName, k8s::Pod> pods_;  // bare of what nobody asks for
  std::optional<NodeFacts> told_;
  std::set<std::string_view> in_trouble_;  // what is not heard now
  bool too_many_pods_ = false;

  std::mutex events_mutex_;  // guards book_
  EventBook book_;

  std::unique_ptr<Worker> annotations_;
  std::unique_ptr<Worker> look_ups_;
  Worker events_;
  std::jthread node_thread_;
  std::jthread pods_thread_;  // last: threads use the others
};

}  // namespace vpccni::agent
