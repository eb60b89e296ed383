// The agent's part in security groups for pods: the trunk that it asks for, and pods whose address
// is on a branch ENI of it.
#include <utility>

#include "agent/agent.h"
#include "k8s/eni_config_name.h"

namespace vpccni::agent {

namespace {

constexpr auto kTrunkPeriod = std::chrono::seconds(5);
/// What was asked for stays in the CNINode: a reading of it now and then is enough.
constexpr auto kAskAgain = std::chrono::seconds(60);
constexpr const char* kBranchFeature = "SecurityGroupsForPods";
constexpr const char* kNetworkFeature = "CustomNetworking";

}  // namespace

void Agent::serve_branch_pods() {
  BranchPods::Sources sources;
  sources.seen = [this](const k8s::PodName& pod) { return cluster_->seen(pod); };
  sources.look_up = [this](const k8s::PodName& pod, BranchPods::PodAnswer answer) {
    cluster_->look_up(pod, [this, answer = std::move(answer)](const Result<k8s::Pod>& found) {
      loop_.post([answer, found] { answer(found); });
    });
  };
  sources.has_trunk = [this] { return pools_->first().has_trunk(); };
  sources.trunk_link = [this](std::function<void(const Result<net::IfIndex>&)> answer) {
    host_.post([this, answer = std::move(answer)](const std::stop_token&) {
      auto link = edges_.kernel.trunk_link();
      loop_.post([answer, link = std::move(link)] { answer(link); });
    });
  };
  branches_ = std::make_unique<BranchPods>(loop_, node_.family(), std::move(sources));
  await_trunk();
  timers_.push_back(loop_.every(kTrunkPeriod, [this] { await_trunk(); }));
}

/// Until there is one: asks the VPC resource controller for it, and looks whether it has come.
void Agent::await_trunk() {
  if (pools_->first().has_trunk()) {
    branches_->look_again();
    return;
  }
  pools_->on(0, ipam::LookAgain{}, edges_.clock.now());
  const auto limits = pools_->first().limits();
  const int enis = static_cast<int>(pools_->first().store().enis().size());
  const bool had_place =
      std::exchange(place_for_trunk_, node_.family() != net::Family::v4 || enis <= limits.enis);
  if (!place_for_trunk_) {
    if (had_place) {
      edges_.log.error("no place for a trunk ENI: security groups for pods do not work here",
                       {{"enis", std::to_string(enis)}});
    }
    return;
  }
  const auto now = edges_.clock.now().steady;
  auto features = wanted_features();
  if (asking_trunk_ || (now < ask_trunk_at_ && features == asked_features_)) {
    return;
  }
  asking_trunk_ = true;
  ask_trunk_at_ = now + kAskAgain;
  asked_features_ = features;
  side_.post([this, features = std::move(features)](const std::stop_token& stop) {
    Result<> done;
    for (const auto& feature : features) {
      done = done && !stop.stop_requested() ? cluster_->add_feature(feature) : std::move(done);
    }
    if (!done) {
      metrics_.add<metrics::Metric::awscni_pod_eni_error_count>({"tryEnableSecurityGroupsForPods"});
      edges_.log.warn("the VPC resource controller cannot be asked for a trunk ENI; tried again",
                      {{"error", done.error().message}});
    }
    loop_.post([this] { asking_trunk_ = false; });
  });
}

std::vector<k8s::CniNode::Feature> Agent::wanted_features() const {
  std::vector<k8s::CniNode::Feature> features;
  if (node_.settings.custom_networking && node_facts_) {
    const auto config =
        k8s::eni_config_name(node_facts_->labels, node_facts_->annotations, node_.settings);
    if (config.name != "default") {
      features.push_back({kNetworkFeature, config.name});
    }
  }
  features.push_back({kBranchFeature, ""});
  return features;
}

void Agent::add_branch_pod(Caller caller, const BranchPods::Branch& branch) {
  auto reply = to_reply(branch.eni, branch.trunk, facts_);
  if (cluster_->annotates_pods()) {
    annotate_then_reply(std::move(caller), std::move(reply));
    return;
  }
  note_given(caller);
  caller.done({}, reply.SerializeAsString());
}

/// Of a pod that holds no address of the pool: it may have a branch ENI, which is the resource
/// controller's to take away.
void Agent::del_branch_pod(Caller caller, ipam::PodDel event, const std::string& uid) {
  const k8s::PodName pod{caller.pod.name_space, caller.pod.name};
  branches_->find(pod, uid,
                  [this, caller = std::move(caller),
                   event = std::move(event)](const Result<std::optional<BranchEni>>& found) {
                    if (!found) {
                      caller.done({rpc::Code::unknown, "error while trying to retrieve pod info: " +
                                                           found.error().message},
                                  {});
                    } else if (*found) {
                      caller.done({}, to_del_reply(**found, facts_).SerializeAsString());
                    } else {
                      waiting_.emplace(event.token, caller);
                      pools_->del(event, edges_.clock.now());
                    }
                  });
}

}  // namespace vpccni::agent
