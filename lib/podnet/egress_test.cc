// On the real kernel, in namespaces that the tests make: needs root.
#include "podnet/egress.h"

#include <catch2/catch.hpp>

#include "podnet/host.h"
#include "podnet/pod.h"
#include "podnet/test_host.h"

namespace vpccni::podnet {

namespace {

const std::string kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
constexpr const char* kChainV4 = "CNI-E4-807bd76e84ee4fda02860";

EgressPod v4() {
  return {.owner = {"aws-cni", kId},
          .main_link = "eth0",
          .address = {ip("169.254.172.2"), 22},
          .gateway = ip("169.254.172.1"),
          .via = {cidr("0.0.0.0/0")},
          .node = ip("10.0.0.5")};
}

EgressPod v6() {
  return {.owner = {"aws-cni", kId},
          .main_link = "eth0",
          .address = {ip("fd00::ac:2"), 118},
          .gateway = ip("fd00::ac:1"),
          .via = {},
          .node = ip("2600:1f14::5")};
}

std::string nat(const char* program = "iptables") {
  return sh(std::string(program) + "-save -t nat | grep -e ^-A -e '^:CNI' || true");
}

}  // namespace

TEST_CASE("the chain's name is upstream's") {
  CHECK(egress_chain(net::Family::v4, {"aws-cni", kId}) == kChainV4);
  CHECK(egress_chain(net::Family::v6, {"aws-cni", kId}) == "CNI-E6-807bd76e84ee4fda02860");
}

TEST_CASE("a plan that was carried out is empty, and a removal finds all of it") {
  const EgressSnat wanted{{"aws-cni", "c1"}, ip("169.254.172.2"), ip("10.0.0.5")};
  const std::string chain = egress_chain(net::Family::v4, wanted.owner);
  const std::string why = R"(-m comment --comment "name: \"aws-cni\" id: \"c1\"")";
  linux::SavedTable table{.name = "nat", .chains = {"POSTROUTING"}, .rules = {}};
  const std::string rules = "-A " + chain + " -d 224.0.0.0/4 " + why + " -j ACCEPT\n-A " + chain +
                            " " + why + " -j SNAT --to-source 10.0.0.5 --random-fully\n";
  const std::string jump = "-s 169.254.172.2/32 " + why + " -j " + chain;
  CHECK(plan_egress_snat(table, wanted) ==
        "*nat\n:" + chain + " - [0:0]\n" + rules + "-A POSTROUTING " + jump + "\nCOMMIT\n");
  CHECK(plan_egress_removal(table, chain).empty());

  table = must(linux::parse_save("nat", "*nat\n:POSTROUTING ACCEPT [0:0]\n:" + chain +
                                            " - [0:0]\n-A POSTROUTING " + jump + "\n" + rules +
                                            "COMMIT\n"));
  CHECK(plan_egress_snat(table, wanted).empty());
  auto other = wanted;
  other.pod = ip("169.254.172.9");
  CHECK(plan_egress_snat(table, other) == "*nat\n-D POSTROUTING " + jump +
                                              "\n-A POSTROUTING -s 169.254.172.9/32 " + why +
                                              " -j " + chain + "\nCOMMIT\n");
  other = wanted;
  other.randomize = RandomizeSnat::none;
  CHECK(plan_egress_snat(table, other).find("--to-source 10.0.0.5\n") != std::string::npos);
  CHECK(plan_egress_removal(table, chain) ==
        "*nat\n-D POSTROUTING " + jump + "\n-F " + chain + "\n-X " + chain + "\nCOMMIT\n");
}

