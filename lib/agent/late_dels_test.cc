#include "agent/late_dels.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

namespace vpccni::agent {

namespace {

/// A host with pod routes and rules.
class Host final : public Kernel {
 public:
  Result<podnet::EniTable> route_table(net::NetworkCard, const net::Ip&, net::DeviceIndex,
                                       int) override {
    return Error{Errc::unsupported, "no ENIs here"};
  }
  Result<> set_up_eni(const podnet::EniNetwork&) override { return {}; }
  Result<> delete_rules_from(const net::Ip&) override { return {}; }
  Result<> update_chains(const podnet::HostNetwork&) override { return {}; }
  Result<podnet::HostPods> host_pods() override {
    const std::lock_guard lock(mutex);
    if (blind) {
      return Error{Errc::internal, "netlink fails"};
    }
    return pods;
  }
  Result<> remove_pod_rules(const net::Ip& address) override {
    const std::lock_guard lock(mutex);
    std::erase(pods.ruled, address);
    return {};
  }

  std::mutex mutex;
  bool blind = false;
  podnet::HostPods pods;
};

/// An agent that holds addresses by container, and the journal of its node.
struct Site {
  Site() {
    char name[] = "/tmp/late-dels-XXXXXX";
    directory = ::mkdtemp(name);
  }
  ~Site() { std::filesystem::remove_all(directory); }

  rpc::ReleaseJournal journal() const { return rpc::ReleaseJournal(directory); }
  void put(const std::string& container) const {
    ::rpc::DelNetworkRequest request;
    request.set_containerid(container);
    request.set_ifname("eth0");
    REQUIRE(journal().put(request));
  }
  std::size_t records() const { return journal().read()->records.size(); }

  /// One look with all that follows from it.
  void look(const std::function<void()>& meanwhile = [] {}) {
    Worker worker;
    LateDels late(loop, worker, host, log, journal(),
                  {[this](const auto& request) {
                     const auto at = held.find(request.containerid());
                     return at == held.end() ? std::vector<net::Ip>() : std::vector{at->second};
                   },
                   [this](std::string_view bytes, rpc::Done done) {
                     ::rpc::DelNetworkRequest request;
                     REQUIRE(request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
                     if (disk_full) {
                       done({rpc::Code::unknown, "checkpoint: no space left"}, {});
                       return;
                     }
                     held.erase(request.containerid());
                     done({}, {});
                   }});
    late.look();
    taken = late.takes(address);
    meanwhile();
    // The worker's answer comes by the loop, behind it the end.
    worker.post([this](const std::stop_token&) { loop.post([this] { loop.stop(); }); });
    loop.run([] {});
  }

  std::string directory;
  event::Loop loop;
  base::SystemClock clock;
  base::Log log{[](std::string_view) {}, base::Level::debug, clock};
  Host host;
  std::map<std::string, net::Ip> held;
  bool disk_full = false;
  bool taken = false;
  const net::Ip address = *net::Ip::parse("10.0.0.7");
};

}  // namespace

TEST_CASE("a pod deleted while no agent answered is forgotten, its rules first") {
  Site site;
  site.held["c1"] = site.address;
  site.host.pods.ruled = {site.address};
  site.put("c1");
  site.look();
  CHECK(site.taken);
  CHECK(site.held.empty());
  CHECK(site.host.pods.ruled.empty());
  CHECK(site.records() == 0);
}

TEST_CASE("while a route leads to the pod, or the kernel says nothing, its address is held") {
  Site site;
  site.held["c1"] = site.address;
  site.host.pods.routes = {{site.address, "eni1234"}};
  site.host.pods.ruled = {site.address};
  site.put("c1");
  site.host.blind = GENERATE(false, true);
  site.look();
  CHECK(site.held.contains("c1"));
  CHECK(site.host.pods.ruled.size() == 1);
  CHECK(site.records() == 1);

  site.host.blind = false;
  site.host.pods.routes.clear();
  site.look();
  CHECK(site.held.empty());
  CHECK(site.records() == 0);
}

TEST_CASE("what is not durable keeps its record; a pod nobody knows needs none") {
  Site site;
  site.held["c1"] = site.address;
  site.put("c1");
  site.disk_full = true;
  site.look();
  CHECK(site.held.contains("c1"));
  CHECK(site.records() == 1);
  site.disk_full = false;
  site.held.clear();
  site.look();
  CHECK_FALSE(site.taken);
  CHECK(site.records() == 0);
}

TEST_CASE("an ADD of the same sandbox that takes the record away keeps its address") {
  Site site;
  site.held["c1"] = site.address;
  site.put("c1");
  site.look([&] { REQUIRE(site.journal().forget("c1", "eth0")); });
  CHECK(site.held.contains("c1"));
}

}  // namespace vpccni::agent
