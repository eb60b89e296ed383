// An ADD of a pod that may have a branch ENI: what decides, and how long it waits.
#include "agent/branch_pods.h"

#include <catch2/catch.hpp>

namespace vpccni::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kAnnotation =
    R"([{"ifAddress":"02:00:00:00:00:07","privateIp":"10.0.2.40","vlanID":7,
         "subnetCidr":"10.0.2.0/24"}])";
const k8s::PodName kPod{"default", "web-0"};

k8s::Pod pod(const std::string& uid, bool branch, const std::string& annotation = "") {
  k8s::Pod pod;
  pod.name_space = kPod.name_space;
  pod.name = kPod.name;
  pod.uid = uid;
  pod.wants_branch_eni = branch;
  if (!annotation.empty()) {
    pod.annotations[kPodEniAnnotation] = annotation;
  }
  return pod;
}

struct Site {
  Site() {
    BranchPods::Sources sources;
    sources.seen = [this](const k8s::PodName&) {
      return seen ? std::optional(SeenPod{*seen, current}) : std::nullopt;
    };
    sources.look_up = [this](const k8s::PodName&, BranchPods::PodAnswer answer) {
      ++look_ups;
      if (answers) {
        answer(now);
      } else {
        late = std::move(answer);
      }
    };
    sources.has_trunk = [this] { return trunk; };
    sources.trunk_link = [this](const auto& answer) { answer(link); };
    pods = std::make_unique<BranchPods>(loop, net::Family::v4, std::move(sources));
  }
  void ask(const std::string& uid = "") {
    pods->decide(kPod, uid, [this](const BranchPods::Decision& one) {
      REQUIRE_FALSE(decision);
      decision = one;
    });
  }
  bool ordinary() const {
    return decision && std::holds_alternative<BranchPods::Ordinary>(*decision);
  }
  const BranchPods::Branch* branch() const {
    return decision ? std::get_if<BranchPods::Branch>(&*decision) : nullptr;
  }
  std::string reason() const {
    const auto* why = decision ? std::get_if<ipam::AddFailure>(&*decision) : nullptr;
    return why != nullptr ? why->reason : "";
  }
  void wait_for_decision() {
    const auto limit = std::chrono::steady_clock::now() + seconds(30);
    while (!decision && std::chrono::steady_clock::now() < limit) {
      loop.run_once(milliseconds(100));
    }
    REQUIRE(decision);
  }

  event::Loop loop;
  std::optional<k8s::Pod> seen;
  bool current = true;
  Result<k8s::Pod> now = Error{Errc::unavailable, "down"};
  bool answers = true;
  BranchPods::PodAnswer late;
  bool trunk = true;
  Result<net::IfIndex> link = net::IfIndex(5);
  int look_ups = 0;
  std::optional<BranchPods::Decision> decision;
  std::unique_ptr<BranchPods> pods;
};

}  // namespace

TEST_CASE("branch pods: a pod without such a limit is answered at once, from the watch") {
  Site site;
  site.seen = pod("u1", false);
  site.ask();
  CHECK(site.ordinary());
  CHECK(site.look_ups == 0);
}

TEST_CASE("branch pods: the annotation is there") {
  Site site;
  site.seen = pod("u1", true, kAnnotation);
  site.now = site.seen.value();
  site.ask();
  REQUIRE(site.branch() != nullptr);
  CHECK(site.branch()->eni.vlan == net::VlanId(7));
  CHECK(site.branch()->trunk == net::IfIndex(5));
  CHECK(site.pods->waiting() == 0);
}

TEST_CASE("branch pods: a pod of the same name as one that goes gets its own branch ENI") {
  Site site;
  site.seen = pod("old", true, kAnnotation);
  site.now = pod("new", true);
  site.ask();
  CHECK_FALSE(site.decision);
  site.pods->look_again();  // the watch still tells of the old one
  CHECK_FALSE(site.decision);
  site.seen = pod("new", true, R"([{"ifAddress":"02:00:00:00:00:08","privateIp":"10.0.2.41",
                                    "vlanID":8,"subnetCidr":"10.0.2.0/24"}])");
  site.pods->look_again();
  REQUIRE(site.branch() != nullptr);
  CHECK(site.branch()->eni.vlan == net::VlanId(8));
}

