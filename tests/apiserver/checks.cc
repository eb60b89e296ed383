#include "tests/apiserver/checks.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <set>

namespace vpccni::apiserver {

namespace {

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
  return {{"version", [drop](k8s::Api& api) { return drop(api.version()); }},
          {"node", [drop](k8s::Api& api) { return drop(api.node(kNode)); }},
          {"pod", [drop](k8s::Api& api) { return drop(api.pod("team", "web")); }},
          {"pods_on_node", [drop](k8s::Api& api) { return drop(api.pods_on_node(kNode)); }},
          {"create_event", [](k8s::Api& api) {
             return api.create_event(event_of({"team", "web", "uid", {}}));
           }}};
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
    const auto pod = api.pod(name_space, name);
    REQUIRE(code_of(pod) == "success");
    CHECK(pod->name_space == name_space);
    CHECK(pod->name == name);
    CHECK_FALSE(pod->uid.empty());
    uids.insert(pod->uid);
  }
  CHECK(uids.size() == pods_of_node().size());
  CHECK(code_of(api.pod("team", "unscheduled")) == "success");
  CHECK(code_of(api.pod("team", "none")) == "not_found");
  CHECK(code_of(api.pod("default", "db.0")) == "not_found");
  CHECK(code_of(api.pod("no-such-namespace", "web")) == "not_found");
}

void check_pods_on_node(k8s::Api& api) {
  const auto pods = api.pods_on_node(kNode);
  REQUIRE(code_of(pods) == "success");
  CHECK(names_of(*pods) == pods_of_node());
  for (const auto& pod : *pods) {
    CHECK_FALSE(pod.uid.empty());
  }
  for (const char* node : {"empty", "ip-10-0-0-10"}) {  // a name matches as a whole
    INFO(node);
    const auto none = api.pods_on_node(node);
    REQUIRE(code_of(none) == "success");
    CHECK(none->empty());
  }
}

void check_crowd(k8s::Api& api) {
  const auto pods = api.pods_on_node("crowded");
  REQUIRE(code_of(pods) == "success");
  Names expected;
  for (int number = 0; number < kCrowd; ++number) {
    expected.emplace_back("crowd", crowd_pod(number));
  }
  CHECK(names_of(*pods) == expected);
}

void check_hostile_names(k8s::Api& api) {
  for (const std::string name :
       {"../namespaces/default", "..%2fnamespaces%2fdefault", "..", ".", "a/b", "a?b=c", "a#b",
        "a b", "a\r\nX-Evil: 1", "a&limit=1", "\xc3\xbc", "\xff\xfe", "%", "%00"}) {
    INFO(name);
    CHECK(code_of(api.node(name)) != "success");
    CHECK(code_of(api.pod("team", name)) != "success");
    CHECK(code_of(api.pod(name, "web")) != "success");
    const auto pods = api.pods_on_node(name);
    CHECK((!pods || pods->empty()));
  }
  const std::string longest(2000, 'a');
  CHECK(code_of(api.node(longest)) == "not_found");
  CHECK(code_of(api.pod(longest, longest)) == "not_found");
  CHECK(code_of(api.node("")) == "invalid_argument");  // would be a list
  CHECK(code_of(api.pod("team", "")) == "invalid_argument");
  CHECK(code_of(api.node(std::string(kNode) + "/status")) != "success");
  // A second selector in the name must not widen the first.
  const auto pods = api.pods_on_node(std::string(kNode) + "&fieldSelector=");
  CHECK((!pods || pods->empty()));
}

void check_event(k8s::Api& api, const std::function<std::vector<base::Json>()>& events) {
  const auto pod = api.pod("team", "web");
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
