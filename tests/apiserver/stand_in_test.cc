// The checks of checks.h against the stand-in, and what a real server does not do on demand.

#include "tests/apiserver/stand_in.h"

#include <atomic>
#include <catch2/catch.hpp>

#include "k8s/follow.h"
#include "k8s/permissions.h"

namespace vpccni::apiserver {

TEST_CASE("stand-in: reads and events", "[stand-in]") {
  StandIn stand_in;
  auto api = stand_in.api();
  check_version(api);
  check_node(api);
  check_pod(api);
  check_pods_on_node(api);
  check_crowd(api);
  check_hostile_names(api);
  check_event(api, [&stand_in] { return stand_in.events(); });
  check_watches(api, stand_in.changes());
  check_too_old(api);
  check_annotation(api);
  check_custom_objects(api, [&stand_in] { stand_in.touch_cni_node(); });
  check_series(api, [&stand_in] { return stand_in.events(); });
}

TEST_CASE("stand-in: every permission of the table is used, and no other", "[stand-in]") {
  StandIn stand_in;
  auto api = stand_in.api();
  check_node(api);
  check_watches(api, stand_in.changes());
  check_annotation(api);
  check_custom_objects(api, [&stand_in] { stand_in.touch_cni_node(); });
  check_series(api, [&stand_in] { return stand_in.events(); });
  std::set<std::string> wanted;
  for (const auto& each : k8s::kPermissions) {
    wanted.insert(std::string(each.verb) + " " + std::string(each.group) + " " +
                  std::string(each.resource));
  }
  std::set<std::string> asked;
  stand_in.on_loop([&] { asked = stand_in.face().asked(); });
  CHECK(asked == wanted);
}

TEST_CASE("stand-in: a follower lives through every end of a watch", "[stand-in]") {
  StandIn stand_in;
  auto api = stand_in.api();
  const base::SystemClock clock;
  std::mutex mutex;
  std::string label;
  std::atomic<int> listed = 0;
  std::atomic<int> troubles = 0;
  const auto keep = [&](const k8s::Node& node) {
    const std::lock_guard lock(mutex);
    const auto found = node.labels.find("test");
    label = found == node.labels.end() ? "" : found->second;
  };
  const k8s::Follower<k8s::Node> follower{[&](const std::vector<k8s::Node>& nodes) {
                                            ++listed;
                                            keep(nodes.at(0));
                                          },
                                          [&](const k8s::Node& node, bool) { keep(node); },
                                          [&](const Error&) { ++troubles; }};
  std::jthread thread([&](const std::stop_token& stop) {
    k8s::follow_node(
        api, clock, [] { return 0.0; }, kNode, follower, stop);
  });
  const auto follows = [&](const std::string& value) {
    stand_in.changes().label_node(value);
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
  CHECK(follows("first"));
  const int lists = listed;
  stand_in.on_loop([&] { stand_in.face().end_watches(); });
  CHECK(follows("after an orderly end"));
  stand_in.on_loop([&] { stand_in.face().send_bookmarks(); });
  CHECK(follows("after a bookmark"));
  CHECK(listed == lists);
  CHECK(troubles == 0);
  stand_in.on_loop([&] { stand_in.face().forget_history(); });
  CHECK(follows("after the history is gone"));
  CHECK(listed == lists + 1);
  CHECK(troubles == 0);
  stand_in.set({.down = true});
  stand_in.changes().label_node("while it was down");
  stand_in.set({});
  CHECK(follows("after it was down"));
  for (const auto& fault :
       {vpc::KubernetesFaults{.status = 500}, vpc::KubernetesFaults{.status = 401},
        vpc::KubernetesFaults{.status = 410}, vpc::KubernetesFaults{.garbage = true}}) {
    stand_in.set(fault);
    stand_in.on_loop([&] { stand_in.face().end_watches(); });
    const int before = troubles;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    stand_in.set({});
    CHECK(follows("after fault " + std::to_string(fault.status) + std::to_string(before)));
  }
}

TEST_CASE("stand-in: refusals", "[stand-in]") {
  StandIn stand_in;
  auto api = stand_in.api();
  for (const int status : {401, 403}) {
    stand_in.set({.status = status});
    check_all_refused(api, std::to_string(status));
  }
}

TEST_CASE("stand-in: down and back", "[stand-in]") {
  StandIn stand_in;
  auto api = stand_in.api();
  check_node(api);
  stand_in.set({.down = true});
  check_all_fail(api, "unavailable", 5);
  stand_in.set({});
  check_event(api, [&stand_in] { return stand_in.events(); });
  stand_in.set({.black_hole = true});
  CHECK(code_of(api.node(kNode)) == "timeout");
  stand_in.set({});
  check_node(api);
}

}  // namespace vpccni::apiserver
