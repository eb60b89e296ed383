// The agent's side of Kubernetes against an API server in memory.
#include "agent/cluster.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "agent/test_kubernetes.h"
#include "ipam/add_failure.h"

namespace vpccni::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Time stands still but for waiting, which moves it.
class JumpingClock final : public base::Clock {
 public:
  base::Instant now() const override { return {base::SteadyTime(base::Duration(now_.load())), {}}; }
  bool wait_until(base::SteadyTime until, std::stop_token stop) const override {
    now_ = until.time_since_epoch().count();
    return !stop.stop_requested();
  }
  void pass(base::Duration time) { now_ += time.count(); }

 private:
  mutable std::atomic<std::int64_t> now_ = 0;
};

void until(const std::function<bool()>& done) {
  const auto limit = std::chrono::steady_clock::now() + seconds(30);
  while (!done()) {
    if (std::chrono::steady_clock::now() > limit) {
      FAIL("did not happen");
    }
    std::this_thread::sleep_for(milliseconds(2));
  }
}

struct Site {
  Cluster& open(Cluster::Options options = {"node-1", "aws-node-1", true}) {
    cluster = std::make_unique<Cluster>(api, clock, log, std::move(options));
    return *cluster;
  }
  void follow() {
    cluster->follow([this](const NodeFacts& now) {
      const std::lock_guard lock(mutex);
      facts.push_back(now);
    });
  }
  std::optional<NodeFacts> last() {
    const std::lock_guard lock(mutex);
    return facts.empty() ? std::nullopt : std::optional(facts.back());
  }
  std::vector<NodeFacts> all() {
    const std::lock_guard lock(mutex);
    return facts;
  }
  std::size_t told() {
    const std::lock_guard lock(mutex);
    return facts.size();
  }
  bool max_pods_are(int count) {
    const auto now = last();
    return now && now->max_pods == count;
  }

  TestKubernetes api;
  JumpingClock clock;
  base::Log log{[](std::string_view) {}, base::Level::debug, clock};
  std::mutex mutex;
  std::vector<NodeFacts> facts;
  std::unique_ptr<Cluster> cluster;
};

k8s::Node node_with(int capacity) {
  return {"node-1", {{"zone", "a"}}, {}, {}, capacity};
}

Result<> await(const Site& site, TestKubernetes& api) {
  return await_api_server(api, site.clock, site.log, {});
}

}  // namespace

TEST_CASE("cluster: which settings need the API server") {
  settings::Settings set;
  CHECK_FALSE(needs_api_server(set));
  set.annotate_pod_ip = true;
  CHECK(needs_api_server(set));
  set = {};
  set.custom_networking = true;
  CHECK(needs_api_server(set));
  set = {};
  set.enable_pod_eni = true;
  CHECK(needs_api_server(set));
}

TEST_CASE("cluster: time-outs are waited for without end, any other error ends the wait") {
  Site site;
  site.api.fail_next(std::vector<Error>(1000, {Errc::timeout, "no answer"}));
  CHECK(await(site, site.api));
  CHECK(site.clock.now().steady.time_since_epoch() == seconds(2) * 1000);
  for (const Errc code : {Errc::unavailable, Errc::denied, Errc::corrupt, Errc::not_found}) {
    site.api.fail_next({{Errc::timeout, "no answer"}, {code, "refused"}});
    const auto done = await(site, site.api);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == code);
    CHECK(done.error().message.find("refused") != std::string::npos);
  }
}

TEST_CASE("cluster: the node's facts, and every change of them, once") {
  Site site;
  site.api.set_node(node_with(29));
  site.open();
  site.follow();
  until([&] { return site.max_pods_are(29); });
  CHECK_FALSE(site.last()->cordoned);
  CHECK(site.last()->labels == std::map<std::string, std::string>{{"zone", "a"}});

  auto node = node_with(29);
  node.taints = {{"node.kubernetes.io/unschedulable", "NoSchedule"}};
  node.annotations = {{"vpc.amazonaws.com/warm-ip-target", "3"}};
  site.api.set_node(node);
  until([&] { return site.last()->cordoned; });
  CHECK(site.last()->annotations.size() == 1);
  const auto told = site.told();
  site.api.set_node(node);  // nothing new
  node.taints.front().effect = "NoExecute";
  site.api.set_node(node);
  until([&] { return !site.last()->cordoned; });
  CHECK(site.told() == told + 1);
}

TEST_CASE("cluster: pods on the host's network take no address of the pool") {
  Site site;
  site.api.set_node(node_with(29));
  site.api.set_pod({"kube-system", "aws-node-1", "u1", {}, true, false});
  site.api.set_pod({"team", "web", "u2", {}, false, false});
  site.open();
  site.follow();
  until([&] { return site.max_pods_are(28); });
  site.api.set_pod({"kube-system", "kube-proxy-1", "u3", {}, true, false});
  until([&] { return site.max_pods_are(27); });
  site.api.set_pod({"kube-system", "kube-proxy-1", "u3", {}, true, true});  // has ended
  until([&] { return site.max_pods_are(28); });
  site.api.remove_pod("kube-system", "aws-node-1");
  until([&] { return site.max_pods_are(29); });
}

