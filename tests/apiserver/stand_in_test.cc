// The checks of checks.h against the stand-in: plain HTTP, in this process.

#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "k8s/api_http.h"
#include "tests/apiserver/checks.h"
#include "tests/vpc/kubernetes_face.h"

namespace vpccni::apiserver {
namespace {

class StandIn {
 public:
  StandIn() : server_(loop_, [this](const auto& request, auto to) { face_.handle(request, to); }) {
    face_.add_node(kNode, kPodCapacity);
    for (const auto& [name_space, name] : pods_of_node()) {
      face_.put_pod(name_space, name, kNode);
    }
    face_.put_pod("team", "elsewhere", "large");
    face_.put_pod("team", "unscheduled", "");
    for (int number = 0; number < kCrowd; ++number) {
      face_.put_pod("crowd", crowd_pod(number), "crowded");
    }
    url_ = "http://127.0.0.1:" + std::to_string(*server_.listen_tcp("127.0.0.1", 0));
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~StandIn() {
    loop_.stop();
    thread_.join();
  }
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;

  k8s::ApiHttp api() const { return {http::make_curl_client({}), clock_, {url_, "", "", "test"}}; }
  void set(const vpc::KubernetesFaults& faults) {
    on_loop([this, &faults] { face_.faults() = faults; });
  }
  std::vector<base::Json> events() {
    std::vector<base::Json> events;
    on_loop([this, &events] { events = face_.events(); });
    return events;
  }

 private:
  void on_loop(const std::function<void()>& task) {
    std::promise<void> done;
    loop_.post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

  base::SystemClock clock_;
  event::Loop loop_;
  vpc::KubernetesFace face_;
  http::Server server_;
  std::string url_;
  std::thread thread_;
};

}  // namespace

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
