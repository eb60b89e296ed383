#include "agent/branch_pods.h"

namespace vpccni::agent {

namespace {

const std::string* annotation_of(const k8s::Pod& pod) {
  const auto found = pod.annotations.find(kPodEniAnnotation);
  return found == pod.annotations.end() || found->second.empty() ? nullptr : &found->second;
}

}  // namespace

void BranchPods::decide(const k8s::PodName& pod, const std::string& uid,
                        std::function<void(const Decision&)> then) {
  const auto seen = sources_.seen(pod);
  // Of the same UID it is the same pod, for good; without one, what the watch told may be the pod
  // that had this name before: its branch ENI is another's.
  const bool same =
      seen && (uid.empty() ? seen->current && !seen->pod.terminating : seen->pod.uid == uid);
  if (same && !seen->pod.wants_branch_eni) {
    then(Ordinary{});
    return;
  }
  const auto id = ++next_;
  waiting_.emplace(id, Waiting{pod, uid, std::move(then),
                               loop_.after(kBranchPatience, [this, id] { give_up(id); })});
  sources_.look_up(pod, [this, id](const Result<k8s::Pod>& found) { looked_up(id, found); });
}

void BranchPods::looked_up(std::uint64_t id, const Result<k8s::Pod>& found) {
  const auto place = waiting_.find(id);
  if (place == waiting_.end()) {
    return;
  }
  const auto seen = found ? std::nullopt : sources_.seen(place->second.pod);
  if (found) {
    place->second.known = *found;
  } else if (seen && seen->pod.uid == place->second.uid) {
    place->second.known = seen->pod;  // the API server is away: the last word counts
  } else {
    finish(id, ipam::AddFailure{"POD_UNKNOWN",
                                "the API server does not tell of this pod, which may "
                                "have security groups of its own: " +
                                    found.error().message});
    return;
  }
  proceed(id);
}

/// One step further, as far as it is known what the pod has.
void BranchPods::proceed(std::uint64_t id) {
  const auto place = waiting_.find(id);
  if (place == waiting_.end() || !place->second.known || place->second.linking) {
    return;
  }
  Waiting& one = place->second;
  if (!one.known->wants_branch_eni) {
    finish(id, Ordinary{});
    return;
  }
  const auto* annotation = annotation_of(*one.known);
  if (annotation == nullptr || !sources_.has_trunk()) {
    return;
  }
  auto eni = parse_branch_eni(*annotation, family_);
  if (!eni) {
    finish(id, ipam::AddFailure{"BRANCH_ENI_INVALID", eni.error().message});
    return;
  }
  one.linking = true;
  sources_.trunk_link([this, id, eni = *std::move(eni)](const Result<net::IfIndex>& link) {
    if (link) {
      finish(id, Branch{eni, *link});
    } else {
      finish(id, ipam::AddFailure{"TRUNK_MISSING", "the trunk ENI has no link on this node: " +
                                                       link.error().message});
    }
  });
}

void BranchPods::finish(std::uint64_t id, const Decision& decision) {
  auto done = waiting_.extract(id);
  if (!done.empty()) {
    done.mapped().then(decision);
  }
}

void BranchPods::look_again() {
  std::vector<std::uint64_t> ids;
  for (auto& [id, one] : waiting_) {
    if (!one.known) {
      continue;
    }
    if (const auto seen = sources_.seen(one.pod); seen && seen->pod.uid == one.known->uid) {
      one.known = seen->pod;
    }
    ids.push_back(id);
  }
  for (const auto id : ids) {
    proceed(id);
  }
}

void BranchPods::give_up(std::uint64_t id) {
  const auto place = waiting_.find(id);
  if (place == waiting_.end()) {
    return;
  }
  const auto& known = place->second.known;
  if (!known) {
    finish(id, ipam::AddFailure{"POD_UNKNOWN",
                                "the API server does not answer, and the pod may have "
                                "security groups of its own"});
  } else if (annotation_of(*known) != nullptr) {
    finish(id,
           ipam::AddFailure{"TRUNK_MISSING",
                            "the VPC resource controller has attached no trunk ENI to this node; "
                            "see the node's CNINode object and the controller's log"});
  } else {
    finish(id, ipam::AddFailure{"BRANCH_ENI_PENDING", std::string(kPodEniAnnotation) +
                                                          " not set after 3s; the VPC resource "
                                                          "controller makes the branch ENI"});
  }
}

void BranchPods::find(const k8s::PodName& pod, const std::string& uid,
                      std::function<void(const Result<std::optional<BranchEni>>&)> then) {
  sources_.look_up(pod, [family = family_, uid, then = std::move(then)](const auto& found) {
    if (!found) {
      then(found.error().code == Errc::not_found ? Result<std::optional<BranchEni>>(std::nullopt)
                                                 : found.error());
      return;
    }
    const auto* annotation = annotation_of(*found);
    const bool another = !uid.empty() && uid != found->uid;
    if (another || annotation == nullptr) {
      then(std::optional<BranchEni>());
      return;
    }
    auto eni = parse_branch_eni(*annotation, family);
    if (eni) {
      then(std::optional(*std::move(eni)));
    } else {
      then(std::move(eni).error());
    }
  });
}

}  // namespace vpccni::agent