TEST_CASE("cluster: a list of pods counts as a whole") {
  Site site;
  for (int number = 0; number < 5; ++number) {
    site.api.list_pod({"kube-system", "host-" + std::to_string(number), "u", {}, true, false});
  }
  site.api.set_node(node_with(29));
  site.open();
  site.follow();
  until([&] { return site.max_pods_are(24); });
  for (const auto& facts : site.all()) {
    CHECK((facts.max_pods == 29 || facts.max_pods == 24));
  }
}

TEST_CASE("cluster: a node without a capacity has none, rather than 0 pods") {
  Site site;
  auto node = node_with(0);
  node.pod_capacity = std::nullopt;
  site.api.set_node(node);
  site.open();
  site.follow();
  until([&] { return site.last().has_value(); });
  CHECK_FALSE(site.last()->max_pods);
}

TEST_CASE("cluster: without the node's name nothing is asked for") {
  Site site;
  site.api.set_node(node_with(29));
  site.open({"", "aws-node-1", false});
  site.follow();
  site.cluster->post_event("Reason", "Action", "note");
  until([&] { return site.api.events().size() == 1; });
  CHECK(site.api.watches() == 0);
  CHECK(site.api.calls() == 0);
  CHECK_FALSE(site.last());
}

TEST_CASE("cluster: a permission that is missing is one event of our own pod") {
  Site site;
  site.api.set_pod({"kube-system", "aws-node-1", "u1", {}, true, false});
  auto& cluster = site.open();
  for (int i = 0; i < 50; ++i) {
    cluster.missing_permission("CreateTags");
  }
  cluster.missing_permission("AttachNetworkInterface");
  until([&] { return site.api.events().size() == 2; });
  const auto event = site.api.events().front().what;
  CHECK(event.name_space == "kube-system");
  CHECK(event.regarding_pod == "aws-node-1");
  CHECK(event.regarding_uid == "u1");
  CHECK(event.type == "Warning");
  CHECK(event.reason == "MissingIAMPermissions");
  CHECK(event.action == "ec2:CreateTags");
  CHECK(event.note.find("ec2:CreateTags") != std::string::npos);
  CHECK(site.api.events().back().what.action == "ec2:AttachNetworkInterface");
  // The repeats come as a series.
  site.clock.pass(std::chrono::minutes(5));
  until([&] {
    cluster.tell_repeats();
    return site.api.events().front().count == 50;
  });
}

TEST_CASE("cluster: a failed ADD is an event of the pod, named by its reason") {
  Site site;
  site.api.set_pod({"team", "web", "u2", {}, false, false});
  auto& cluster = site.open({"node-1", "", false});
  cluster.add_failed("team", "web", "SUBNET_EXHAUSTED", "0 free");
  cluster.add_failed("team", "web", "SUBNET_EXHAUSTED", "0 free again");
  cluster.add_failed("team", "unknown", "SUBNET_EXHAUSTED", "0 free");
  cluster.add_failed("", "", "SUBNET_EXHAUSTED", "0 free");
  cluster.post_event("Reason", "Action", "no pod of ours is known");
  cluster.add_failed("team", "web", "POOL_COOLING", "later");
  until([&] { return site.api.events().size() == 3; });
  const auto events = site.api.events();
  CHECK(events[0].what.regarding_pod == "web");
  CHECK(events[0].what.regarding_uid == "u2");
  CHECK(events[0].what.reason == "SUBNET_EXHAUSTED");
  CHECK(events[0].what.note == "0 free");
  CHECK(events[1].what.regarding_pod == "unknown");
  CHECK(events[2].what.reason == "POOL_COOLING");
}

TEST_CASE("cluster: an event that could not be written is written at its next occurrence") {
  Site site;
  auto& cluster = site.open({"node-1", "", false});
  site.api.fail_next({{Errc::not_found, "pod"}, {Errc::unavailable, "down"}});
  cluster.add_failed("team", "web", "POOL_COOLING", "first");
  until([&] {
    cluster.add_failed("team", "web", "POOL_COOLING", "second");
    return !site.api.events().empty();
  });
  CHECK(site.api.events().front().what.note == "second");
}

TEST_CASE("cluster: what was to be told at the end is told") {
  Site site;
  site.open().missing_permission("DescribeNetworkInterfaces");
  site.cluster.reset();
  CHECK(site.api.events().size() == 1);
}

