// On the real kernel, in namespaces that the tests make: needs root.
#include "podnet/host.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "linux/rules.h"
#include "podnet/test_host.h"

namespace vpccni::podnet {

namespace {

const net::Mac& eth1_mac() {
  static const net::Mac value = mac("02:00:00:00:00:02");
  return value;
}

EniNetwork eth1() {
  return {.mac = eth1_mac(),
          .ip = ip("10.0.1.10"),
          .subnet = cidr("10.0.1.0/24"),
          .table = net::TableId(2)};
}

std::string rules() {
  return sh("ip rule | grep -v -e ^0: -e ^32766 -e ^32767 || true");
}

constexpr const char* kTable2 =
    "default via 10.0.1.1 dev eth1\n"
    "10.0.1.1 dev eth1 scope link\n";

}  // namespace

TEST_CASE("a secondary ENI gets its address, table and rule") {
  const TestHost host;
  host.add_enis();
  const std::string main = sh("ip route");
  const auto check = [&] {
    CHECK(sh("ip route show table 2") == kTable2);
    CHECK(sh("ip route") == main);  // in particular no 10.0.1.0/24
    CHECK(sh("ip -4 addr show dev eth1 | grep inet") ==
          "    inet 10.0.1.10/24 brd 10.0.1.255 scope global eth1\n");
    CHECK(sh("ip link show eth1").find("mtu 9001") != std::string::npos);
    CHECK(sh("ip link show up").find("eth1@") != std::string::npos);
    CHECK(rules() == "32765:\tfrom 10.0.1.10 lookup 2\n");
  };
  SECTION("once and again") {
    REQUIRE(set_up_eni(eth1()));
    check();
    REQUIRE(set_up_eni(eth1()));
  }
  SECTION("with stale addresses, the first of them in the same subnet") {
    sh("ip link set eth1 up\n"
       "ip addr add 10.0.1.77/24 dev eth1; ip addr add 10.0.1.10/24 brd + dev eth1\n"
       "ip addr add 10.0.1.10/20 dev eth1; ip addr add 169.254.7.7/16 scope link dev eth1");
    REQUIRE(set_up_eni(eth1()));
    CHECK(sh("ip -4 addr show dev eth1 | grep -c 169.254.7.7") == "1\n");
    sh("ip addr del 169.254.7.7/16 dev eth1");
  }
  SECTION("with the right address on lease") {
    sh("ip link set eth1 up; ip addr add 10.0.1.10/24 brd + dev eth1 valid_lft 300 "
       "preferred_lft 300");
    REQUIRE(set_up_eni(eth1()));
    CHECK(sh("ip addr show dev eth1 | grep -A1 'inet '").find("valid_lft forever") !=
          std::string::npos);
  }
  SECTION("with routes and a rule of an earlier attachment") {
    sh("ip route add 10.0.1.1 dev eth0 scope link table 2\n"
       "ip route add default dev eth0 table 2\n"
       "ip rule add from 10.0.1.10 lookup 3 pref 32765");
    REQUIRE(set_up_eni(eth1()));
  }
  check();
}

TEST_CASE("setting up an ENI again never takes its pods' routes away") {
  const TestHost host;
  host.add_enis();
  REQUIRE(set_up_eni(eth1()));
  sh("ip route add 10.0.1.200 dev eth1 scope link table 2");  // flushed with the last address
  REQUIRE(set_up_eni(eth1()));
  CHECK(sh("ip route show table 2 10.0.1.200") == "10.0.1.200 dev eth1 scope link\n");
}

TEST_CASE("a trunk or an ENI with a foreign source rule gets no rule") {
  const TestHost host;
  host.add_enis();
  EniNetwork eni = eth1();
  SECTION("trunk") {
    eni.trunk = true;
  }
  SECTION("foreign rule") {
    eni.rule_exists = true;
  }
  REQUIRE(set_up_eni(eni));
  CHECK(rules().empty());
  CHECK(sh("ip route show table 2") == kTable2);
}

TEST_CASE("an ENI without a link and impossible tables are errors that change nothing") {
  const TestHost host;
  host.add_enis();
  const std::string before = host_state();
  EniNetwork eni = eth1();
  eni.mac = mac("02:00:00:00:00:99");
  const auto missing = set_up_eni(eni);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Errc::not_found);
  CHECK(missing.error().cause == "ENODEV");
  for (const auto table : {net::kMainTable, net::kLocalTable, net::TableId()}) {
    eni = eth1();
    eni.table = table;
    CHECK(set_up_eni(eni).error().code == Errc::invalid_argument);
  }
  eni = eth1();
  eni.subnet = cidr("10.0.1.10/32");
  CHECK(set_up_eni(eni).error().code == Errc::invalid_argument);
  CHECK(host_state() == before);
}

