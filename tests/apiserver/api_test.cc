// lib/k8s against a real kube-apiserver; scripts/test-apiserver starts it and runs this.

#include <sys/mount.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/files.h"
#include "k8s/follow.h"
#include "tests/apiserver/checks.h"
#include "tests/apiserver/real_cluster.h"

namespace vpccni::apiserver {
namespace {

constexpr const char* kServiceAccount = "/run/secrets/kubernetes.io/serviceaccount";

void make_crowd(const RealCluster& cluster) {
  const auto pods = cluster.admin("GET", "/api/v1/namespaces/crowd/pods?limit=1");
  if (!pods["items"].empty()) {
    return;
  }
  for (int number = 0; number < kCrowd; ++number) {
    cluster.admin("POST", "/api/v1/namespaces/crowd/pods", tiny_pod(crowd_pod(number), "crowded"));
  }
}

/// A token file that changes as a pod's does: a link to a directory is replaced.
class RotatingToken {
 public:
  explicit RotatingToken(const RealCluster& cluster)
      : directory_(cluster.file("rotating")), cluster_(cluster) {
    std::filesystem::create_directories(directory_);
  }
  ~RotatingToken() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  RotatingToken(const RotatingToken&) = delete;
  RotatingToken& operator=(const RotatingToken&) = delete;

  void rotate(const std::string& text) {
    const std::string data = "data_" + std::to_string(++turn_);
    std::filesystem::create_directories(directory_ / data);
    std::ofstream(directory_ / data / "token") << text;
    std::filesystem::create_symlink(data, directory_ / "new");
    std::filesystem::rename(directory_ / "new", directory_ / "data");
  }
  void rotate_to(const std::string& file) { rotate(*base::read_file(cluster_.file(file))); }
  std::string path() const { return directory_ / "data" / "token"; }

