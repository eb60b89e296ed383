// What the agent reads and holds does not grow with the cluster: 10,000 nodes and 10,000 pods of
// others in the stand-in cost the client neither bytes nor memory.

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>

#include "k8s/follow.h"
#include "tests/apiserver/stand_in.h"

namespace vpccni::apiserver {
namespace {

constexpr int kForeign = 10000;

/// Counts what comes in.
class CountingClient final : public http::Client {
 public:
  explicit CountingClient(std::atomic<long>& bytes) : bytes_(bytes) {}
  Result<http::Response> send(const http::Request& request, const std::stop_token& stop) override {
    auto response = client_->send(request, stop);
    bytes_ += response ? static_cast<long>(response->body.size()) : 0;
    return response;
  }
  Result<http::Response> stream(const http::Request& request, const http::Chunk& chunk,
                                const std::stop_token& stop) override {
    return client_->stream(
        request,
        [&](std::string_view part) {
          bytes_ += static_cast<long>(part.size());
          return chunk(part);
        },
        stop);
  }

 private:
  std::atomic<long>& bytes_;
  std::unique_ptr<http::Client> client_ = http::make_curl_client({});
};

struct Cost {
  long bytes = 0;
  long grown = 0;  // resident pages
};

/// Of this process; what a fork inherited counts.
long resident_pages() {
  long pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;
  return pages;
}

/// In a process of its own: follows node and pods at `port` until the node's label says "end".
void follow_as_child(int port, int answer) {
  const long before = resident_pages();
  std::atomic<long> bytes = 0;
  const base::SystemClock clock;
  k8s::ApiHttp api(std::make_unique<CountingClient>(bytes), clock,
                   {"http://127.0.0.1:" + std::to_string(port), "", "", "test"});
  std::stop_source stop;
  const auto random = [] { return 0.0; };
  std::jthread pods([&] {
    const k8s::Follower<k8s::Pod> follower{[](const auto&) {}, [](const auto&, bool) {},
                                           [](const auto&) {}};
    k8s::follow_pods(api, clock, random, kNode, follower, stop.get_token());
  });
  const auto look = [&](const k8s::Node& node) {
    const auto label = node.labels.find("test");
    if (label != node.labels.end() && label->second == "end") {
      stop.request_stop();
    }
  };
  const k8s::Follower<k8s::Node> follower{
      [&](const std::vector<k8s::Node>& nodes) { look(nodes.at(0)); },
      [&](const k8s::Node& node, bool) { look(node); }, [](const auto&) {}};
  k8s::follow_node(api, clock, random, kNode, follower, stop.get_token());
  pods.join();
  const Cost cost{bytes, resident_pages() - before};
  (void)!::write(answer, &cost, sizeof(cost));
}

Cost cost_among(int foreign) {
  int port_pipe[2];
  int answer_pipe[2];
  REQUIRE(::pipe(port_pipe) == 0);
  REQUIRE(::pipe(answer_pipe) == 0);
  const pid_t child = ::fork();  // before this process has threads
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(port_pipe[1]);  // the parent's end then means that it has gone
    int port = 0;
    if (::read(port_pipe[0], &port, sizeof(port)) == sizeof(port)) {
      follow_as_child(port, answer_pipe[1]);
    }
    ::_exit(0);
  }
  ::close(answer_pipe[1]);
  {
    StandIn stand_in;
    const auto name = [](int number) { return "foreign-" + std::to_string(number); };
    stand_in.on_loop([&] {
      for (int number = 0; number < foreign; ++number) {
        stand_in.face().add_node(name(number), 110);
        stand_in.face().put_pod("foreign", name(number), name(number));
      }
    });
    const int port = std::stoi(stand_in.url().substr(stand_in.url().rfind(':') + 1));
    REQUIRE(::write(port_pipe[1], &port, sizeof(port)) == sizeof(port));
    const auto watched = [&stand_in] {
      std::size_t count = 0;
      stand_in.on_loop([&] { count = stand_in.face().watches(); });
      return count == 2;
    };
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!watched() && std::chrono::steady_clock::now() < limit) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    CHECK(watched());
    // Others' changes are not heard; ours are.
    stand_in.on_loop([&] {
      for (int number = 0; number < foreign; ++number) {
        stand_in.face().patch_node(name(number), {{"metadata", {{"labels", {{"a", "b"}}}}}});
        stand_in.face().remove_pod("foreign", name(number));
      }
    });
    stand_in.changes().label_node("end");
    Cost cost;
    CHECK(::read(answer_pipe[0], &cost, sizeof(cost)) == sizeof(cost));
    for (const int fd : {port_pipe[0], port_pipe[1], answer_pipe[0]}) {
      ::close(fd);
    }
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    return cost;
  }
}

}  // namespace

TEST_CASE("crowd: 10,000 pods and nodes of others cost the client nothing", "[crowd]") {
  const Cost alone = cost_among(0);
  const Cost crowded = cost_among(kForeign);
  const long page = ::sysconf(_SC_PAGESIZE);
  WARN("bytes read " << alone.bytes << " and " << crowded.bytes << "; memory grown by "
                     << alone.grown * page / 1024 << " and " << crowded.grown * page / 1024
                     << " KiB");
  REQUIRE(alone.bytes > 0);
  // Versions are longer numbers in the larger cluster.
  CHECK(crowded.bytes - alone.bytes < 200);
  CHECK((crowded.grown - alone.grown) * page < 1024 * 1024);
}

}  // namespace vpccni::apiserver
