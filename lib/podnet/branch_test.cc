// Branch-ENI pods on the real kernel. Those of tag [.802.1q] need a kernel with VLANs: tests/vm/run
// has one.
#include "podnet/branch.h"

#include <catch2/catch.hpp>

#include "podnet/host.h"
#include "podnet/host_check.h"
#include "podnet/test_host.h"

namespace vpccni::podnet {
namespace {

constexpr const char* kStrictVeth = "vlan3754a2f57f6";
constexpr const char* kStandardVeth = "eni3754a2f57f6";

/// The worked example 9.4: VLAN 7, default/pod-c 10.0.2.40.
BranchPod pod_c(bool strict = true, const std::string& container = "c") {
  BranchPod pod;
  pod.link = {.address = ip("10.0.2.40"),
              .host_veth = strict ? kStrictVeth : kStandardVeth,
              .container_link = "eth0",
              .host_mac = host_veth_mac(container, "eth0")};
  pod.vlan = net::VlanId(7);
  pod.mac = mac("02:00:00:00:00:07");
  pod.gateway = ip("10.0.2.1");
  pod.trunk = net::IfIndex(std::stoi(sh("ip -o link show eth1 | cut -d: -f1")));
  pod.strict = strict;
  return pod;
}

BranchRoute route_c(const std::string& container = "c") {
  return {ip("10.0.2.40"),
          net::VlanId(7),
          {kStrictVeth, kStandardVeth},
          host_veth_mac(container, "eth0")};
}

HostNetwork strict_node(net::Family family = net::Family::v4) {
  HostNetwork network{.primary_mac = mac("02:00:00:00:00:01"), .primary_ip = ip("10.0.0.5")};
  network.vpc_cidrs = {cidr("10.0.0.0/16")};
  network.family = family;
  network.strict_branches = true;
  return network;
}

}  // namespace

TEST_CASE("branch: the rule of the table local moves behind branch ENIs, and stays") {
  const TestHost host;
  host.add_enis();
  for (int i = 0; i < 2; ++i) {
    must(set_up_host_network(strict_node()));
    CHECK(sh("ip rule") ==
          "20:\tfrom all lookup local\n"
          "1024:\tfrom all fwmark 0x80/0x80 lookup main\n"
          "32766:\tfrom all lookup main\n"
          "32767:\tfrom all lookup default\n");
  }
  must(set_up_host_network(strict_node(net::Family::v6)));
  CHECK(sh("ip -6 rule") ==
        "0:\tfrom fe80:ec2::1 ipproto ipv6-icmp lookup local\n"
        "20:\tfrom all lookup local\n"
        "1024:\tfrom all fwmark 0x80/0x80 lookup main\n"
        "32766:\tfrom all lookup main\n");
  // Somebody puts the table local back in front: the next start, and healing, take it away.
  for (const auto family : {net::Family::v4, net::Family::v6}) {
    const std::string ip = family == net::Family::v4 ? "ip " : "ip -6 ";
    const std::string wanted = sh(ip + "rule");
    sh(ip + "rule add pref 0 lookup local");
    must(set_up_host_network(strict_node(family)));
    CHECK(sh(ip + "rule") == wanted);
    if (family == net::Family::v4) {
      sh(ip + "rule add pref 0 lookup local");
      const WantedHost host_wanted{strict_node(family), {}, {}};
      const auto faults = find_faults(host_wanted, must(read_host(host_wanted)));
      REQUIRE(faults.size() == 1);
      CHECK(faults.front().what == "no rule from all lookup 255 pref 0");
      must(repair(faults.front()));
      CHECK(sh(ip + "rule") == wanted);
    }
  }
  auto off = strict_node();
  off.strict_branches = false;
  must(set_up_host_network(off));  // as upstream: pods that are wired so may live
  CHECK(sh("ip rule").find("20:\tfrom all lookup local\n") != std::string::npos);
}

TEST_CASE("branch: what cannot be a branch ENI is refused, and nothing is made") {
  const TestHost host;
  host.add_enis();
  const TestPod pod;
  const std::string before = host_state();
  const auto refused = [&](BranchPod wanted) {
    const auto done = attach_branch_pod(pod.path(), wanted);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::invalid_argument);
  };
  for (const int vlan : {0, -1, 4095, 153, 154, 155}) {
    auto wanted = pod_c();
    wanted.vlan = net::VlanId(vlan);
    refused(wanted);
    CHECK_FALSE(detach_branch_pod({ip("10.0.2.40"), net::VlanId(vlan), {}, {}}));
  }
  auto wanted = pod_c();
  wanted.mac = {};
  refused(wanted);
  wanted = pod_c();
  wanted.gateway = ip("fe80:ec2::1");
  refused(wanted);
  wanted = pod_c();
  wanted.trunk = {};
  refused(wanted);
  wanted = pod_c();
  wanted.link.host_veth = "a/b";
  refused(wanted);
  CHECK(host_state() == before);
}