 private:
  std::filesystem::path directory_;
  const RealCluster& cluster_;
  int turn_ = 0;
};

}  // namespace

TEST_CASE("real: reads") {
  const RealCluster cluster;
  auto api = cluster.api();
  check_version(api);
  check_node(api);
  check_pod(api);
  check_pods_on_node(api);
  check_hostile_names(api);
}

TEST_CASE("real: all of a node and of a pod") {
  const RealCluster cluster;
  auto api = cluster.api();
  const auto node = api.node(kNode);
  REQUIRE(node);
  CHECK(node->labels ==
        std::map<std::string, std::string>{{"topology.kubernetes.io/zone", "us-west-2a"},
                                           {"node.kubernetes.io/instance-type", "m5.large"},
                                           {"vpc.amazonaws.com/externalEniConfig", ""}});
  CHECK(node->annotations == std::map<std::string, std::string>{
                                 {"k8s.amazonaws.com/eniConfig", "us-west-2a \"\xc3\xbc\""}});
  std::map<std::string, std::string> taints;
  for (const auto& taint : node->taints) {
    taints[taint.key] = taint.effect;
  }
  CHECK(taints["team"] == "NoExecute");
  CHECK(taints["node.kubernetes.io/not-ready"] == "NoSchedule");  // the admission's own
  const auto pod = api.pod("team", "web", k8s::kCallLimit);
  REQUIRE(pod);
  CHECK(pod->annotations ==
        std::map<std::string, std::string>{{"vpc.amazonaws.com/pod-ips", "10.0.0.11"}});

  // A node before its kubelet reported, and one with a capacity that is written with a suffix.
  const auto fresh = api.node("new");
  REQUIRE(fresh);
  CHECK_FALSE(fresh->pod_capacity);
  const auto large = cluster.admin("GET", "/api/v1/nodes/large");
  CHECK(large["status"]["capacity"]["pods"] == "1k");
  CHECK(api.node("large")->pod_capacity == 1000);
}

TEST_CASE("real: more pods than one page") {
  const RealCluster cluster;
  make_crowd(cluster);
  const auto page =
      cluster.admin("GET", "/api/v1/pods?limit=500&fieldSelector=spec.nodeName%3Dcrowded");
  REQUIRE(page["items"].size() == 500);
  REQUIRE_FALSE(base::string_member(page["metadata"], "continue").empty());
  auto api = cluster.api();
  check_crowd(api);
  check_pods_on_node(api);
}

TEST_CASE("real: events") {
  const RealCluster cluster;
  auto api = cluster.api();
  const auto events = [&cluster] { return cluster.events("team"); };
  check_event(api, events);

  // At the limits of what the API server validates.
  const auto pod = api.pod("team", "web", k8s::kCallLimit);
  REQUIRE(pod);
  for (const std::string& note :
       {std::string(1024, 'x'), std::string(5000, 'x'), std::string(1023, 'x') + "\xc3\xbc",
        std::string(1022, 'x') + "\xe2\x82\xac", std::string(1100, '\xff'), std::string("\0\1", 2),
        std::string()}) {
    auto event = event_of(*pod);
    event.note = note;
    const auto before = events().size();
    const auto created = api.create_event(event);
    INFO(note.size() << (created ? "" : ": " + created.error().message));
    CHECK(created);
    CHECK(events().size() == before + 1);
  }
  auto event = event_of({"team", std::string(250, 'p'), "uid", {}});  // no such pod: no matter
  const auto created = api.create_event(event);
  INFO((created ? "" : created.error().message));
  CHECK(created);

  event = event_of(*pod);
  event.name_space = "no-such-namespace";
  CHECK(code_of(api.create_event(event)) == "not_found");
  event = event_of(*pod);
  event.type = "Odd";
  const auto odd = api.create_event(event);
  REQUIRE(code_of(odd) == "invalid_argument");
  CHECK(odd.error().cause == "422");
  CHECK_THAT(odd.error().message, Catch::Contains("type"));
}

TEST_CASE("real: who may not") {
  const RealCluster cluster;
  const std::string garbage = cluster.file("garbage.token");
  std::ofstream(garbage) << "garbage";
  auto bad = cluster.api("garbage.token");
  check_all_refused(bad, "401");

  // Signed by this cluster, then changed; and the token of a user that no role names.
  auto text = *base::read_file(cluster.file("agent.token"));
  text[text.size() / 2] = text[text.size() / 2] == 'A' ? 'B' : 'A';
  std::ofstream(garbage) << text;
  check_all_refused(bad, "401");
  auto stranger = cluster.api("stranger.token");
  check_version(stranger);  // for everybody who is authenticated
  const auto node = stranger.node(kNode);
  REQUIRE(code_of(node) == "denied");
  CHECK(node.error().cause == "403");
  CHECK_THAT(node.error().message, Catch::Contains("cannot get resource \"nodes\""));
  CHECK(code_of(stranger.node("none")) == "denied");  // not whether it is there
  CHECK(code_of(stranger.pod("team", "web", k8s::kCallLimit)) == "denied");
  CHECK(code_of(stranger.pods_on_node(kNode, k8s::Freshness::latest, {})) == "denied");
  CHECK(code_of(stranger.create_event(event_of({"team", "web", "uid", {}}))) == "denied");

  auto team = cluster.api("team.token");
  CHECK(code_of(team.pod("team", "web", k8s::kCallLimit)) == "success");
  CHECK(code_of(team.pod("team", "none", k8s::kCallLimit)) == "not_found");
  CHECK(code_of(team.pod("default", "web", k8s::kCallLimit)) == "denied");
  CHECK(code_of(team.pods_on_node(kNode, k8s::Freshness::latest, {})) == "denied");

  auto anonymous = cluster.api("none.token");
  CHECK(code_of(anonymous.node(kNode)) == "denied");
}

TEST_CASE("real: upstream's role gives what the agent needs and little else") {
  const RealCluster cluster;
  const auto status_of = [&cluster](const std::string& method, const std::string& path,
                                    const base::Json& body = {}) {
    int status = 0;
    cluster.request("agent.token", method, path, body, status);
    return status;
  };
  CHECK(status_of("GET", "/api/v1/namespaces/team") == 200);
  CHECK(status_of("GET", "/api/v1/namespaces/kube-system/secrets") == 403);
  CHECK(status_of("GET", "/api/v1/namespaces/kube-system/configmaps") == 403);
  CHECK(status_of("POST", "/api/v1/namespaces/team/pods", tiny_pod("mine", kNode)) == 403);
  CHECK(status_of("DELETE", "/api/v1/namespaces/team/pods/web") == 403);
  // The role as it is does not suffice to annotate pods.
  int status = 0;
  cluster.request("agent.token", "PATCH", "/api/v1/namespaces/team/pods/web", {}, status);
  CHECK(status == 403);
}

TEST_CASE("real: watches") {
  const RealCluster cluster;
  auto api = cluster.api();
  check_watches(api, cluster.changes());
}

TEST_CASE("real: a follower lives through the death of the server") {
  const RealCluster cluster;
  auto api = cluster.api("vpccni.token");
  const base::SystemClock clock;
  std::mutex mutex;
  std::string label;
  const auto keep = [&](const k8s::Node& node) {
    const std::lock_guard lock(mutex);
    label = node.labels.at("test");
  };
  const k8s::Follower<k8s::Node> follower{
      [&](const std::vector<k8s::Node>& nodes) { keep(nodes.at(0)); },
      [&](const k8s::Node& node, bool) { keep(node); }, [](const Error&) {}};
  cluster.changes().label_node("before");
  const std::jthread thread([&](const std::stop_token& stop) {
    k8s::follow_node(
        api, clock, [] { return 0.0; }, kNode, follower, stop);
  });
  const auto follows = [&](const std::string& value) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < limit) {
      {
        const std::lock_guard lock(mutex);
        if (label == value) {
          return true;
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  };
  CHECK(follows("before"));
  cluster.changes().label_node("alive");
  CHECK(follows("alive"));
  for (int turn = 0; turn < 2; ++turn) {
    cluster.control("stop");
    cluster.control("start");
    cluster.changes().label_node("again-" + std::to_string(turn));
    CHECK(follows("again-" + std::to_string(turn)));
  }
}

TEST_CASE("real: with upstream's role every call is allowed but the annotation of a pod") {
  const RealCluster cluster;
  auto api = cluster.api("agent.token");
  check_node(api);
  check_pod(api);
  check_pods_on_node(api);
  check_watches(api, cluster.changes());
  check_series(api, [&cluster] { return cluster.events("team"); });
  const auto refused = api.annotate_pod("team", "web", "a", "b", k8s::kCallLimit);
  REQUIRE(code_of(refused) == "denied");
  CHECK(refused.error().cause == "403");
  CHECK_THAT(refused.error().message, Catch::Contains("cannot patch resource \"pods\""));
}

TEST_CASE("real: our role suffices, and lacks what annotations need until it is added") {
  const RealCluster cluster;
  auto api = cluster.api("vpccni.token");
  check_version(api);
  check_node(api);
  check_pod(api);
  check_pods_on_node(api);
  check_watches(api, cluster.changes());
  const auto events = [&cluster] { return cluster.events("team"); };
  check_event(api, events);
  check_series(api, events);
  CHECK(code_of(api.annotate_pod("team", "web", "a", "b", k8s::kCallLimit)) == "denied");
  auto annotating = cluster.api("annotating.token");
  check_annotation(annotating);
}

TEST_CASE("real: the server must prove who it is") {
  const RealCluster cluster;
  check_all_fail(*std::make_unique<k8s::ApiHttp>(cluster.api("agent.token", "other-ca.crt")),
                 "denied", 5);
  // The cluster's CA, but not for this name.
  auto config = cluster.config();
  config.url.replace(config.url.find("127.0.0.1"), 9, "127.0.0.2");
  auto misnamed = cluster.api(config);
  CHECK(code_of(misnamed.version()) == "denied");
  // No CA file: the machine's roots, which do not know this CA.
  auto rootless = cluster.api("agent.token", "none.crt");
  CHECK(code_of(rootless.version()) == "denied");
  std::ofstream(cluster.file("empty.crt"));
  auto empty = cluster.api("agent.token", "empty.crt");
  CHECK(code_of(empty.version()) == "denied");
  std::ofstream(cluster.file("garbage.crt")) << "garbage";
  auto garbage = cluster.api("agent.token", "garbage.crt");
  CHECK(code_of(garbage.version()) == "denied");
  // TLS on the one side only.
  config = cluster.config();
  config.url.replace(0, 5, "http");
  auto plain = cluster.api(config);
  CHECK(code_of(plain.node(kNode)) == "invalid_argument");  // 400: sent to an HTTPS server
}

TEST_CASE("real: the machine's roots do not count beside the cluster's CA") {
  const RealCluster cluster;
  // In the mount namespace of this run only.
  const std::string roots = "/etc/ssl/certs";
  REQUIRE(::mount("tmpfs", roots.c_str(), "tmpfs", 0, nullptr) == 0);
  std::filesystem::copy_file(cluster.file("ca.crt"), roots + "/ca.pem");
  const bool hashed = std::system("openssl rehash /etc/ssl/certs") == 0;
  auto api = cluster.api("agent.token", "other-ca.crt");
  const auto version = api.version();
  CHECK(::umount(roots.c_str()) == 0);
  REQUIRE(hashed);
  CHECK(code_of(version) == "denied");
}

TEST_CASE("real: a token that rotates") {
  const RealCluster cluster;
  RotatingToken token(cluster);
  auto config = cluster.config();
  config.token_file = token.path();
  auto api = cluster.api(config);
  token.rotate_to("stranger.token");
  CHECK(code_of(api.node(kNode)) == "denied");
  token.rotate_to("agent.token");
  CHECK(code_of(api.node(kNode)) == "success");
  token.rotate("expired");
  const auto expired = api.node(kNode);
  REQUIRE(code_of(expired) == "denied");
  CHECK(expired.error().cause == "401");
  token.rotate("");
  CHECK(code_of(api.node(kNode)) == "denied");
  token.rotate("  " + *base::read_file(cluster.file("agent.token")) + "\r\n");
  CHECK(code_of(api.node(kNode)) == "success");
}

TEST_CASE("real: as in a pod") {
  const RealCluster cluster;
  REQUIRE(std::filesystem::exists(std::string(kServiceAccount) + "/token"));
  const std::string port = cluster.url().substr(cluster.url().rfind(':') + 1);
  for (const char* host : {"127.0.0.1", "::1"}) {
    INFO(host);
    const auto config =
        k8s::read_config({{"KUBERNETES_SERVICE_HOST", host}, {"KUBERNETES_SERVICE_PORT", port}});
    REQUIRE(config);
    REQUIRE(*config);
    auto api = cluster.api(**config);
    check_version(api);
    check_node(api);
  }
  for (const std::string& endpoint : {cluster.url(), cluster.url() + "/", "127.0.0.1:" + port}) {
    INFO(endpoint);
    const auto config = k8s::read_config(
        {{"CLUSTER_ENDPOINT", endpoint}, {"KUBERNETES_SERVICE_HOST", "127.0.0.9"}});
    REQUIRE(config);
    REQUIRE(*config);
    auto api = cluster.api(**config);
    CHECK(code_of(api.node(kNode)) == "success");
  }
}

TEST_CASE("real: hung, killed and back") {
  const RealCluster cluster;
  auto api = cluster.api();
  check_node(api);
  cluster.control("pause");
  const auto start = std::chrono::steady_clock::now();
  const auto hung = api.node(kNode);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  auto fresh = cluster.api();  // connects, but no TLS handshake
  const auto unanswered = fresh.version();
  cluster.control("resume");
  CHECK(code_of(hung) == "timeout");
  CHECK(took.count() < 15);
  CHECK(code_of(unanswered) == "timeout");
  check_node(api);

  cluster.control("stop");
  check_all_fail(api, "unavailable", 5);
  cluster.control("start");
  const auto events = [&cluster] { return cluster.events("team"); };
  check_event(api, events);
  check_pods_on_node(api);

  // Killed between two calls, back before the second: the kept connection is dead by then.
  cluster.control("stop");
  cluster.control("start");
  check_event(api, events);
  cluster.control("stop");
  cluster.control("start");
  check_node(api);
  check_too_old(api);
  check_watches(api, cluster.changes());
}

}  // namespace vpccni::apiserver