TEST_CASE("the route table of an ENI is computed or found") {
  const TestHost host;
  const auto table = [](int card, int device) {
    const auto found =
        must(route_table(net::NetworkCard(card), ip("10.0.3.10"), net::DeviceIndex(device), 15));
    return std::pair(found.table.value(), found.rule_exists);
  };
  CHECK(table(0, 0) == std::pair(254U, false));
  CHECK(table(0, 1) == std::pair(2U, false));
  CHECK(table(1, 1) == std::pair(10101U, false));
  CHECK_FALSE(route_table(net::NetworkCard(-1), ip("10.0.3.10"), net::DeviceIndex(1), 15));
  sh("ip rule add from 10.0.3.10 lookup 999");
  CHECK(table(0, 1) == std::pair(2U, false));
  CHECK(table(1, 1) == std::pair(999U, true));
  sh("ip rule add from 10.0.3.10 lookup 998");
  CHECK(table(1, 1) == std::pair(10101U, true));
  sh("ip rule add from 10.0.3.10 lookup 17");  // 1 + 1 + 1 * 15
  CHECK(table(1, 1) == std::pair(17U, true));
}

TEST_CASE("external service rules are exactly the wanted ones") {
  const TestHost host;
  sh("ip rule add to 9.9.9.0/24 lookup main pref 1535; ip rule add to 8.8.8.8 lookup 5 pref 1535");
  const std::string foreign = "1535:\tfrom all to 8.8.8.8 lookup 5\n";
  REQUIRE(update_external_service_rules({cidr("1.2.3.0/24"), cidr("0.0.0.0/0")}));
  CHECK(rules() == foreign +
                       "1535:\tfrom all to 1.2.3.0/24 lookup main\n"
                       "1535:\tfrom all lookup main\n");
  REQUIRE(
      update_external_service_rules({cidr("1.2.3.0/24"), cidr("1.2.3.0/24"), cidr("2600::/16")}));
  CHECK(rules() == foreign + "1535:\tfrom all to 1.2.3.0/24 lookup main\n");
  CHECK(sh("ip -6 rule | grep ^1535") == "1535:\tfrom all to 2600::/16 lookup main\n");
  REQUIRE(update_external_service_rules({}));
  CHECK(rules() == foreign);
  CHECK(sh("ip -6 rule | grep -c ^1535 || true") == "0\n");
}

TEST_CASE("rules of a source or of a vanished pod are removed, and no others") {
  const TestHost host;
  sh("ip rule add from 10.0.1.10 lookup 2 pref 32765; ip rule add from 10.0.1.10 lookup 3 pref 9\n"
     "ip rule add from 10.0.1.0/24 lookup 4 pref 10; ip rule add from 10.0.1.11 lookup 2 pref 11");
  REQUIRE(delete_rules_from(ip("10.0.1.10")));
  const std::string others = "10:\tfrom 10.0.1.0/24 lookup 4\n11:\tfrom 10.0.1.11 lookup 2\n";
  CHECK(rules() == others);
  REQUIRE(delete_rules_from(ip("10.0.1.10")));
  const std::string all = sh("ip rule");
  REQUIRE(delete_rules_from(net::Ip()));
  CHECK(sh("ip rule") == all);
  sh("ip rule add to 10.0.1.30 lookup main pref 512; ip rule add from 10.0.1.30 lookup 2 pref "
     "1536\n"
     "ip rule add from 10.0.1.30 lookup 3 pref 1536");
  REQUIRE(remove_pod_rules(ip("10.0.1.30")));
  CHECK(rules() == others);
}

