#include "tests/apiserver/checks.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <mutex>
#include <set>
#include <thread>

namespace vpccni::apiserver {

namespace {

constexpr const char* kPodIps = "vpc.amazonaws.com/pod-ips";

using Names = std::vector<std::pair<std::string, std::string>>;

Names names_of(const std::vector<k8s::Pod>& pods) {
  Names names;
  for (const auto& pod : pods) {
    names.emplace_back(pod.name_space, pod.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// Every call of the edge, with the class of its answer.
std::vector<std::pair<std::string, std::function<Result<>(k8s::Api&)>>> calls() {
  const auto drop = [](const auto& result) -> Result<> {
    if (result) {
      return {};
    }
    return result.error();
  };
  return {
      {"version", [drop](k8s::Api& api) { return drop(api.version()); }},
      {"node", [drop](k8s::Api& api) { return drop(api.node(kNode)); }},
      {"pod", [drop](k8s::Api& api) { return drop(api.pod("team", "web", k8s::kCallLimit)); }},
      {"pods_on_node",
       [drop](k8s::Api& api) { return drop(api.pods_on_node(kNode, k8s::Freshness::latest, {})); }},
      {"list_node", [drop](k8s::Api& api) { return drop(api.list_node(kNode, {})); }},
      {"watch_node",
       [](k8s::Api& api) { return api.watch_node(kNode, "0", [](const auto&) {}, {}); }},
      {"watch_pods",
       [](k8s::Api& api) { return api.watch_pods(kNode, "0", [](const auto&) {}, {}); }},
      {"annotate_pod",
       [](k8s::Api& api) { return api.annotate_pod("team", "web", "k", "v", k8s::kCallLimit); }},
      {"eni_config", [drop](k8s::Api& api) { return drop(api.eni_config("custom")); }},
      {"cni_node", [drop](k8s::Api& api) { return drop(api.cni_node(kNode)); }},
      {"set_features",
       [](k8s::Api& api) {
         return api.set_features({kNode, {}, "1"});
       }},
      {"repeat_event", [](k8s::Api& api) { return api.repeat_event("team", "event", 2); }},
      {"create_event", [drop](k8s::Api& api) {
         return drop(api.create_event(event_of({"team", "web", "uid", {}})));
       }}};
}

/// What a watch on another thread has said so far.
template <class T>
class Heard {
 public:
  k8s::Listener<T> listener() {
    return [this](k8s::Change<T> change) {
      if (change.kind != k8s::Change<T>::Kind::bookmark) {
        const std::lock_guard lock(mutex_);
        changes_.push_back(std::move(change));
      }
    };
  }
  std::vector<k8s::Change<T>> all() {
    const std::lock_guard lock(mutex_);
    return changes_;
  }
  void until(const std::function<bool(const std::vector<k8s::Change<T>>&)>& done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!done(all())) {
      if (std::chrono::steady_clock::now() > limit) {
        FAIL("the watch did not say it");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

 private:
  std::mutex mutex_;
  std::vector<k8s::Change<T>> changes_;  // guarded by mutex_
};

/// A pod that comes to the node and goes, and one elsewhere that is not heard of.
void check_pod_watch(k8s::Api& api, const Changes& changes) {
  const auto listed = api.pods_on_node(kNode, k8s::Freshness::latest, {});
  REQUIRE(code_of(listed) == "success");
  Heard<k8s::Pod> pods;
  std::stop_source stop;
  auto watching = std::async(std::launch::async, [&] {
    return api.watch_pods(kNode, listed->version, pods.listener(), stop.get_token());
  });
  changes.put_pod("guest-elsewhere", "large");
  changes.put_pod("guest", kNode);
  changes.remove_pod("guest-elsewhere");
  changes.remove_pod("guest");
  using Change = k8s::Change<k8s::Pod>;
  pods.until([](const auto& all) { return !all.empty() && all.back().kind == Change::Kind::gone; });
  stop.request_stop();
  (void)watching.get();
  for (const auto& change : pods.all()) {
    CHECK(change.object.name == "guest");
  }
  CHECK(pods.all().front().kind == Change::Kind::present);
}

}  // namespace

const Names& pods_of_node() {
  static const Names names = {{"default", "web"}, {"team", "db.0"}, {"team", "web"}};
  return names;
}

std::string crowd_pod(int number) {
  return "crowd-" + std::to_string(1000 + number);
}

k8s::NewEvent event_of(const k8s::Pod& pod) {
  k8s::NewEvent event;
  event.name_space = pod.name_space;
  event.regarding_pod = pod.name;
  event.regarding_uid = pod.uid;
  event.reason = "MissingIAMPermissions";
  event.action = "ec2:CreateTags";
  event.note = "Unauthorized operation: failed to call ec2:CreateTags";
  return event;
}

void check_version(k8s::Api& api) {
  const auto version = api.version();
  REQUIRE(code_of(version) == "success");
  INFO(*version);
  CHECK(version->starts_with("v1."));
}

void check_node(k8s::Api& api) {
  const auto node = api.node(kNode);
  REQUIRE(code_of(node) == "success");
  CHECK(node->name == kNode);
  CHECK(node->pod_capacity == kPodCapacity);
  const auto missing = api.node("ip-10-0-0-99.us-west-2.compute.internal");
  REQUIRE(code_of(missing) == "not_found");
  CHECK(missing.error().cause == "404");
  CHECK_THAT(missing.error().message, Catch::Contains("ip-10-0-0-99"));
}

void check_pod(k8s::Api& api) {
  std::set<std::string> uids;
  for (const auto& [name_space, name] : pods_of_node()) {
    INFO(name_space << "/" << name);
    const auto pod = api.pod(name_space, name, k8s::kCallLimit);
    REQUIRE(code_of(pod) == "success");
    CHECK(pod->name_space == name_space);
    CHECK(pod->name == name);
    CHECK_FALSE(pod->uid.empty());
    uids.insert(pod->uid);
  }
  CHECK(uids.size() == pods_of_node().size());
  CHECK(code_of(api.pod("team", "unscheduled", k8s::kCallLimit)) == "success");
  CHECK(code_of(api.pod("team", "none", k8s::kCallLimit)) == "not_found");
  CHECK(code_of(api.pod("default", "db.0", k8s::kCallLimit)) == "not_found");
  CHECK(code_of(api.pod("no-such-namespace", "web", k8s::kCallLimit)) == "not_found");
}

void check_pods_on_node(k8s::Api& api) {
  const auto pods = api.pods_on_node(kNode, k8s::Freshness::latest, {});
  REQUIRE(code_of(pods) == "success");
  CHECK(names_of(pods->items) == pods_of_node());
  for (const auto& pod : pods->items) {
    CHECK_FALSE(pod.uid.empty());
  }
  for (const char* node : {"empty", "ip-10-0-0-10"}) {  // a name matches as a whole
    INFO(node);
    const auto none = api.pods_on_node(node, k8s::Freshness::latest, {});
    REQUIRE(code_of(none) == "success");
    CHECK(none->items.empty());
  }
}

void check_crowd(k8s::Api& api) {
  const auto pods = api.pods_on_node("crowded", k8s::Freshness::latest, {});
  REQUIRE(code_of(pods) == "success");
  Names expected;
  for (int number = 0; number < kCrowd; ++number) {
    expected.emplace_back("crowd", crowd_pod(number));
  }
  CHECK(names_of(pods->items) == expected);
}

void check_hostile_names(k8s::Api& api) {
  for (const std::string name :
       {"../namespaces/default", "..%2fnamespaces%2fdefault", "..", ".", "a/b", "a?b=c", "a#b",
        "a b", "a\r\nX-Evil: 1", "a&limit=1", "\xc3\xbc", "\xff\xfe", "%", "%00"}) {
    INFO(name);
    CHECK(code_of(api.node(name)) != "success");
    CHECK(code_of(api.pod("team", name, k8s::kCallLimit)) != "success");
    CHECK(code_of(api.pod(name, "web", k8s::kCallLimit)) != "success");
    const auto pods = api.pods_on_node(name, k8s::Freshness::latest, {});
    CHECK((!pods || pods->items.empty()));
  }
  const std::string longest(2000, 'a');
  CHECK(code_of(api.node(longest)) == "not_found");
  CHECK(code_of(api.pod(longest, longest, k8s::kCallLimit)) == "not_found");
  CHECK(code_of(api.node("")) == "invalid_argument");  // would be a list
  CHECK(code_of(api.pod("team", "", k8s::kCallLimit)) == "invalid_argument");
  CHECK(code_of(api.node(std::string(kNode) + "/status")) != "success");
  // A second selector in the name must not widen the first.
  const auto pods =
      api.pods_on_node(std::string(kNode) + "&fieldSelector=", k8s::Freshness::latest, {});
  CHECK((!pods || pods->items.empty()));
}

void check_event(k8s::Api& api, const std::function<std::vector<base::Json>()>& events) {
  const auto pod = api.pod("team", "web", k8s::kCallLimit);
  REQUIRE(code_of(pod) == "success");
  const auto before = events().size();
  auto event = event_of(*pod);
  event.note = "Unauthorized \"operation\"\n\xc3\xbc";
  const auto created = api.create_event(event);
  INFO((created ? "" : created.error().message));
  REQUIRE(created);
  const auto after = events();
  REQUIRE(after.size() == before + 1);
  // Lists are in the order of names, which are random.
  const auto found = std::find_if(after.begin(), after.end(), [&event](const base::Json& some) {
    return base::string_member(some, "note") == event.note;
  });
  REQUIRE(found != after.end());
  CHECK(base::string_member(*found, "type") == "Warning");
  CHECK(base::string_member(*found, "reason") == event.reason);
  CHECK(base::string_member(*found, "action") == event.action);
  CHECK(base::string_member(*found, "reportingController") == "aws-node");
  CHECK(base::string_member(*found, "reportingInstance") == "web");
  const auto* regarding = base::find_member(*found, "regarding");
  REQUIRE(regarding != nullptr);
  CHECK(base::string_member(*regarding, "kind") == "Pod");
  CHECK(base::string_member(*regarding, "name") == "web");
  CHECK(base::string_member(*regarding, "namespace") == "team");
  CHECK(base::string_member(*regarding, "uid") == pod->uid);
  CHECK_THAT(base::string_member(*found, "eventTime"),
             Catch::Matches(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"));
  const auto* metadata = base::find_member(*found, "metadata");
  REQUIRE(metadata != nullptr);
  CHECK(base::string_member(*metadata, "namespace") == "team");
  // The same again is another event, not a conflict.
  CHECK(api.create_event(event));
  CHECK(events().size() == before + 2);
}

void check_watches(k8s::Api& api, const Changes& changes) {
  const auto listed = api.list_node(kNode, {});
  REQUIRE(code_of(listed) == "success");
  REQUIRE(listed->items.size() == 1);
  CHECK(listed->items.front().name == kNode);
  Heard<k8s::Node> nodes;
  std::stop_source stop;
  auto watching = std::async(std::launch::async, [&] {
    return api.watch_node(kNode, listed->version, nodes.listener(), stop.get_token());
  });
  changes.label_node("one");
  changes.label_node("two");
  nodes.until([](const auto& all) { return all.size() >= 2; });
  stop.request_stop();
  (void)watching.get();
  const auto heard = nodes.all();
  CHECK(heard[0].object.labels.at("test") == "one");
  CHECK(heard[1].object.labels.at("test") == "two");
  for (const auto& change : heard) {
    CHECK(change.object.name == kNode);
    CHECK(change.kind == k8s::Change<k8s::Node>::Kind::present);
  }
  // From there again: what came after, and nothing twice.
  Heard<k8s::Node> later;
  std::stop_source end;
  watching = std::async(std::launch::async, [&] {
    return api.watch_node(kNode, heard[0].version, later.listener(), end.get_token());
  });
  later.until([](const auto& all) { return !all.empty(); });
  end.request_stop();
  (void)watching.get();
  CHECK(later.all().front().object.labels.at("test") == "two");
  check_pod_watch(api, changes);
}

void check_too_old(k8s::Api& api) {
  const auto old = api.watch_node(kNode, "1", [](const auto&) {}, {});
  REQUIRE_FALSE(old);
  INFO(old.error().message);
  CHECK(k8s::is_gone(old.error()));
}

void check_custom_objects(k8s::Api& api, const std::function<void()>& touch) {
  const auto config = api.eni_config("custom");
  INFO((config ? "" : config.error().message));
  REQUIRE(config);
  CHECK(to_string(config->subnet) == "subnet-0aa");
  REQUIRE(config->security_groups.size() == 2);
  CHECK(to_string(config->security_groups[1]) == "sg-2");
  CHECK(code_of(api.eni_config("none")) == "not_found");
  CHECK(code_of(api.cni_node("none")) == "not_found");
  auto node = api.cni_node(kNode);
  REQUIRE(node);
  CHECK(node->features.empty());
  node->features = {{"SecurityGroupsForPods", ""}, {"CustomNetworking", "custom"}};
  REQUIRE(code_of(api.set_features(*node)) == "success");
  const auto after = api.cni_node(kNode);
  REQUIRE(after);
  CHECK(after->features == node->features);
  CHECK(after->version != node->version);
  touch();
  CHECK(code_of(api.set_features(*after)) == "conflict");
}

void check_annotation(k8s::Api& api) {
  const auto value = [&api] {
    return api.pod("team", "web", k8s::kCallLimit)->annotations[kPodIps];
  };
  const auto before = api.pod("team", "web", k8s::kCallLimit);
  REQUIRE(before);
  REQUIRE(api.annotate_pod("team", "web", kPodIps, "10.0.0.7", k8s::kCallLimit));
  CHECK(value() == "10.0.0.7");
  REQUIRE(api.annotate_pod("team", "web", kPodIps, "", k8s::kCallLimit));
  const auto after = api.pod("team", "web", k8s::kCallLimit);
  REQUIRE(after);
  CHECK(after->annotations.at(kPodIps).empty());  // there, and empty
  CHECK(after->uid == before->uid);
  if (before->annotations.contains(kPodIps)) {
    CHECK(
        api.annotate_pod("team", "web", kPodIps, before->annotations.at(kPodIps), k8s::kCallLimit));
  }
  const auto missing = api.annotate_pod("team", "none", kPodIps, "x", k8s::kCallLimit);
  CHECK(code_of(missing) == "not_found");
}

void check_series(k8s::Api& api, const std::function<std::vector<base::Json>()>& events) {
  const auto created = api.create_event(event_of({"team", "web", "uid", {}}));
  REQUIRE(code_of(created) == "success");
  for (const int count : {2, 3, 1000}) {
    const auto repeated = api.repeat_event("team", *created, count);
    INFO((repeated ? "" : repeated.error().message));
    REQUIRE(repeated);
    int found = 0;
    for (const auto& event : events()) {
      if (base::string_member(event["metadata"], "name") == *created) {
        CHECK(base::integer_member(event["series"], "count") == count);
        ++found;
      }
    }
    CHECK(found == 1);
  }
  CHECK(code_of(api.repeat_event("team", "none", 2)) == "not_found");
}

void check_all_fail(k8s::Api& api, const std::string& code, double seconds) {
  for (const auto& [name, call] : calls()) {
    INFO(name);
    const auto start = std::chrono::steady_clock::now();
    const auto result = call(api);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    INFO((result ? "" : result.error().message));
    CHECK(code_of(result) == code);
    CHECK(took.count() < seconds);
  }
}

void check_all_refused(k8s::Api& api, const std::string& status) {
  for (const auto& [name, call] : calls()) {
    INFO(name);
    const auto result = call(api);
    INFO((result ? "" : result.error().message));
    REQUIRE(code_of(result) == "denied");
    CHECK(result.error().cause == status);
  }
}

}  // namespace vpccni::apiserver
