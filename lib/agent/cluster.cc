#include "agent/cluster.h"

#include <algorithm>
#include <future>
#include <random>

#include "agent/branch_eni.h"
#include "ipam/add_failure.h"
#include "k8s/eni_config_name.h"
#include "k8s/follow.h"

namespace vpccni::agent {

namespace {

using std::chrono::seconds;

constexpr auto kAwaitPeriod = seconds(2);
constexpr auto kAnnotateLimit = seconds(5);
constexpr auto kLastWords = seconds(2);
constexpr std::size_t kMostPods =
    4096;  // on one node, finished ones that were not deleted included
constexpr std::string_view kNode = "node";  // what is followed
constexpr std::string_view kPods = "pods";
constexpr const char* kOurNamespace = "kube-system";
constexpr const char* kIamDocument =
    "https://github.com/aws/amazon-vpc-cni-k8s/blob/master/docs/iam-policy.md";

double random_part() {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0.0, 1.0)(random);
}

bool is_cordoned(const k8s::Node& node) {
  return std::any_of(node.taints.begin(), node.taints.end(), [](const k8s::Taint& taint) {
    return taint.key == "node.kubernetes.io/unschedulable" && taint.effect == "NoSchedule";
  });
}

}  // namespace

bool needs_api_server(const settings::Settings& settings) {
  return settings.enable_pod_eni || settings.custom_networking || settings.annotate_pod_ip;
}

Result<> await_api_server(k8s::Api& api, const base::Clock& clock, const base::Log& log,
                          const std::stop_token& stop) {
  for (bool first = true;; first = false) {
    const auto version = api.version();
    if (version) {
      log.info("the API server answers", {{"version", *version}});
      return {};
    }
    if (version.error().code != Errc::timeout) {
      return wrap(version.error(), "the API server is needed for the start");
    }
    if (first) {
      log.warn("waiting for the API server", {{"error", version.error().message}});
    }
    if (!clock.wait_for(kAwaitPeriod, stop)) {
      return Error{Errc::unavailable, "stopped while waiting for the API server"};
    }
  }
}

Cluster::Cluster(k8s::Api& api, const base::Clock& clock, const base::Log& log, Options options)
    : api_(api), clock_(clock), log_(log), options_(std::move(options)) {
  if (options_.annotate_pods) {
    annotations_ = std::make_unique<Worker>();
  }
  if (options_.branch_pods) {
    look_ups_ = std::make_unique<Worker>();
  }
}

Cluster::~Cluster() {
  node_thread_.request_stop();
  pods_thread_.request_stop();
  // An agent that ends because of what an event says must still say it.
  const auto told = std::make_shared<std::promise<void>>();
  events_.post([told](const std::stop_token&) { told->set_value(); });
  (void)told->get_future().wait_for(kLastWords);
  events_.request_stop();
  for (const auto& worker : {annotations_.get(), look_ups_.get()}) {
    if (worker != nullptr) {
      worker->request_stop();
    }
  }
}

// --- what the cluster says

void Cluster::follow(std::function<void(const NodeFacts&)> changed,
                     std::function<void()> pods_changed) {
  if (options_.node_name.empty()) {
    log_.warn(
        "MY_NODE_NAME is not set: the node object is not followed; the instance type's "
        "number of pods counts, and labels of the node do not");
    return;
  }
  {
    const std::lock_guard lock(facts_mutex_);
    changed_ = std::move(changed);
    pods_changed_ = std::move(pods_changed);
  }
  node_thread_ = std::jthread([this](const std::stop_token& stop) { follow_node(stop); });
  pods_thread_ = std::jthread([this](const std::stop_token& stop) { follow_pods(stop); });
}

void Cluster::follow_node(const std::stop_token& stop) {
  const k8s::Follower<k8s::Node> follower{
      [this](std::vector<k8s::Node> nodes) {
        note_node(nodes.empty() ? std::nullopt : std::optional(std::move(nodes.front())));
      },
      [this](const k8s::Node& node, bool gone) {
        note_node(gone ? std::nullopt : std::optional(node));
      },
      [this](const Error& error) { trouble(kNode, error); }};
  k8s::follow_node(api_, clock_, random_part, options_.node_name, follower, stop);
}