TEST_CASE("cluster: annotations") {
  Site site;
  auto& cluster = site.open();
  const PodAddress web{"team", "web", "10.0.0.7"};
  const auto annotate = [&](const PodAddress& what) {
    std::promise<Result<>> done;
    cluster.annotate(what, [&](const Result<>& answer) { done.set_value(answer); });
    return done.get_future().get();
  };
  const auto clear = [&](const PodAddress& what) {
    std::promise<Result<>> done;
    cluster.clear(what, [&](const Result<>& answer) { done.set_value(answer); });
    return done.get_future().get();
  };
  const Error conflict{Errc::conflict, "changed", "409"};

  const auto missing = annotate(web);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Errc::not_found);
  CHECK(missing.error().message.find("team/web") != std::string::npos);
  CHECK(clear(web));  // a pod that is gone has nothing to clear

  site.api.set_pod({"team", "web", "u2", {}, false, false});
  CHECK(clear(web));  // nor one without the annotation
  CHECK(annotate(web));
  CHECK(site.api.annotation("team", "web") == "10.0.0.7");
  const auto foreign = clear({"team", "web", "10.0.0.8"});
  REQUIRE_FALSE(foreign);
  CHECK(site.api.annotation("team", "web") == "10.0.0.7");
  CHECK(clear(web));
  CHECK(site.api.annotation("team", "web").empty());
  CHECK(clear(web));

  site.api.fail_next({conflict, conflict, conflict});
  CHECK(annotate(web));
  site.api.fail_next({conflict, conflict, conflict, conflict});
  CHECK(annotate(web).error().code == Errc::conflict);
  site.api.fail_next({});
  site.api.fail_next({{Errc::denied, "no patch of pods", "403"}});
  CHECK(annotate(web).error().code == Errc::denied);
}

TEST_CASE("cluster: an annotation has its time from when it was asked for") {
  TestKubernetes api;
  JumpingClock clock;
  const PodAddress web{"team", "web", "10.0.0.7"};
  api.set_pod({"team", "web", "u2", {}, false, false});
  const auto past = clock.now().steady;
  CHECK(annotate_pod(api, clock, web, past, {}).error().code == Errc::timeout);
  CHECK(clear_annotation(api, clock, web, past, {}).error().code == Errc::timeout);
  CHECK(api.calls() == 0);
}

TEST_CASE("the node's ENIConfig, and what is said when it is not there") {
  Site site;
  auto& cluster = site.open();
  settings::Settings set;
  set.eni_config_label = "topology.kubernetes.io/zone";
  const auto why = [&] {
    const auto config = cluster.eni_config(set);
    REQUIRE_FALSE(config);
    CHECK(config.error().cause == ipam::kEniConfigMissing);
    return config.error().message;
  };
  CHECK(why().find("the node object") != std::string::npos);
  k8s::Node node;
  node.name = "node-1";
  site.api.set_node(node);
  CHECK(why().find("\"default\"") != std::string::npos);
  node.labels = {{"topology.kubernetes.io/zone", "us-west-2a"}};
  site.api.set_node(node);
  CHECK(why().find("\"us-west-2a\" (label topology.kubernetes.io/zone) does not exist") !=
        std::string::npos);
  site.api.set_eni_config({"us-west-2a", net::SubnetId("subnet-1"), {}});
  site.api.fail_next({{Errc::unavailable, "the server is down", "503"}});
  CHECK(why().find("cannot be read: the server is down") != std::string::npos);
  const auto config = cluster.eni_config(set);
  REQUIRE(config);
  CHECK(to_string(config->subnet) == "subnet-1");
  // While it runs, the watch tells of another label.
  site.follow();
  until([&] { return site.last().has_value(); });
  node.labels = {{"topology.kubernetes.io/zone", "b"}};
  site.api.set_node(node);
  until([&] { return site.last()->labels.at("topology.kubernetes.io/zone") == "b"; });
  CHECK(why().find("\"b\"") != std::string::npos);
}

TEST_CASE("a feature of the CNINode is added once, beside the others") {
  Site site;
  auto& cluster = site.open();
  CHECK(cluster.add_feature({"SecurityGroupsForPods", ""}).error().code == Errc::not_found);
  site.api.set_cni_node({"node-1", {{"Other", "x"}, {"CustomNetworking", "old"}}, "1"});
  REQUIRE(cluster.add_feature({"SecurityGroupsForPods", ""}));
  REQUIRE(cluster.add_feature({"CustomNetworking", "new"}));
  const std::vector<k8s::CniNode::Feature> wanted = {
      {"Other", "x"}, {"SecurityGroupsForPods", ""}, {"CustomNetworking", "new"}};
  CHECK(site.api.features() == wanted);
  const int calls = site.api.calls();
  REQUIRE(cluster.add_feature({"CustomNetworking", "new"}));
  CHECK(site.api.calls() == calls + 1);  // looked, and changed nothing
}

}  // namespace vpccni::agent
