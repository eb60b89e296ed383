// Pods with a branch ENI beside the pools: a start does not take their addresses for the pool's,
// and a place on the card that is not ours is not taken.
#include <catch2/catch.hpp>

#include "agent/execute.h"
#include "agent/restore_pods.h"
#include "agent/test_vpc.h"

namespace vpccni::agent {
namespace {

const base::Instant kNow{base::SteadyTime(std::chrono::hours(1)),
                         base::WallTime(std::chrono::seconds(1765972800))};
const std::string kPool = "eni00000000001";
const std::string kBranch = "eni00000000002";

net::Ip ip(const std::string& text) {
  return *net::Ip::parse(text);
}

/// A pod of the pool, and one with a branch ENI in standard mode.
podnet::HostPods host() {
  podnet::HostPods pods;
  pods.links = {"eth0", kPool, kBranch, "vlan.eth.7"};
  pods.routes = {{ip("10.0.0.20"), kPool}, {ip("10.0.0.90"), kBranch}};
  pods.ruled = {ip("10.0.0.20"), ip("10.0.0.90")};
  pods.tables = {{ip("10.0.0.20"), net::TableId(3)}, {ip("10.0.0.90"), net::TableId(107)}};
  return pods;
}

std::vector<std::string> shown(const podnet::HostPods& pods) {
  std::vector<std::string> addresses;
  for (const auto& route : pod_routes(pods, "eni")) {
    addresses.push_back(to_string(route.address));
  }
  return addresses;
}

struct PodsKernel final : Kernel {
  Result<podnet::EniTable> route_table(net::NetworkCard, const net::Ip&, net::DeviceIndex,
                                       int) override {
    return podnet::EniTable{};
  }
  Result<> set_up_eni(const podnet::EniNetwork&) override { return {}; }
  Result<> delete_rules_from(const net::Ip&) override { return {}; }
  Result<> update_chains(const podnet::HostNetwork&) override { return {}; }
  Result<podnet::HostPods> host_pods() override { return pods; }
  podnet::HostPods pods;
};

}  // namespace

TEST_CASE("a branch pod's route is none of the pools'") {
  CHECK(shown(host()) == std::vector<std::string>{"10.0.0.20"});
  auto without_link = host();
  std::erase(without_link.links, "vlan.eth.7");  // then the table is somebody else's
  CHECK(shown(without_link).size() == 2);
  auto other_vlan = host();
  other_vlan.tables[ip("10.0.0.90")] = net::TableId(108);
  CHECK(shown(other_vlan).size() == 2);
  auto without_rule = host();
  without_rule.tables.clear();
  CHECK(shown(without_rule).size() == 2);
}

TEST_CASE("a start without a checkpoint recovers the pool's pods, not those with a branch ENI") {
  ipam::Pools pools(ipam::CoreOptions{}, kNow);
  pools.on(0,
           ipam::EniReady{{.id = net::EniId("eni-1"), .primary = true},
                          {net::Cidr::host(ip("10.0.0.20"))}},
           kNow);
  const auto reports = restore_pods(pools, {}, host(), "eni", kNow);
  REQUIRE(reports.front().recovered.size() == 1);
  CHECK(reports.front().recovered.front().address == ip("10.0.0.20"));
  CHECK(pools.quarantined().empty());
}

TEST_CASE("the rules of an address stay when another pod has it by now") {
  ipam::Pools pools(ipam::CoreOptions{}, kNow);
  Checkpoints checkpoints;
  const auto long_ago = kNow.wall - std::chrono::minutes(10);
  checkpoints[net::NetworkCard(0)].assignments = {
      {ipam::recovered_key("eni0000000000a"), {}, ip("10.0.0.90"), long_ago},
      {ipam::recovered_key("eni0000000000b"), {}, ip("10.0.0.91"), long_ago}};
  const auto reports = restore_pods(pools, checkpoints, host(), "eni", kNow);
  REQUIRE(reports.front().dropped.size() == 1);
  CHECK(reports.front().dropped.front().address == ip("10.0.0.91"));
}

TEST_CASE("a rule that a vanished pod left is no reason to keep its address for a branch pod") {
  test::VpcSite site;
  PodsKernel kernel;
  Edges edges{site.wire.ec2(), site.imds, kernel, site.clock, site.log};
  const auto eni = site.instance.primary_eni;
  (void)site.model.assign({.eni = eni, .count = 1}, site.clock.now());
  const auto address = site.model.find_eni(eni)->addresses.back().ip;
  const ipam::Action release = ipam::Release{eni, {net::Cidr::host(address)}};
  const auto kept = [&]() {
    const auto outcome = execute(edges, site.node, release, site.stop);
    REQUIRE(outcome);
    return std::get<ipam::Released>(*outcome).kept.size();
  };
  kernel.pods = host();
  kernel.pods.ruled = {address};
  kernel.pods.routes.erase(kernel.pods.routes.begin());  // the pool's pod has lost its route
  CHECK(kept() == 1);
  kernel.pods.links = {"vlan.eth.7", "vlan0000000000c"};  // a branch pod in strict mode
  kernel.pods.routes.clear();
  CHECK(kept() == 0);
}

TEST_CASE("an ENI is not attached to a place that is kept for the trunk") {
  test::VpcSite site;
  site.attached(1, "on its way off", {});  // unknown to the store
  const auto before = site.model.enis().size();
  const auto none = create_eni(site.edges, site.node, {.addresses = 1, .places = 2}, site.stop);
  REQUIRE_FALSE(none);
  CHECK(none.error().message.find("no place is left for us") != std::string::npos);
  CHECK(site.model.enis().size() == before);  // the new one is deleted again
  CHECK(create_eni(site.edges, site.node, {.addresses = 1, .places = 3}, site.stop));
}

}  // namespace vpccni::agent
