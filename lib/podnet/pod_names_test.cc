#include <catch2/catch.hpp>

#include "podnet/pod.h"

namespace vpccni::podnet {

TEST_CASE("names of a pod's links are those of every version before") {
  CHECK(host_veth_name("eni", "default", "pod-a", 0) == "eni5e1c4d6c68c");
  CHECK(host_veth_name("eni", "default", "pod-b", 0) == "eni2f5353dd8c5");
  CHECK(host_veth_name("vlan", "default", "pod-c", 0) == "vlan3754a2f57f6");
  CHECK(host_veth_name("eni", "default", "pod-a", 1) == "enib9b1b22027a");
  CHECK(dummy_name("default", "pod-a") == "dummy5e1c4d6c68c");
  CHECK(container_link_name("eth0", 0) == "eth0");
  CHECK(container_link_name("eth0", 2) == "mNicIf2");
}

TEST_CASE("a host veth's MAC is local, unicast and follows from container and interface") {
  for (int i = 0; i < 200; ++i) {
    const auto one = host_veth_mac("c" + std::to_string(i), "eth0");
    CHECK((one.bytes()[0] & 3U) == 2U);
    CHECK(one == host_veth_mac("c" + std::to_string(i), "eth0"));
    CHECK(one != host_veth_mac("c" + std::to_string(i), "eth1"));
    CHECK(one != host_veth_mac("c" + std::to_string(i + 1), "eth0"));
  }
}

}  // namespace vpccni::podnet