void Cluster::follow_pods(const std::stop_token& stop) {
  const k8s::Follower<k8s::Pod> follower{
      [this](const std::vector<k8s::Pod>& pods) { note_pods(pods); },
      [this](const k8s::Pod& pod, bool gone) { note_pod(pod, gone); },
      [this](const Error& error) { trouble(kPods, error); }};
  k8s::follow_pods(api_, clock_, random_part, options_.node_name, follower, stop);
}

/// A node that is not there is not told: what was last known goes on to count.
void Cluster::note_node(std::optional<k8s::Node> node) {
  const std::lock_guard lock(facts_mutex_);
  in_trouble_.erase(kNode);
  if (node) {
    node_ = std::move(node);
    tell_locked();
  }
}

/// Told once, when all are known: in between their number would be wrong.
void Cluster::note_pods(const std::vector<k8s::Pod>& pods) {
  const std::lock_guard lock(facts_mutex_);
  in_trouble_.erase(kPods);
  pods_.clear();
  for (const auto& pod : pods) {
    keep_locked(pod);
  }
  tell_locked();
}

void Cluster::note_pod(const k8s::Pod& pod, bool gone) {
  const std::lock_guard lock(facts_mutex_);
  in_trouble_.erase(kPods);
  if (gone) {
    pods_.erase({pod.name_space, pod.name});
  } else {
    keep_locked(pod);
  }
  tell_locked();
}

void Cluster::keep_locked(const k8s::Pod& pod) {
  const k8s::PodName key{pod.name_space, pod.name};
  if (pods_.size() < kMostPods || pods_.contains(key)) {
    k8s::Pod& kept = pods_[key] = pod;
    std::erase_if(kept.annotations, [this](const auto& one) {
      return !options_.branch_pods || one.first != kPodEniAnnotation;
    });
  } else if (!std::exchange(too_many_pods_, true)) {
    log_.warn("more pods on this node than are looked at",
              {{"looked_at", std::to_string(kMostPods)}});
  }
}

void Cluster::tell_locked() {
  if (pods_changed_) {
    pods_changed_();
  }
  if (!node_ || !changed_) {
    return;
  }
  NodeFacts facts{std::nullopt, is_cordoned(*node_), node_->labels, node_->annotations};
  if (node_->pod_capacity) {
    const auto hosts = std::count_if(pods_.begin(), pods_.end(), [](const auto& pod) {
      return pod.second.host_network && !pod.second.finished;
    });
    facts.max_pods = std::max(0, *node_->pod_capacity - static_cast<int>(hosts));
  }
  if (facts != told_) {
    told_ = facts;
    changed_(facts);
  }
}

std::optional<SeenPod> Cluster::seen(const k8s::PodName& pod) {
  const std::lock_guard lock(facts_mutex_);
  const auto found = pods_.find(pod);
  return found == pods_.end() ? std::nullopt
                              : std::optional(SeenPod{found->second, !in_trouble_.contains(kPods)});
}

void Cluster::look_up(k8s::PodName pod, std::function<void(const Result<k8s::Pod>&)> answer) {
  look_ups_->post([this, pod = std::move(pod), answer = std::move(answer),
                   latest = clock_.now().steady + k8s::kCallLimit](const std::stop_token&) {
    const auto left = latest - clock_.now().steady;
    answer(left > base::Duration::zero()
               ? api_.pod(pod.name_space, pod.name, left)
               : Result<k8s::Pod>(Error{Errc::timeout, "the API server answers too slowly"}));
  });
}

void Cluster::trouble(std::string_view what, const Error& error) {
  const std::lock_guard lock(facts_mutex_);
  if (in_trouble_.insert(what).second) {
    log_.warn("the API server does not answer; tried again until it does",
              {{"following", std::string(what)}, {"error", error.message}});
  } else {
    log_.debug("the API server does not answer",
               {{"following", std::string(what)}, {"error", error.message}});
  }
}

// --- events

void Cluster::post_event(const std::string& reason, const std::string& action,
                         const std::string& note) {
  if (!options_.pod_name.empty()) {
    write({kOurNamespace, options_.pod_name, reason, action}, note);
  }
}

void Cluster::missing_permission(std::string_view operation) {
  const std::string action = "ec2:" + std::string(operation);
  post_event("MissingIAMPermissions", action,
             "Unauthorized operation: failed to call " + action +
                 " due to missing permissions. Please refer " + kIamDocument +
                 " to attach relevant policy to IAM role");
}

