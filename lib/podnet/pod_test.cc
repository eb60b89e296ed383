// On the real kernel, in namespaces that the tests make: needs root.
#include "podnet/pod.h"

#include <catch2/catch.hpp>

#include "podnet/host.h"
#include "podnet/test_host.h"

namespace vpccni::podnet {

namespace {

constexpr const char* kVethA = "eni5e1c4d6c68c";
constexpr const char* kVethB = "eni2f5353dd8c5";

PodLink pod_a() {
  return {.address = ip("10.0.0.20"),
          .host_veth = kVethA,
          .container_link = "eth0",
          .host_mac = host_veth_mac("a", "eth0")};
}

PodLink pod_b() {
  return {.address = ip("10.0.1.30"),
          .host_veth = kVethB,
          .container_link = "eth0",
          .host_mac = host_veth_mac("b", "eth0"),
          .table = net::TableId(2)};
}

/// The first rules that are not the kernel's.
std::string rules() {
  return sh("ip rule | grep -v -e ^0: -e ^3276 || true");
}

std::string main_routes() {
  return sh("ip route show table main");
}

/// IPv4 only: a link-local address of the kernel's making comes when it likes.
std::string pod_state(const TestPod& pod) {
  return pod.sh(
      "ip rule; ip -4 route show table all; ip -4 neigh; ip -4 -o addr; "
      "ip -o link | sed -E 's/NO-CARRIER,//; s/ state [A-Z]+//'");
}

HostNetwork node() {
  return {.primary_mac = mac("02:00:00:00:00:01"), .primary_ip = ip("10.0.0.5")};
}

void set_up_node(const TestHost& host) {
  host.add_enis();
  must(set_up_eni({.mac = mac("02:00:00:00:00:02"),
                   .ip = ip("10.0.1.10"),
                   .subnet = cidr("10.0.1.0/24"),
                   .table = net::TableId(2)}));
}

}  // namespace

TEST_CASE("pods of both ENIs are wired as in worked examples 9.1 to 9.3") {
  const TestHost host;
  set_up_node(host);
  auto wanted = node();
  wanted.vpc_cidrs = {cidr("10.0.0.0/16")};
  must(set_up_host_network(wanted));
  const TestPod a;
  const TestPod b;
  REQUIRE(attach_pod(a.path(), {pod_a()}));
  REQUIRE(attach_pod(b.path(), {pod_b()}));

  CHECK(sh("ip rule") ==
        "0:\tfrom all lookup local\n"
        "512:\tfrom all to 10.0.0.20 lookup main\n"
        "512:\tfrom all to 10.0.1.30 lookup main\n"
        "1024:\tfrom all fwmark 0x80/0x80 lookup main\n"
        "1536:\tfrom 10.0.1.30 lookup 2\n"
        "32765:\tfrom 10.0.1.10 lookup 2\n"
        "32766:\tfrom all lookup main\n"
        "32767:\tfrom all lookup default\n");
  CHECK(main_routes() ==
        "default via 10.0.0.1 dev eth0\n"
        "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.5\n"
        "10.0.0.20 dev eni5e1c4d6c68c scope link\n"
        "10.0.1.30 dev eni2f5353dd8c5 scope link\n");
  CHECK(sh("ip route show table 2") ==
        "default via 10.0.1.1 dev eth1\n"
        "10.0.1.1 dev eth1 scope link\n");
  for (const auto& [pod, link] : {std::pair(&a, pod_a()), std::pair(&b, pod_b())}) {
    CHECK(pod->sh("ip route") ==
          "default via 169.254.1.1 dev eth0\n"
          "169.254.1.1 dev eth0 scope link\n");
    CHECK(pod->sh("ip rule") == sh("ip rule | grep -e ^0: -e ^32766 -e ^32767"));
    CHECK(pod->sh("ip neigh show nud permanent") ==
          "169.254.1.1 dev eth0 lladdr " + to_string(link.host_mac) + " PERMANENT\n");
    CHECK(pod->sh("ip -4 addr show dev eth0 | grep inet") ==
          "    inet " + to_string(link.address) + "/32 scope global eth0\n");
    for (const auto& shown : {pod->sh("ip link show eth0"), sh("ip link show " + link.host_veth)}) {
      CHECK(shown.find("UP") != std::string::npos);
      CHECK(shown.find("mtu 9001") != std::string::npos);
      CHECK(shown.find("qlen") == std::string::npos);  // TXQLEN 0
    }
    CHECK(sh("cd /proc/sys/net/ipv6/conf/" + link.host_veth +
             "; cat accept_ra accept_redirects forwarding") == "0\n1\n0\n");
  }

  CHECK_NOTHROW(a.sh("ping -q -c 1 -W 2 10.0.0.5"));  // the host's address
  CHECK_NOTHROW(sh("ping -q -c 1 -W 2 10.0.0.20"));
  CHECK_NOTHROW(sh("ping -q -c 1 -W 2 10.0.1.30"));
  sh("echo 1 >/proc/sys/net/ipv4/ip_forward");
  CHECK_NOTHROW(a.sh("ping -q -c 1 -W 2 10.0.1.30"));  // pod to pod, through rules 512

  const std::string chains = sh("iptables-save -t nat | grep ^-A");
  REQUIRE(detach_pod({{ip("10.0.1.30"), net::TableId(2), kVethB}}));
  CHECK(rules() ==
        "512:\tfrom all to 10.0.0.20 lookup main\n"
        "1024:\tfrom all fwmark 0x80/0x80 lookup main\n");
  CHECK(sh("ip rule").find("32765:\tfrom 10.0.1.10 lookup 2\n") != std::string::npos);
  CHECK(main_routes().find("10.0.1.30") == std::string::npos);
  CHECK(sh("ip route show table 2 | wc -l") == "2\n");
  CHECK(sh("iptables-save -t nat | grep ^-A") == chains);
}

TEST_CASE("a second attach of the same pod ends in the same state") {
  const TestHost host;
  set_up_node(host);
  const TestPod pod;
  REQUIRE(attach_pod(pod.path(), {pod_b()}));
  const std::string on_host = rules() + main_routes();
  const std::string shown =
      "ip route; ip rule; ip neigh show nud permanent; ip -4 addr | grep inet";
  const std::string in_pod = pod.sh(shown);
  SECTION("in the same namespace") {
    REQUIRE(attach_pod(pod.path(), {pod_b()}));
    CHECK(rules() + main_routes() == on_host);
    CHECK(pod.sh(shown) == in_pod);
    CHECK_NOTHROW(sh("ping -q -c 1 -W 2 10.0.1.30"));
  }
  SECTION("in a new namespace, with a new MAC") {
    const TestPod again;
    PodLink link = pod_b();
    link.host_mac = host_veth_mac("b2", "eth0");
    REQUIRE(attach_pod(again.path(), {link}));
    CHECK(rules() + main_routes() == on_host);
    CHECK(pod.sh("ip -o link | grep -c eth0 || true") == "0\n");
    CHECK(again.sh("ip neigh show nud permanent").find(to_string(link.host_mac)) !=
          std::string::npos);
    CHECK_NOTHROW(sh("ping -q -c 1 -W 2 10.0.1.30"));
  }
}

TEST_CASE("detach restores what was before attach, also when done twice") {
  const TestHost host;
  set_up_node(host);
  const std::string before = sh("ip rule; ip -4 route show table all");
  const std::string rules_and_routes = sh("ip rule") + main_routes();
  const TestPod pod;
  REQUIRE(attach_pod(pod.path(), {pod_b()}));
  REQUIRE(sh("ip rule; ip -4 route show table all") != before);
  const std::string in_pod = pod_state(pod);
  const std::vector<PodRoute> routes = {{ip("10.0.1.30"), net::TableId(2), kVethB}};
  REQUIRE(detach_pod(routes));
  CHECK(sh("ip rule") + main_routes() == rules_and_routes);
  CHECK(pod_state(pod) == in_pod);
  REQUIRE(detach_pod(routes));
  sh(std::string("ip link del ") + kVethB);
  CHECK(sh("ip rule; ip -4 route show table all") == before);
}

TEST_CASE("detach without a link name removes the route through any link") {
  const TestHost host;
  set_up_node(host);
  const TestPod pod;
  REQUIRE(attach_pod(pod.path(), {pod_a()}));
  REQUIRE(detach_pod({{ip("10.0.0.20"), net::kMainTable, ""}}));
  CHECK(rules().empty());
  CHECK(main_routes().find("10.0.0.20") == std::string::npos);
}

TEST_CASE("detach removes every copy of the source rule in its table, and no other") {
  const TestHost host;
  set_up_node(host);
  const TestPod pod;
  REQUIRE(attach_pod(pod.path(), {pod_b()}));
  sh("ip rule add from 10.0.1.30 lookup 2 pref 1536 proto 4\n"
     "ip rule add from 10.0.1.30 to 10.9.0.0/16 lookup 2 pref 1536\n"
     "ip rule add from 10.0.1.31 lookup 2 pref 1536\n"
     "ip rule add from 10.0.1.30 lookup 7 pref 1536");
  REQUIRE(detach_pod({{ip("10.0.1.30"), net::TableId(2), kVethB}}));
  CHECK(rules() == "1536:\tfrom 10.0.1.31 lookup 2\n1536:\tfrom 10.0.1.30 lookup 7\n");
}

TEST_CASE("a late detach leaves the objects of the address's new pod") {
  const TestHost host;
  set_up_node(host);
  const TestPod old_pod;
  const TestPod new_pod;
  REQUIRE(attach_pod(old_pod.path(), {pod_b()}));
  PodLink link = pod_b();
  link.host_veth = "eni00000000001";
  link.host_mac = host_veth_mac("c", "eth0");
  REQUIRE(attach_pod(new_pod.path(), {link}));
  const std::string wired = rules() + main_routes();
  const std::vector<PodRoute> late = {{ip("10.0.1.30"), net::TableId(2), kVethB}};
  SECTION("while the old pod's link is still there") {}
  SECTION("when the old pod's link is gone") {
    sh(std::string("ip link del ") + kVethB);
  }
  REQUIRE(detach_pod(late));
  CHECK(rules() + main_routes() == wired);
  CHECK(main_routes().find("10.0.1.30 dev eni00000000001 scope link") != std::string::npos);
  CHECK_NOTHROW(sh("ping -q -c 1 -W 2 10.0.1.30"));
}

TEST_CASE("detach after the pod's link vanished removes the rules") {
  const TestHost host;
  set_up_node(host);
  const TestPod pod;
  REQUIRE(attach_pod(pod.path(), {pod_b()}));
  sh(std::string("ip link del ") + kVethB);
  REQUIRE(detach_pod({{ip("10.0.1.30"), net::TableId(2), kVethB}}));
  CHECK(rules().empty());
}

TEST_CASE("an attach that fails leaves everything as it was") {
  const TestHost host;
  set_up_node(host);
  const TestPod pod;
  sh("ip rule add to 10.0.1.30 lookup main pref 512");  // not made by this call
  SECTION("the pod has a link of that name") {
    pod.sh("ip link add eth0 type veth peer name other");
    const std::string before = host_state() + pod_state(pod);
    const auto failed = attach_pod(pod.path(), {pod_b()});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == Errc::already_exists);
    CHECK(failed.error().message.find("has a link eth0 already") != std::string::npos);
    CHECK(host_state() + pod_state(pod) == before);
  }
  SECTION("the pod has that link and the host one of another pod's") {
    pod.sh("ip link add eth0 type veth peer name other");
    const TestPod another;
    REQUIRE(attach_pod(another.path(), {pod_b()}));
    const std::string before = host_state() + pod_state(pod) + pod_state(another);
    const auto failed = attach_pod(pod.path(), {pod_b()});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == Errc::already_exists);
    CHECK(host_state() + pod_state(pod) + pod_state(another) == before);
  }
  SECTION("the host has a link of that name that is no veth") {
    sh(std::string("ip link add ") + kVethB + " type bridge");
    const std::string before = host_state() + pod_state(pod);
    const auto failed = attach_pod(pod.path(), {pod_b()});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == Errc::already_exists);
    CHECK(failed.error().message.find(kVethB) != std::string::npos);
    CHECK(host_state() + pod_state(pod) == before);
  }
  SECTION("the pod has a default route") {
    pod.sh(
        "ip link add uplink type veth peer name other\n"
        "ip link set other up; ip link set uplink up\n"
        "ip route add default dev uplink");
    const std::string before = host_state() + pod.sh("ip rule; ip -4 route show table all");
    const auto failed = attach_pod(pod.path(), {pod_b()});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == Errc::already_exists);
    CHECK(failed.error().message.find("add route 0.0.0.0/0 via 169.254.1.1") != std::string::npos);
    CHECK(host_state() + pod.sh("ip rule; ip -4 route show table all") == before);
    CHECK(pod.sh("ip -o link | grep -c eth0 || true") == "0\n");
  }
  SECTION("after narrower rules of an early version were replaced") {
    sh("ip rule add from 10.0.1.30 to 10.8.0.0/16 lookup 2 pref 1536\n"
       "ip rule add from 10.0.1.30 to 10.9.0.0/16 lookup 2 pref 1536");
    pod.sh(
        "ip link add uplink type veth peer name other\n"
        "ip link set other up; ip link set uplink up; ip route add default dev uplink");
    REQUIRE_FALSE(attach_pod(pod.path(), {pod_b()}));
    CHECK(rules() == "512:\tfrom all to 10.0.1.30 lookup main\n");
    CHECK(main_routes().find("10.0.1.30") == std::string::npos);
  }
  SECTION("the second link cannot be made") {
    pod.sh("ip link add mNicIf1 type veth peer name other");
    const std::string before = host_state() + pod_state(pod);
    PodLink second = pod_a();
    second.index = 1;
    second.container_link = "mNicIf1";
    REQUIRE_FALSE(attach_pod(pod.path(), {pod_b(), second}));
    CHECK(host_state() + pod_state(pod) == before);
  }
}