TEST_CASE("a pod's source rule is refreshed without a moment without one") {
  const TestHost host;
  const net::Ip pod = ip("10.0.1.30");
  sh("ip rule add from 10.0.1.30 to 10.1.0.0/16 lookup 2 pref 1536\n"
     "ip rule add from 10.0.1.30 to 10.2.0.0/16 lookup 2 pref 1536\n"
     "ip rule add from 10.0.1.31 lookup 7 pref 1536");
  REQUIRE(refresh_pod_rule(pod, net::TableId(2)));
  CHECK(rules() == "1536:\tfrom 10.0.1.31 lookup 7\n1536:\tfrom 10.0.1.30 lookup 2\n");
  REQUIRE(refresh_pod_rule(pod, net::TableId(2)));
  CHECK(rules() == "1536:\tfrom 10.0.1.31 lookup 7\n1536:\tfrom 10.0.1.30 lookup 2\n");

  std::atomic<bool> stop = false;
  std::atomic<int> readings = 0;
  std::atomic<int> absent = 0;
  auto reader = must(linux::Netlink::open());
  std::thread watch([&] {
    while (!stop) {
      const auto all = linux::rules(reader, net::Family::v4);
      const bool there = all && std::any_of(all->begin(), all->end(), [&](const auto& rule) {
                           return rule.from == net::Cidr::host(pod);
                         });
      absent += there ? 0 : 1;
      ++readings;
    }
  });
  bool done = true;
  for (std::uint32_t i = 0; i < 500; ++i) {
    done = done && refresh_pod_rule(pod, net::TableId(3 + i % 2));
  }
  stop = true;
  watch.join();
  CHECK(done);
  CHECK(readings > 0);
  CHECK(absent == 0);
  CHECK(rules() == "1536:\tfrom 10.0.1.31 lookup 7\n1536:\tfrom 10.0.1.30 lookup 4\n");
  REQUIRE(refresh_pod_rule(pod, net::kMainTable));
  CHECK(rules() == "1536:\tfrom 10.0.1.31 lookup 7\n");
}

TEST_CASE("the kernel's pods are its host routes and links") {
  const TestHost host;
  host.add_enis();
  sh("ip link add eni00000000001 type veth peer name x1; ip link set eni00000000001 up\n"
     "ip route add 10.0.1.30 dev eni00000000001 scope link\n"
     "ip -6 route add 2600::7 dev eni00000000001\n"
     "ip route add 10.0.1.31 via 10.0.0.1\n"
     "ip route add 10.0.1.32 dev eth0 table 2");
  const HostPods pods = must(host_pods());
  for (const char* name : {"lo", "eth0", "eth1", "eni00000000001", "x1"}) {
    CHECK(std::count(pods.links.begin(), pods.links.end(), name) == 1);
  }
  std::vector<std::string> routes;
  for (const auto& route : pods.routes) {
    routes.push_back(to_string(route.address) + " " + route.link);
  }
  CHECK(routes == std::vector<std::string>{"10.0.1.30 eni00000000001", "2600::7 eni00000000001"});

  sh("ip link add vlan.eth.7 type veth peer name peer7\n"
     "ip rule add priority 1536 from 10.0.1.30 lookup 107");
  const HostPods with_branch = must(host_pods());
  for (const auto& route : with_branch.routes) {
    CHECK(is_branch_route(with_branch, route) == (to_string(route.address) == "10.0.1.30"));
  }
}

}  // namespace vpccni::podnet