TEST_CASE("branch: where the trunk cannot carry the VLAN, all is undone") {
  const TestHost host;
  host.add_enis();
  const TestPod pod;
  const std::string before = host_state();
  auto wanted = pod_c();
  wanted.trunk = net::IfIndex(9999);
  const auto done = attach_branch_pod(pod.path(), wanted);
  REQUIRE_FALSE(done);
  INFO(done.error().message);
  const bool named = done.error().message.find("8021q") != std::string::npos ||
                     done.error().message.find("VLAN link vlan.eth.7") != std::string::npos;
  CHECK(named);
  CHECK(host_state() == before);
  CHECK(detach_branch_pod(route_c()));
  CHECK(host_state() == before);
}

TEST_CASE("branch: strict, as in worked example 9.4", "[.802.1q]") {
  const TestHost host;
  host.add_enis();
  sh("ip link set eth1 up");
  must(set_up_host_network(strict_node()));
  const std::string before = host_state();
  const TestPod pod;
  must(attach_branch_pod(pod.path(), pod_c()));
  CHECK(sh("ip rule | head -n 3") ==
        "10:\tfrom all iif vlan.eth.7 lookup 107\n"
        "10:\tfrom all iif vlan3754a2f57f6 lookup 107\n"
        "20:\tfrom all lookup local\n");
  CHECK(sh("ip route show table 107") ==
        "default via 10.0.2.1 dev vlan.eth.7\n"
        "10.0.2.1 dev vlan.eth.7 scope link\n"
        "10.0.2.40 dev vlan3754a2f57f6 scope link\n");
  CHECK(sh("ip rule").find("10.0.2.40") == std::string::npos);
  CHECK(sh("ip route show table main").find("10.0.2.40") == std::string::npos);
  CHECK(sh("ip -d link show vlan.eth.7").find("vlan protocol 802.1Q id 7") != std::string::npos);
  CHECK(sh("ip link show vlan.eth.7").find("link/ether 02:00:00:00:00:07") != std::string::npos);
  CHECK(sh("cd /proc/sys/net/ipv6/conf/vlan.eth.7; cat accept_ra accept_redirects forwarding") ==
        "0\n1\n0\n");
  CHECK(must(missing_of_branch_pod(pod.path(), "eth0", route_c())).empty());

  sh("ip rule del iif vlan.eth.7; ip route del default table 107");
  const auto missing = must(missing_of_branch_pod(pod.path(), "eth0", route_c()));
  REQUIRE(missing.size() == 2);
  CHECK(missing[0] == "default route by vlan.eth.7");
  CHECK(missing[1] == "rules to table 107");

  const TestPod again;  // the same pod's next sandbox
  must(attach_branch_pod(again.path(), pod_c(true, "c2")));
  CHECK(must(missing_of_branch_pod(again.path(), "eth0", route_c("c2"))).empty());
  const std::string wired = host_state();
  must(detach_branch_pod(route_c("c")));  // a late DEL of the sandbox before (C14)
  CHECK(host_state() == wired);
  must(detach_branch_pod(route_c("c2")));
  must(detach_branch_pod(route_c("c2")));
  sh("ip link del vlan3754a2f57f6");
  CHECK(host_state() == before);
}

