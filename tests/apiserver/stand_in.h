#pragma once
// The Kubernetes stand-in of the other tests behind plain HTTP, in this process.

#include <future>
#include <thread>

#include "k8s/api_http.h"
#include "tests/apiserver/checks.h"
#include "tests/vpc/kubernetes_face.h"

namespace vpccni::apiserver {

class StandIn {
 public:
  StandIn()
      : face_(loop_),
        server_(loop_, [this](const auto& request, auto to) { face_.handle(request, to); }) {
    face_.add_node(kNode, kPodCapacity);
    for (const auto& [name_space, name] : pods_of_node()) {
      face_.put_pod(name_space, name, kNode);
    }
    face_.put_pod("team", "elsewhere", "large");
    face_.put_pod("team", "unscheduled", "");
    for (int number = 0; number < kCrowd; ++number) {
      face_.put_pod("crowd", crowd_pod(number), "crowded");
    }
    face_.add_cni_node(kNode);
    face_.put_eni_config("custom",
                         {{"subnet", "subnet-0aa"}, {"securityGroups", {"sg-1", "sg-2"}}});
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
  const std::string& url() const { return url_; }
  Changes changes() {
    return {[this](const std::string& value) {
              on_loop([&] {
                face_.patch_node(kNode, {{"metadata", {{"labels", {{"test", value}}}}}});
              });
            },
            [this](const std::string& name, const std::string& node) {
              on_loop([&] { face_.put_pod("team", name, node); });
            },
            [this](const std::string& name) { on_loop([&] { face_.remove_pod("team", name); }); }};
  }
  void touch_cni_node() {
    on_loop([this] {
      face_.patch_object("cninodes", {"", kNode}, {{"metadata", {{"labels", {{"a", "b"}}}}}});
    });
  }
  void set(const vpc::KubernetesFaults& faults) {
    on_loop([this, &faults] { face_.set_faults(faults); });
  }
  std::vector<base::Json> events() {
    std::vector<base::Json> events;
    on_loop([this, &events] { events = face_.events(); });
    return events;
  }

  void on_loop(const std::function<void()>& task) {
    std::promise<void> done;
    loop_.post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }
  vpc::KubernetesFace& face() { return face_; }  // on the loop only

 private:
  base::SystemClock clock_;
  event::Loop loop_;
  vpc::KubernetesFace face_;
  http::Server server_;
  std::string url_;
  std::thread thread_;
};

}  // namespace vpccni::apiserver
