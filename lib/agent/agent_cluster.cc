// What the agent makes of Kubernetes: targets from the node object, events, pod annotations.
#include "agent/agent.h"

namespace vpccni::agent {

namespace {

constexpr auto kEventPeriod = std::chrono::seconds(60);

std::string first_address(const auto& reply) {
  if (reply.ipallocationmetadata_size() == 0) {
    return "";
  }
  const auto& first = reply.ipallocationmetadata(0);
  return first.ipv4addr().empty() ? first.ipv6addr() : first.ipv4addr();
}

}  // namespace

void Agent::follow_cluster() {
  std::function<void()> pods_changed;
  if (node_.settings.enable_pod_eni) {
    pods_changed = [this] { loop_.post([this] { branches_->look_again(); }); };
  }
  cluster_->follow(
      [this](const NodeFacts& facts) { loop_.post([this, facts] { node_changed(facts); }); },
      std::move(pods_changed));
  tell_quarantined();
  timers_.push_back(loop_.every(kEventPeriod, [this] {
    tell_quarantined();
    cluster_->tell_repeats();
  }));
}

/// Counts at once, without a restart: the pool's next plan uses the new targets.
void Agent::node_changed(const NodeFacts& facts) {
  node_facts_ = facts;
  std::vector<std::string> unusable;
  const auto wanted = effective_targets(node_.settings, facts.labels, facts.annotations, unusable);
  for (const auto& text : unusable) {
    edges_.log.warn("ignoring a target", {{"because", text}});
  }
  auto targets = pools_->first().targets();
  targets.warm_enis = wanted.warm_enis.value;
  targets.warm_ips = wanted.warm_ips.value;
  targets.minimum_ips = wanted.minimum_ips.value;
  targets.warm_prefixes = wanted.warm_prefixes.value;
  targets.max_pods = facts.max_pods.value_or(targets.max_pods);
  if (!(wanted == targets_) || targets.max_pods != pools_->first().targets().max_pods) {
    edges_.log.info(
        "targets taken from the node object",
        {{"max_pods", std::to_string(targets.max_pods)}, {"targets", targets_json(wanted)}});
  }
  // Unmanaged ENIs are taken off the limit already: only the difference counts.
  const int enis = max_enis(node_.limits, wanted.max_enis.value) -
                   max_enis(node_.limits, targets_.max_enis.value);
  pools_->first().change_eni_limit(enis);
  pools_->first().set_targets(targets);
  for (std::size_t pool = 1; pool < pools_->size(); ++pool) {  // their targets are fixed
    auto own = pools_->at(pool).targets();
    own.max_pods = targets.max_pods;
    pools_->at(pool).set_targets(own);
  }
  targets_ = wanted;
  const bool schedulable = node_.settings.manage_enis_non_schedulable || !facts.cordoned;
  pools_->on_all(ipam::Schedulable{schedulable}, edges_.clock.now());
}

void Agent::tell_quarantined() {
  const auto quarantined = pools_->quarantined();
  std::string fresh;
  for (const auto& [address, entry] : quarantined) {
    if (!quarantine_told_.contains(address)) {
      fresh += (fresh.empty() ? "" : ", ") + to_string(address) + " (" + entry.pod.name_space +
               "/" + entry.pod.name + ")";
    }
  }
  quarantine_told_.clear();
  for (const auto& [address, entry] : quarantined) {
    quarantine_told_.insert(address);
  }
  if (!fresh.empty()) {
    cluster_->post_event("AddressQuarantined", "Quarantine",
                         "held by live pods, but on no ENI that EC2 lists; kept, and not given "
                         "out: " +
                             fresh);
  }
}

void Agent::tell_failed_add(const ipam::PodInfo& pod, const ipam::AddFailure& why) {
  if (cluster_) {
    cluster_->add_failed(pod.name_space, pod.name, why.reason, why.detail);
  }
}

/// An annotation that cannot be written fails the ADD, as upstream's does: the reply is whole but
/// for its success, and the address stays the pod's until the runtime's DEL.
void Agent::annotate_then_reply(Caller caller, ::rpc::AddNetworkReply reply) {
  const ipam::Token token = next_token();
  PodAddress what{caller.pod.name_space, caller.pod.name, first_address(reply)};
  annotating_.emplace(token, std::move(caller));
  cluster_->annotate(what, [this, token, reply](const Result<>& done) mutable {
    loop_.post([this, token, reply = std::move(reply), done]() mutable {
      const Caller waiting = std::move(annotating_.extract(token).mapped());
      if (done) {
        note_given(waiting);
      } else {
        const ipam::AddFailure why{"POD_ANNOTATION", done.error().message};
        note_failed(waiting, why);
        reply.set_success(false);
        reply.set_failurereason(why.reason + ": " + why.detail);
      }
      waiting.done({}, reply.SerializeAsString());
    });
  });
}

/// The address is free already. An annotation that cannot be cleared is the caller's to know.
void Agent::clear_then_reply(Caller caller, ::rpc::DelNetworkReply reply) {
  const ipam::Token token = next_token();
  PodAddress what{caller.pod.name_space, caller.pod.name, first_address(reply)};
  annotating_.emplace(token, std::move(caller));
  cluster_->clear(what, [this, token, reply](const Result<>& done) mutable {
    loop_.post([this, token, reply = std::move(reply), done] {
      rpc::Status status;
      if (!done) {
        edges_.log.error("a pod's annotation is not cleared", {{"error", done.error().message}});
        status = {rpc::Code::unknown, "1 error occurred:\n\t* " + done.error().message + "\n\n"};
      }
      annotating_.extract(token).mapped().done(status, reply.SerializeAsString());
    });
  });
}

}  // namespace vpccni::agent
