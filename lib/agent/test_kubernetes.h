#pragma once
// A Kubernetes API server in memory for tests: one node, its pods, events. Thread-safe. A watch is
// told every change until it is stopped.

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "k8s/api.h"

namespace vpccni::agent {

class TestKubernetes final : public k8s::Api {
 public:
  struct Event {
    k8s::NewEvent what;
    int count = 1;
  };

  void set_node(k8s::Node node) {
    const std::lock_guard lock(mutex_);
    node_ = node;
    node_changes_.push_back({k8s::Change<k8s::Node>::Kind::present, std::move(node), "1"});
    changed_.notify_all();
  }
  void set_pod(k8s::Pod pod) {
    const std::lock_guard lock(mutex_);
    pods_[{pod.name_space, pod.name}] = pod;
    pod_changes_.push_back({k8s::Change<k8s::Pod>::Kind::present, std::move(pod), "1"});
    changed_.notify_all();
  }
  /// One that only a list tells.
  void list_pod(k8s::Pod pod) {
    const std::lock_guard lock(mutex_);
    pods_[{pod.name_space, pod.name}] = std::move(pod);
  }
  void remove_pod(const std::string& name_space, const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto gone = pods_.extract({name_space, name});
    pod_changes_.push_back({k8s::Change<k8s::Pod>::Kind::gone, gone.mapped(), "1"});
    changed_.notify_all();
  }
  void set_eni_config(k8s::EniConfig config) {
    const std::lock_guard lock(mutex_);
    eni_configs_[config.name] = std::move(config);
  }
  void set_cni_node(k8s::CniNode node) {
    const std::lock_guard lock(mutex_);
    cni_node_ = std::move(node);
  }
  std::vector<k8s::CniNode::Feature> features() {
    const std::lock_guard lock(mutex_);
    return cni_node_ ? cni_node_->features : std::vector<k8s::CniNode::Feature>();
  }
  /// The next calls answer with this, one each.
  void fail_next(std::vector<Error> errors) {
    const std::lock_guard lock(mutex_);
    failures_.assign(errors.begin(), errors.end());
  }
  std::vector<Event> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  int watches() {
    const std::lock_guard lock(mutex_);
    return watches_;
  }
  int calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  std::string annotation(const std::string& name_space, const std::string& name) {
    const std::lock_guard lock(mutex_);
    return pods_.at({name_space, name}).annotations["vpc.amazonaws.com/pod-ips"];
  }

  Result<std::string> version() override {
    const std::lock_guard lock(mutex_);
    VPCCNI_CHECK(next_failure());
    return std::string("v1.31.0");
  }
  Result<k8s::Node> node(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    return node_ && node_->name == name ? Result<k8s::Node>(*node_) : missing();
  }
  Result<k8s::Pod> pod(const std::string& name_space, const std::string& name,
                       base::Duration) override {
    const std::lock_guard lock(mutex_);
    VPCCNI_CHECK(next_failure());
    const auto found = pods_.find({name_space, name});
    return found == pods_.end() ? Result<k8s::Pod>(missing()) : found->second;
  }
  Result<k8s::Listed<k8s::Node>> list_node(const std::string& name,
                                           const std::stop_token&) override {
    const std::lock_guard lock(mutex_);
    ++calls_;
    k8s::Listed<k8s::Node> listed{{}, "1"};
    if (node_ && node_->name == name) {
      listed.items.push_back(*node_);
    }
    return listed;
  }
  Result<k8s::Listed<k8s::Pod>> pods_on_node(const std::string&, k8s::Freshness,
                                             const std::stop_token&) override {
    const std::lock_guard lock(mutex_);
    ++calls_;
    k8s::Listed<k8s::Pod> listed{{}, "1"};
    for (const auto& [key, pod] : pods_) {
      listed.items.push_back(pod);
    }
    return listed;
  }
  Result<> watch_node(const std::string&, const std::string&, const k8s::Listener<k8s::Node>& heard,
                      const std::stop_token& stop) override {
    return watch(node_changes_, heard, stop);
  }
  Result<> watch_pods(const std::string&, const std::string&, const k8s::Listener<k8s::Pod>& heard,
                      const std::stop_token& stop) override {
    return watch(pod_changes_, heard, stop);
  }
  Result<k8s::EniConfig> eni_config(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    ++calls_;
    VPCCNI_CHECK(next_failure());
    const auto found = eni_configs_.find(name);
    return found == eni_configs_.end() ? Result<k8s::EniConfig>(missing()) : found->second;
  }
  Result<k8s::CniNode> cni_node(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    ++calls_;
    VPCCNI_CHECK(next_failure());
    return cni_node_ && cni_node_->name == name ? Result<k8s::CniNode>(*cni_node_) : missing();
  }
  Result<> set_features(const k8s::CniNode& node) override {
    const std::lock_guard lock(mutex_);
    ++calls_;
    VPCCNI_CHECK(next_failure());
    if (!cni_node_ || cni_node_->version != node.version) {
      return Error{Errc::conflict, "another version", "409"};
    }
    cni_node_->features = node.features;
    cni_node_->version += "'";
    return {};
  }
  Result<> annotate_pod(const std::string& name_space, const std::string& name,
                        const std::string& key, const std::string& value, base::Duration) override {
    const std::lock_guard lock(mutex_);
    ++calls_;
    VPCCNI_CHECK(next_failure());
    const auto found = pods_.find({name_space, name});
    if (found == pods_.end()) {
      return missing();
    }
    found->second.annotations[key] = value;
    return {};
  }
  Result<std::string> create_event(const k8s::NewEvent& event) override {
    const std::lock_guard lock(mutex_);
    VPCCNI_CHECK(next_failure());
    events_.push_back({event});
    changed_.notify_all();
    return std::to_string(events_.size() - 1);
  }
  Result<> repeat_event(const std::string&, const std::string& event, int count) override {
    const std::lock_guard lock(mutex_);
    events_.at(static_cast<std::size_t>(std::stoi(event))).count = count;
    return {};
  }

 private:
  static Error missing() { return {Errc::not_found, "not there", "404"}; }
  Result<> next_failure() {
    if (failures_.empty()) {
      return {};
    }
    const Error error = failures_.front();
    failures_.pop_front();
    return error;
  }
  template <class T>
  Result<> watch(std::deque<k8s::Change<T>>& changes, const k8s::Listener<T>& heard,
                 const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    ++watches_;
    while (changed_.wait(lock, stop, [&] { return !changes.empty(); })) {
      const auto change = changes.front();
      changes.pop_front();
      lock.unlock();
      heard(change);
      lock.lock();
    }
    return {};
  }

  std::mutex mutex_;  // guards all
  std::condition_variable_any changed_;
  std::optional<k8s::Node> node_;
  std::map<std::pair<std::string, std::string>, k8s::Pod> pods_;
  std::deque<k8s::Change<k8s::Node>> node_changes_;
  std::deque<k8s::Change<k8s::Pod>> pod_changes_;
  std::map<std::string, k8s::EniConfig> eni_configs_;
  std::optional<k8s::CniNode> cni_node_;
  std::vector<Event> events_;
  std::deque<Error> failures_;
  int watches_ = 0;
  int calls_ = 0;
};

}  // namespace vpccni::agent