TEST_CASE("a pod with two interfaces has a table of its own for the second") {
  const TestHost host;
  set_up_node(host);
  const TestPod pod;
  PodLink second = pod_b();
  second.index = 1;
  second.host_veth = "enib9b1b22027a";
  second.container_link = "mNicIf1";
  second.address = ip("10.0.3.7");
  second.table = net::TableId(10101);
  REQUIRE(attach_pod(pod.path(), {pod_a(), second}));
  CHECK(rules() ==
        "512:\tfrom all to 10.0.0.20 lookup main\n"
        "512:\tfrom all to 10.0.3.7 lookup main\n"
        "1536:\tfrom 10.0.3.7 lookup 10101\n");
  CHECK(pod.sh("ip rule | sed -n 2p") == "1:\tfrom 10.0.3.7 lookup 1\n");
  CHECK(pod.sh("ip route show table 1") ==
        "default via 169.254.1.2 dev mNicIf1\n"
        "169.254.1.2 dev mNicIf1 scope link\n");
  CHECK_NOTHROW(sh("ping -q -c 1 -W 2 10.0.3.7"));
  REQUIRE(detach_pod({{ip("10.0.0.20"), net::kMainTable, kVethA},
                      {ip("10.0.3.7"), net::TableId(10101), "enib9b1b22027a"}}));
  CHECK(rules().empty());
}

