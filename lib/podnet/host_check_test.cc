// On the real kernel, in namespaces that the tests make: needs root.
#include "podnet/host_check.h"

#include <catch2/catch.hpp>

#include "podnet/pod.h"
#include "podnet/test_host.h"

namespace vpccni::podnet {

namespace {

/// Worked example 9.1 with its two pods, and what should be there.
struct WiredHost {
  WiredHost() {
    host.add_enis();
    wanted.network = {.primary_mac = mac("02:00:00:00:00:01"), .primary_ip = ip("10.0.0.5")};
    wanted.network.external_services = {cidr("1.2.3.0/24")};
    wanted.enis = {{.mac = mac("02:00:00:00:00:02"),
                    .ip = ip("10.0.1.10"),
                    .subnet = cidr("10.0.1.0/24"),
                    .table = net::TableId(2)}};
    wanted.pods = {{ip("10.0.0.20"), net::kMainTable, "eni-a"},
                   {ip("10.0.1.30"), net::TableId(2), "eni-b"}};
    must(set_up_host_network(wanted.network));
    must(update_external_service_rules(wanted.network.external_services));
    must(set_up_eni(wanted.enis.front()));
    for (std::size_t i = 0; i < 2; ++i) {
      must(attach_pod(pods[i].path(), {{.address = wanted.pods[i].address,
                                        .host_veth = wanted.pods[i].host_veth,
                                        .container_link = "eth0",
                                        .host_mac = host_veth_mac("c" + std::to_string(i), "eth0"),
                                        .table = wanted.pods[i].table}}));
    }
  }
  std::vector<Fault> faults() const { return find_faults(wanted, must(read_host(wanted))); }

  TestHost host;
  TestPod pods[2];  // NOLINT(modernize-avoid-c-arrays)
  WantedHost wanted;
};

std::string names(const std::vector<Fault>& faults) {
  std::string text;
  for (const Fault& fault : faults) {
    text += std::string(to_string(fault.object)) + " ";
  }
  return text;
}

}  // namespace

TEST_CASE("whatever of ours is removed is found, and a repair brings back exactly that") {
  const WiredHost wired;
  REQUIRE(names(wired.faults()).empty());
  const std::string before = sh("ip rule | sort");
  struct Row {
    const char* harm;
    const char* found;
  };
  for (const Row& row :
       {Row{"ip rule del to 10.0.0.20 pref 512", "rule_to "},
        Row{"ip rule del from 10.0.1.30 pref 1536", "rule_from "},
        Row{"ip rule del pref 1024", "rule_mark "}, Row{"ip rule del pref 1535", "rule_service "},
        Row{"ip rule del from 10.0.1.10 pref 32765", "rule_eni "},
        Row{"ip route del 10.0.1.30 dev eni-b", "route_pod "},
        Row{"ip route replace 10.0.0.20 dev eth0", "route_pod "},
        Row{"ip route del default table 2", "route_eni "},
        Row{"ip route flush table 2", "route_eni route_eni "},
        Row{"ip addr del 10.0.1.10/24 dev eth1", "address route_eni route_eni "},
        Row{"ip link set eni-b down", "link route_pod "},
        Row{"ip link set eth1 down", "link route_eni route_eni "},
        Row{"ip link set eth1 mtu 1500", "link "}}) {
    CAPTURE(row.harm);
    sh(row.harm);
    const auto faults = wired.faults();
    CHECK(names(faults) == row.found);
    for (const Fault& fault : faults) {
      CHECK(repair(fault));
    }
    CHECK(names(wired.faults()).empty());
  }
  CHECK(sh("ip rule | sort") == before);
}

TEST_CASE("a pod without its link is told and not repaired; foreign objects are no faults") {
  const WiredHost wired;
  sh("ip rule add from 10.0.1.30 to 9.9.9.9 lookup 77 pref 1536; ip route add 9.9.9.9 dev eth0\n"
     "ip addr add 10.99.0.1/24 dev eth1; ip rule add pref 512 lookup 8");
  CHECK(names(wired.faults()).empty());
  sh("ip link del eni-a");
  const auto faults = wired.faults();
  REQUIRE(names(faults) == "pod_link ");
  CHECK(faults.front().what == "link eni-a of pod 10.0.0.20");
  CHECK(faults.front().repair.empty());
  CHECK(names(find_pod_faults(wired.wanted.pods[0], must(read_host(wired.wanted)))) == "pod_link ");
  CHECK(find_pod_faults(wired.wanted.pods[1], must(read_host(wired.wanted))).empty());
}

}  // namespace vpccni::podnet