void Cluster::add_failed(const std::string& name_space, const std::string& pod,
                         const std::string& reason, const std::string& detail) {
  if (!name_space.empty() && !pod.empty()) {
    write({name_space, pod, reason, "AddNetwork"}, detail);
  }
}

void Cluster::write(EventKey key, std::string note) {
  {
    const std::lock_guard lock(events_mutex_);
    if (!book_.note(key, clock_.now().steady)) {
      return;
    }
  }
  events_.post([this, key = std::move(key), note = std::move(note)](const std::stop_token&) {
    create(key, note);
  });
}

void Cluster::create(const EventKey& key, const std::string& note) {
  const auto name = api_.create_event({.name_space = key.name_space,
                                       .regarding_pod = key.pod,
                                       .regarding_uid = uid_of(key.name_space, key.pod),
                                       .reason = key.reason,
                                       .action = key.action,
                                       .note = note});
  const std::lock_guard lock(events_mutex_);
  if (name) {
    book_.created(key, *name);
  } else {
    book_.failed(key);
    log_.debug("an event was not written",
               {{"reason", key.reason}, {"error", name.error().message}});
  }
}

/// As the watch or the API server says; "" when neither knows the pod. kubectl describe finds
/// events by it.
std::string Cluster::uid_of(const std::string& name_space, const std::string& pod) {
  {
    const std::lock_guard lock(facts_mutex_);
    if (const auto known = pods_.find({name_space, pod}); known != pods_.end()) {
      return known->second.uid;
    }
  }
  const auto found = api_.pod(name_space, pod, k8s::kCallLimit);
  return found ? found->uid : "";
}

void Cluster::tell_repeats() {
  std::vector<Repeats> due;
  {
    const std::lock_guard lock(events_mutex_);
    due = book_.due(clock_.now().steady);
  }
  if (due.empty()) {
    return;
  }
  events_.post([this, due = std::move(due)](const std::stop_token& stop) {
    for (const auto& one : due) {
      if (stop.stop_requested()) {
        return;
      }
      if (auto told = api_.repeat_event(one.name_space, one.event, one.count); !told) {
        log_.debug("the count of an event was not written", {{"error", told.error().message}});
      }
    }
  });
}

// --- custom resources

Result<k8s::EniConfig> Cluster::eni_config(const settings::Settings& settings) {
  std::optional<k8s::Node> node;
  {
    const std::lock_guard lock(facts_mutex_);
    node = node_;
  }
  const auto missing = [](const std::string& text, const Error& why) {
    return Error{Errc::not_found, text + ": " + why.message, ipam::kEniConfigMissing};
  };
  if (!node) {
    auto found = api_.node(options_.node_name);
    if (!found) {
      return missing("the node object, which names the ENIConfig, cannot be read", found.error());
    }
    node = *std::move(found);
  }
  const auto called = k8s::eni_config_name(node->labels, node->annotations, settings);
  auto config = api_.eni_config(called.name);
  if (!config) {
    const bool gone = config.error().code == Errc::not_found;
    return missing("ENIConfig \"" + called.name + "\" (" + called.from + ") " +
                       (gone ? "does not exist" : "cannot be read"),
                   config.error());
  }
  return config;
}

Result<> Cluster::add_feature(const k8s::CniNode::Feature& feature) {
  const std::string doing = "feature " + feature.name + " of CNINode " + options_.node_name;
  VPCCNI_TRY(auto node, wrap(api_.cni_node(options_.node_name), doing));
  auto& features = node.features;
  if (std::find(features.begin(), features.end(), feature) != features.end()) {
    return {};
  }
  std::erase_if(features, [&](const auto& one) { return one.name == feature.name; });
  features.push_back(feature);
  return wrap(api_.set_features(node), doing);
}

// --- annotations

void Cluster::annotate(PodAddress what, Answer answer) {
  annotations_->post([this, what = std::move(what), answer = std::move(answer),
                      deadline = clock_.now().steady + kAnnotateLimit](const auto& stop) {
    answer(annotate_pod(api_, clock_, what, deadline, stop));
  });
}

void Cluster::clear(PodAddress what, Answer answer) {
  annotations_->post([this, what = std::move(what), answer = std::move(answer),
                      deadline = clock_.now().steady + kAnnotateLimit](const auto& stop) {
    answer(clear_annotation(api_, clock_, what, deadline, stop));
  });
}

}  // namespace vpccni::agent