TEST_CASE("what an earlier owner of the address left is replaced") {
  const TestHost host;
  set_up_node(host);
  const TestPod pod;
  sh("ip rule add to 10.0.1.30 lookup main pref 512\n"
     "ip rule add from 10.0.1.30 lookup 7 pref 1536\n"
     "ip rule add from 10.0.1.30 to 10.9.0.0/16 lookup 2 pref 1536\n"
     "ip rule add from 10.0.1.30 to 10.9.0.0/16 lookup 8 pref 1536\n"
     "ip rule add from 10.0.1.30 lookup 2 pref 1536 proto 4\n"
     "ip rule add from 10.0.1.31 lookup 7 pref 1536\n"
     "ip route add 10.0.1.30 dev eth1 scope link");
  PodLink link = pod_b();
  SECTION("by a pod with a table") {
    REQUIRE(attach_pod(pod.path(), {link}));
    // The copy that another program made says the same and may stay.
    CHECK(sh("ip rule | grep 'from 10.0.1.30' | sed 's/ proto.*//' | sort -u") ==
          "1536:\tfrom 10.0.1.30 lookup 2\n");
  }
  SECTION("by a pod with a table, where only narrower rules stand") {
    sh("ip rule del from 10.0.1.30 lookup 2 proto 4");
    REQUIRE(attach_pod(pod.path(), {link}));
    CHECK(sh("ip rule | grep 'from 10.0.1.30'") == "1536:\tfrom 10.0.1.30 lookup 2\n");
  }
  SECTION("by a pod of the primary ENI") {
    link.table = net::kMainTable;
    REQUIRE(attach_pod(pod.path(), {link}));
    CHECK(sh("ip rule | grep -c 'from 10.0.1.30' || true") == "0\n");
  }
  CHECK(sh("ip rule | grep -c 'to 10.0.1.30 lookup main'") == "1\n");
  CHECK(sh("ip rule | grep -c 'from 10.0.1.31 lookup 7'") == "1\n");
  CHECK(sh("ip route show 10.0.1.30") == "10.0.1.30 dev eni2f5353dd8c5 scope link\n");
}