TEST_CASE("branch pods: an old pod without such a limit says nothing of the new one") {
  Site site;
  site.seen = pod("old", false);
  site.seen->terminating = true;
  site.now = pod("new", true, kAnnotation);
  site.ask();
  CHECK(site.branch() != nullptr);
}

TEST_CASE("branch pods: the UID tells a pod from the one that had its name before") {
  Site site;
  site.seen = pod("old", false);  // the watch lags
  site.now = pod("new", true, kAnnotation);
  site.ask("new");
  CHECK(site.branch() != nullptr);
  Site cut;
  cut.seen = pod("u1", false);
  cut.current = false;
  cut.ask("u1");  // what it is does not change
  CHECK(cut.ordinary());
  CHECK(cut.look_ups == 0);
  Site unsure;
  unsure.seen = pod("u1", false);
  unsure.current = false;
  unsure.ask();
  CHECK(unsure.reason() == "POD_UNKNOWN");
}

TEST_CASE("branch pods: one that the watch has not told of") {
  Site site;
  site.now = pod("u1", false);
  site.ask();
  CHECK(site.ordinary());
  CHECK(site.look_ups == 1);
}

TEST_CASE("branch pods: no word of the API server") {
  Site site;
  site.ask();
  CHECK(site.reason() == "POD_UNKNOWN");

  Site told;
  told.seen = pod("u1", true, kAnnotation);
  told.ask("u1");
  CHECK(told.branch() != nullptr);  // its last word counts
  Site other;
  other.seen = pod("u0", true, kAnnotation);
  other.ask("u1");  // of the pod before
  CHECK(other.reason() == "POD_UNKNOWN");
  Site nameless;
  nameless.seen = pod("u0", true, kAnnotation);
  nameless.ask();
  CHECK(nameless.reason() == "POD_UNKNOWN");

  Site silent;
  silent.answers = false;
  silent.ask();
  silent.wait_for_decision();
  CHECK(silent.reason() == "POD_UNKNOWN");
  silent.late(pod("u1", false));  // nobody waits any more
}

TEST_CASE("branch pods: an annotation that does not come, a trunk that does not come") {
  Site pending;
  pending.now = pod("u1", true);
  pending.ask();
  pending.wait_for_decision();
  CHECK(pending.reason() == "BRANCH_ENI_PENDING");

  Site trunkless;
  trunkless.trunk = false;
  trunkless.now = pod("u1", true, kAnnotation);
  trunkless.ask();
  CHECK_FALSE(trunkless.decision);
  trunkless.trunk = true;
  trunkless.pods->look_again();
  CHECK(trunkless.branch() != nullptr);
}

TEST_CASE("branch pods: what cannot be used is refused with its reason") {
  Site invalid;
  invalid.now = pod("u1", true, "[]");
  invalid.ask();
  CHECK(invalid.reason() == "BRANCH_ENI_INVALID");

  Site unplugged;
  unplugged.link = Error{Errc::not_found, "no link", "ENODEV"};
  unplugged.now = pod("u1", true, kAnnotation);
  unplugged.ask();
  CHECK(unplugged.reason() == "TRUNK_MISSING");
}

TEST_CASE("branch pods: DEL of a pod that holds no address of the pool") {
  Site site;
  std::optional<Result<std::optional<BranchEni>>> found;
  const auto find = [&](const std::string& uid) {
    found.reset();
    site.pods->find(kPod, uid, [&](const auto& one) { found = one; });
    REQUIRE(found);
  };
  find("u1");
  CHECK_FALSE(*found);
  CHECK(found->error().code == Errc::unavailable);
  site.now = Error{Errc::not_found, "no pod", "404"};
  find("u1");
  REQUIRE(*found);
  CHECK_FALSE(**found);
  site.now = pod("u1", true, kAnnotation);
  find("u1");
  REQUIRE(*found);
  REQUIRE(**found);
  CHECK((**found)->vlan == net::VlanId(7));
  find("");  // a plugin that sends no UID
  CHECK((*found)->has_value());
  find("u0");  // an older pod of this name
  REQUIRE(*found);
  CHECK_FALSE(**found);
  site.now = pod("u1", true, "[]");
  find("u1");
  CHECK_FALSE(*found);
}

}  // namespace vpccni::agent
