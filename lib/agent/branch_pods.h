#pragma once
// ADDs and DELs of pods that may have a branch ENI (security groups for pods, spec agent.md 6.2
// step 2, 6.3): what Kubernetes says of the pod decides, and an ADD may wait a moment for the VPC
// resource controller. Runs on the loop; not thread-safe.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "agent/branch_eni.h"
#include "agent/seen_pod.h"
#include "event/loop.h"
#include "ipam/add_failure.h"
#include "k8s/api.h"

namespace vpccni::agent {

/// How long an ADD waits for the annotation: about what the kubelet needs to try again (G2).
inline constexpr auto kBranchPatience = std::chrono::seconds(3);

class BranchPods {
 public:
  using PodAnswer = std::function<void(const Result<k8s::Pod>&)>;
  /// All answer on the loop, and may do so at once.
  struct Sources {
    /// As the watch last told; nullopt: not known.
    std::function<std::optional<SeenPod>(const k8s::PodName&)> seen;
    std::function<void(const k8s::PodName&, PodAnswer)> look_up;
    /// Is a trunk ENI set up?
    std::function<bool()> has_trunk;
    std::function<void(std::function<void(const Result<net::IfIndex>&)>)> trunk_link;
  };
  struct Ordinary {};  // an address of the pool, as any pod
  struct Branch {
    BranchEni eni;
    net::IfIndex trunk;
  };
  using Decision = std::variant<Ordinary, Branch, ipam::AddFailure>;

  BranchPods(event::Loop& loop, net::Family family, Sources sources)
      : loop_(loop), family_(family), sources_(std::move(sources)) {}

  /// `uid` is the request's; an older plugin sends none. `then` is called once, within about
  /// kBranchPatience.
  void decide(const k8s::PodName& pod, const std::string& uid,
              std::function<void(const Decision&)> then);
  /// Pods or the trunk have changed: those that wait are looked at again.
  void look_again();
  std::size_t waiting() const { return waiting_.size(); }

  /// Of a pod that holds no address of the pool. `uid` is the request's; empty: any. The branch ENI
  /// it has, or none; errors: the API server cannot tell.
  void find(const k8s::PodName& pod, const std::string& uid,
            std::function<void(const Result<std::optional<BranchEni>>&)> then);

 private:
  struct Waiting {
    k8s::PodName pod;
    std::string uid;
    std::function<void(const Decision&)> then;
    event::Registration end;
    std::optional<k8s::Pod> known = {};  // of the sandbox that asks; none: being looked up
    bool linking = false;                // the trunk's link is asked for
  };

  void looked_up(std::uint64_t id, const Result<k8s::Pod>& found);
  void proceed(std::uint64_t id);
  void finish(std::uint64_t id, const Decision& decision);
  void give_up(std::uint64_t id);

  event::Loop& loop_;
  net::Family family_;
  Sources sources_;
  std::map<std::uint64_t, Waiting> waiting_;
  std::uint64_t next_ = 0;
};

}  // namespace vpccni::agent