TEST_CASE("namespaces and names that cannot be are refused in words") {
  const TestHost host;
  set_up_node(host);
  const std::string before = host_state();
  const auto gone = attach_pod("/run/netns/no-such-pod", {pod_a()});
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code == Errc::not_found);
  CHECK(gone.error().message.find("/run/netns/no-such-pod") != std::string::npos);
  CHECK(attach_pod("/etc/hostname", {pod_a()}).error().code == Errc::invalid_argument);
  CHECK(attach_pod("/proc/thread-self/ns/net", {pod_a()}).error().code == Errc::invalid_argument);
  const TestPod pod;
  for (const char* name : {"", "eni%d", "../all", "a b", "eni0123456789abcdef", ".."}) {
    PodLink link = pod_a();
    link.host_veth = name;
    CHECK(attach_pod(pod.path(), {link}).error().code == Errc::invalid_argument);
    link = pod_a();
    link.container_link = name;
    CHECK(attach_pod(pod.path(), {link}).error().code == Errc::invalid_argument);
  }
  PodLink link = pod_a();
  link.index = 253;
  CHECK(attach_pod(pod.path(), {link}).error().code == Errc::invalid_argument);
  CHECK(detach_pod({{ip("10.0.0.20"), net::kMainTable, std::string(100'000, 'x')}}).error().code ==
        Errc::invalid_argument);
  CHECK(detach_pod({}));
  CHECK(attach_pod(pod.path(), {}));
  CHECK(host_state() == before);
}

TEST_CASE("an IPv6 pod is wired, without waiting for its address") {
  const TestHost host;
  set_up_node(host);
  const TestPod pod;
  PodLink link = pod_a();
  link.address = ip("2600:1f14::10");
  REQUIRE(attach_pod(pod.path(), {link}));
  CHECK(pod.sh("ip -6 addr show dev eth0").find("2600:1f14::10/128 scope global") !=
        std::string::npos);
  // The kernel's own link-local ones are tentative for the moment that its worker takes.
  CHECK(pod.sh("ip -6 -o addr show tentative").find("2600") == std::string::npos);
  CHECK(pod.sh("ip -6 route") ==
        "2600:1f14::10 dev eth0 proto kernel metric 256 pref medium\n"
        "fe80::1 dev eth0 metric 1024 pref medium\n"
        "fe80::/64 dev eth0 proto kernel metric 256 pref medium\n"
        "default via fe80::1 dev eth0 metric 1024 pref medium\n");
  CHECK(pod.sh("ip neigh show nud permanent") ==
        "fe80::1 dev eth0 lladdr " + to_string(link.host_mac) + " PERMANENT\n");
  CHECK_NOTHROW(sh("ping -q -c 1 -W 2 2600:1f14::10"));  // at once: the pod has said nothing yet
  CHECK(sh("ip -6 rule | grep ^512") == "512:\tfrom all to 2600:1f14::10 lookup main\n");
  CHECK(sh("ip -6 route show 2600:1f14::10") ==
        "2600:1f14::10 dev eni5e1c4d6c68c metric 1024 pref medium\n");
  REQUIRE(detach_pod({{link.address, net::kMainTable, kVethA}}));
  CHECK(sh("ip -6 rule | grep -c ^512 || true") == "0\n");
  CHECK(sh("ip -6 route show 2600:1f14::10").empty());
}

}  // namespace vpccni::podnet