TEST_CASE("IPv4 egress is worked example 9.5, and is gone after detach") {
  const TestHost host;
  host.add_enis();
  sh("iptables -t nat -A POSTROUTING -s 169.254.172.2 -j ACCEPT");  // not ours
  const std::string before = host_state() + nat();
  const TestPod pod;
  const auto ends = attach_egress(pod.path(), v4());
  REQUIRE(ends);
  CHECK(pod.sh("ip route") ==
        "default via 169.254.172.1 dev v4if0\n"
        "169.254.172.0/22 via 169.254.172.1 dev v4if0 src 169.254.172.2\n"
        "169.254.172.1 dev v4if0 scope link src 169.254.172.2\n");
  CHECK(pod.sh("ip -4 addr show dev v4if0 | grep inet") ==
        "    inet 169.254.172.2/22 brd 169.254.175.255 scope global v4if0\n");
  const std::string link = ends->host_link;
  CHECK(link.size() == 12);
  CHECK(link.starts_with("veth"));
  CHECK(sh("ip -4 addr show dev " + link + " | grep inet") ==
        "    inet 169.254.172.1/32 scope link " + link + "\n");
  CHECK(sh("ip route show 169.254.172.2") == "169.254.172.2 dev " + link + " scope link\n");
  CHECK(sh("cat /proc/sys/net/ipv4/ip_forward") == "1\n");
  CHECK(sh("cat /proc/sys/net/ipv6/conf/" + link + "/accept_ra") == "0\n");
  CHECK(sh("cat /sys/class/net/lo/mtu >/dev/null; ip link show " + link).find("mtu 9001") !=
        std::string::npos);
  const std::string why = "-m comment --comment \"name: \\\"aws-cni\\\" id: \\\"" + kId + "\\\"\"";
  const std::string chain = kChainV4;
  CHECK(nat() == ":" + chain + " - [0:0]\n-A POSTROUTING -s 169.254.172.2/32 -j ACCEPT\n" +
                     "-A POSTROUTING -s 169.254.172.2/32 " + why + " -j " + chain + "\n-A " +
                     chain + " -d 224.0.0.0/4 " + why + " -j ACCEPT\n-A " + chain + " " + why +
                     " -j SNAT --to-source 10.0.0.5 --random-fully\n");
  CHECK_NOTHROW(pod.sh("ping -q -c 1 -W 2 10.0.0.5"));

  SECTION("the pod's namespace is still there") {}
  SECTION("the links are gone already") {
    sh("ip link del " + link);
  }
  REQUIRE(detach_egress(net::Family::v4, v4().owner));
  CHECK(host_state() + nat() == before);
  REQUIRE(detach_egress(net::Family::v4, v4().owner));
  CHECK(host_state() + nat() == before);
}

TEST_CASE("pods share the node's egress address, not each other's") {
  const TestHost host;
  host.add_enis();
  const TestPod a;
  const TestPod b;
  auto second = v4();
  second.owner.container_id = "b";
  second.address.address = ip("169.254.172.3");
  REQUIRE(attach_egress(a.path(), v4()));
  REQUIRE(attach_egress(b.path(), second));
  for (const TestPod* pod : {&a, &b}) {
    CHECK_NOTHROW(pod->sh("ping -q -c 1 -W 2 10.0.0.5"));
  }
  REQUIRE(detach_egress(net::Family::v4, v4().owner));
  CHECK_NOTHROW(b.sh("ping -q -c 1 -W 2 10.0.0.5"));
  CHECK(nat().find("169.254.172.3/32") != std::string::npos);
  CHECK(nat().find("169.254.172.2/32") == std::string::npos);
}

TEST_CASE("egress that fails leaves everything as it was") {
  const TestHost host;
  host.add_enis();
  const TestPod pod;
  SECTION("the pod has such a link") {
    pod.sh("ip link add v4if0 type veth peer name other");
  }
  SECTION("the address is another live pod's") {
    sh("ip link add other type veth peer name peer; ip link set other up; ip link set peer up\n"
       "ip route add 169.254.172.2 dev other");
  }
  SECTION("the pod has a default route") {
    pod.sh(
        "ip link add uplink type veth peer name other\n"
        "ip link set other up; ip link set uplink up; ip route add default dev uplink");
  }
  sh("sysctl -qw net.ipv4.ip_forward=1; iptables-save -t nat >/dev/null");
  const std::string shown = "ip -4 route show table all; ip -o link | grep -c v4if0 || true";
  const std::string before = host_state() + nat() + pod.sh(shown);
  CHECK_FALSE(attach_egress(pod.path(), v4()));
  CHECK(host_state() + nat() + pod.sh(shown) == before);
}