TEST_CASE("branch: standard, and a mode that changed between ADD and DEL", "[.802.1q]") {
  const TestHost host;
  host.add_enis();
  sh("ip link set eth1 up");
  auto network = strict_node();
  network.strict_branches = false;
  must(set_up_host_network(network));
  const std::string before = host_state();
  const TestPod pod;
  must(attach_branch_pod(pod.path(), pod_c(false)));
  const std::string rules = sh("ip rule");
  CHECK(rules.find("512:\tfrom all to 10.0.2.40 lookup main\n") != std::string::npos);
  CHECK(rules.find("1536:\tfrom 10.0.2.40 lookup 107\n") != std::string::npos);
  CHECK(rules.find("\n10:") == std::string::npos);
  CHECK(sh("ip route show table main").find("10.0.2.40 dev eni3754a2f57f6 scope link") !=
        std::string::npos);
  CHECK(must(missing_of_branch_pod(pod.path(), "eth0", route_c())).empty());
  must(detach_branch_pod(route_c()));
  sh("ip link del eni3754a2f57f6");
  CHECK(host_state() == before);

  must(attach_branch_pod(pod.path(), pod_c(true)));  // now strict; a DEL cleans both
  must(detach_branch_pod(route_c()));
  sh("ip link del vlan3754a2f57f6");
  CHECK(host_state() == before);
}

TEST_CASE("branch: a VLAN that another pod has by now is left alone", "[.802.1q]") {
  const TestHost host;
  host.add_enis();
  sh("ip link set eth1 up");
  const TestPod pod;
  auto other = pod_c(true, "d");
  other.link.host_veth = "vlan0000000000d";
  other.link.address = ip("10.0.2.41");
  must(attach_branch_pod(pod.path(), other));
  const std::string wired = host_state();
  must(detach_branch_pod(route_c()));
  CHECK(host_state() == wired);
}

TEST_CASE("branch: what an older pod of the VLAN left does not lead the new one astray",
          "[.802.1q]") {
  const TestHost host;
  host.add_enis();
  sh("ip link set eth1 up; ip rule add iif vlan.eth.7 lookup 107 pref 10; "
     "ip rule add iif vlan0000000000 lookup 107 pref 10");
  const TestPod pod;
  must(attach_branch_pod(pod.path(), pod_c(false)));
  CHECK(sh("ip rule").find("\n10:") == std::string::npos);
  must(detach_branch_pod(route_c()));
  sh("ip link del eni3754a2f57f6");

  // The mode has changed: the strict veth of the sandbox before is still there.
  const TestPod before;
  must(attach_branch_pod(before.path(), pod_c(true, "old")));
  const TestPod after;
  must(attach_branch_pod(after.path(), pod_c(false, "new")));
  must(detach_branch_pod(route_c("new")));
  CHECK(sh("ip rule").find("10.0.2.40") == std::string::npos);
  CHECK(sh("ip -o link").find("vlan.eth.7") == std::string::npos);
  CHECK(sh("ip route show table 107 2>/dev/null || true").find("10.0.2.40") == std::string::npos);
}

TEST_CASE("branch: a late DEL does not touch another pod with the same VLAN and address",
          "[.802.1q]") {
  const TestHost host;
  host.add_enis();
  sh("ip link set eth1 up");
  const TestPod pod;
  auto other = pod_c(false, "d");
  other.link.host_veth = "eni0000000000d";
  must(attach_branch_pod(pod.path(), other));
  const std::string wired = host_state();
  must(detach_branch_pod(route_c()));
  CHECK(host_state() == wired);
}

TEST_CASE("branch: a failure after the VLAN link was made takes it away again", "[.802.1q]") {
  const TestHost host;
  host.add_enis();
  sh("ip link set eth1 up");
  const TestPod pod;
  pod.sh("ip link add eth0 type veth peer name x");  // in the way
  const std::string before = host_state();
  REQUIRE_FALSE(attach_branch_pod(pod.path(), pod_c()));
  CHECK(host_state() == before);
  sh("ip link add vlan.eth.7 type veth peer name y");  // no VLAN: not ours to remove
  const TestPod free;
  REQUIRE_FALSE(attach_branch_pod(free.path(), pod_c()));
  CHECK(sh("ip -d link show vlan.eth.7").find("veth") != std::string::npos);
}

}  // namespace vpccni::podnet