TEST_CASE("egress of a namespace that is gone or the host's own is refused") {
  const TestHost host;
  const std::string before = host_state();
  CHECK(attach_egress("/run/netns/no-such-pod", v4()).error().code == Errc::not_found);
  CHECK(attach_egress("/proc/thread-self/ns/net", v4()).error().code == Errc::invalid_argument);
  auto mixed = v4();
  mixed.node = ip("2600::1");
  const TestPod pod;
  CHECK(attach_egress(pod.path(), mixed).error().code == Errc::invalid_argument);
  CHECK(host_state() == before);
}

TEST_CASE("IPv6 egress: default route to the host's end, usable at once") {
  const TestHost host;
  host.add_enis();
  sh("ip -6 addr add 2600:1f14::5/64 dev eth0 nodad");
  const std::string before = nat("ip6tables");
  const TestPod pod;
  REQUIRE(attach_pod(pod.path(), {{.address = ip("10.0.0.20"),
                                   .host_veth = "eni5e1c4d6c68c",
                                   .container_link = "eth0",
                                   .host_mac = host_veth_mac("a", "eth0")}}));
  const auto ends = attach_egress(pod.path(), v6());
  REQUIRE(ends);
  const std::string link = ends->host_link;
  const std::string via = sh("ip -6 -o addr show dev " + link +
                             " scope link | awk '{print $4}' | cut -d/ -f1 | tr -d '\\n'");
  CHECK(via.starts_with("fe80::"));
  CHECK(sh("ip -6 -o addr show dev " + link + " tentative").empty());
  CHECK(pod.sh("ip -6 route show default") ==
        "default via " + via + " dev v6if0 metric 1024 pref medium\n");
  CHECK(pod.sh("ip -6 addr show dev v6if0 | grep -o 'inet6 fd.*global'") ==
        "inet6 fd00::ac:2/118 scope global\n");
  CHECK(pod.sh("ip -6 -o addr show dev v6if0 tentative").empty());
  CHECK(pod.sh("cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6") == "1\n");
  CHECK(sh("ip -6 route show fd00::ac:2") ==
        "fd00::ac:2 dev " + link + " metric 1024 pref medium\n");
  CHECK(nat("ip6tables").find("-j SNAT --to-source 2600:1f14::5 --random-fully") !=
        std::string::npos);
  CHECK_NOTHROW(pod.sh("ping -q -c 1 -W 2 2600:1f14::5"));
  REQUIRE(detach_egress(net::Family::v6, v6().owner));
  CHECK(nat("ip6tables") == before);
  CHECK(sh("ip -o link | grep -c " + link + " || true") == "0\n");
}

TEST_CASE("new connections to egress addresses are refused, by one rule after two starts") {
  const TestHost host;
  host.add_enis();
  HostNetwork wanted{.primary_mac = mac("02:00:00:00:00:01"), .primary_ip = ip("10.0.0.5")};
  SECTION("IPv4 in an IPv6 cluster") {
    wanted.family = net::Family::v6;
    sh("iptables -A FORWARD -j ACCEPT");
    must(set_up_host_network(wanted));
    must(set_up_host_network(wanted));
    CHECK(sh("iptables-save -t filter | grep ^-A") ==
          "-A FORWARD -d 169.254.172.0/22 -m conntrack --ctstate NEW -m comment --comment \"Block "
          "Node Local Pod access via IPv4\" -j REJECT --reject-with icmp-port-unreachable\n"
          "-A FORWARD -j ACCEPT\n");
  }
  SECTION("IPv6 in an IPv4 cluster with IPv6 egress") {
    wanted.v6_egress = true;
    must(set_up_host_network(wanted));
    must(set_up_host_network(wanted));
    CHECK(sh("ip6tables-save -t filter | grep ^-A") ==
          "-A FORWARD -d fd00::ac:0/118 -m conntrack --ctstate NEW -m comment --comment \"Block "
          "Node Local Pod access via IPv6\" -j REJECT --reject-with icmp6-port-unreachable\n");
  }
  SECTION("not without egress") {
    must(set_up_host_network(wanted));
    CHECK(sh("iptables-save -t filter | grep ^-A || true").empty());
  }
}

}  // namespace vpccni::podnet
