// What speaks against a change by hand: above all, that a pod could lose its address by it.
#include "sre/may_change.h"

#include <catch2/catch.hpp>

namespace vpccni::sre {
namespace {

net::Ip ip(const char* text) {
  return *net::Ip::parse(text);
}
net::Cidr one(const char* text) {
  return net::Cidr::host(ip(text));
}

/// A node with a dead agent: eni-1 is primary; eni-2 has 10.0.0.30, 10.0.0.31 and a prefix.
struct Node {
  Node() {
    view.agent_trouble = "connection refused";
    add("eni-1", 0, {"10.0.0.5", "10.0.0.20"});
    add("eni-2", 1, {"10.0.0.10", "10.0.0.30", "10.0.0.31"});
    enis.back().eni.prefixes = {*net::Cidr::parse("10.0.1.16/28")};
  }
  void add(const char* id, int device, const std::vector<const char*>& addresses) {
    AttachedEni attached;
    attached.eni.id = net::EniId(id);
    attached.eni.attachment.emplace();
    attached.eni.attachment->device = net::DeviceIndex(device);
    for (const char* address : addresses) {
      attached.eni.addresses.push_back({ip(address), attached.eni.addresses.empty()});
    }
    attached.managed = true;
    enis.push_back(std::move(attached));
  }
  void pod(const char* address, const char* eni) {
    PodRow row;
    row.held.pod = {"default", "web", 1};
    row.held.address = ip(address);
    row.eni = net::EniId(eni);
    view.pods.push_back(row);
  }
  std::size_t against_address(const char* address) const {
    return against_unassign(view, one(address), enis).size();
  }
  std::size_t against_eni(const char* id) const {
    return against_detach(view, net::EniId(id), enis).size();
  }

  NodeView view;
  std::vector<AttachedEni> enis;
};

}  // namespace

TEST_CASE("by hand: what nobody has may go, once the agent is dead") {
  Node node;
  CHECK(node.against_address("10.0.0.30") == 0);
  CHECK(node.against_eni("eni-2") == 0);
  CHECK(against_unassign(node.view, *net::Cidr::parse("10.0.1.16/28"), node.enis).empty());
  CHECK(node.against_address("10.0.9.9") == 0);  // on no ENI: there is nothing to do
  node.view.agent_trouble.clear();
  CHECK(node.against_address("10.0.0.30") == 1);
  CHECK(node.against_eni("eni-2") == 1);
}

TEST_CASE("by hand: an address that agent, checkpoint or kernel names stays, and so does its ENI") {
  Node known;
  known.pod("10.0.0.30", "eni-2");
  CHECK(known.against_address("10.0.0.30") == 1);
  CHECK(known.against_address("10.0.0.31") == 0);
  CHECK(known.against_eni("eni-2") >= 1);

  Node routed;
  routed.view.kernel.routes = {{.destination = one("10.0.1.17")}};
  CHECK(against_unassign(routed.view, *net::Cidr::parse("10.0.1.16/28"), routed.enis).size() == 1);
  CHECK(routed.against_eni("eni-2") == 1);

  Node ruled;
  ruled.view.kernel.rules = {{.priority = net::RulePriority(1536), .from = one("10.0.0.31")}};
  CHECK(ruled.against_address("10.0.0.31") == 1);
  CHECK(ruled.against_eni("eni-2") == 1);

  Node lost;  // of a pod, but on which ENI?
  lost.pod("10.0.7.7", "");
  lost.view.pods.back().quarantined = true;
  CHECK(lost.against_eni("eni-2") == 1);
}

TEST_CASE("by hand: nothing is taken while it is not known who lives") {
  Node node;
  node.view.checkpoint_trouble = "permission denied";
  CHECK(node.against_address("10.0.0.30") == 1);
  node.view.kernel_trouble = "permission denied";
  CHECK(node.against_eni("eni-2") == 2);
}

TEST_CASE("by hand: primary addresses, the primary ENI, trunks and others' ENIs stay") {
  Node node;
  CHECK(node.against_address("10.0.0.10") == 1);
  CHECK(node.against_eni("eni-1") == 1);
  node.enis[1].eni.kind = aws::EniKind::trunk;
  CHECK(node.against_eni("eni-2") == 1);
  CHECK(against_assign(net::EniId("eni-2"), node.enis).size() == 1);
  node.enis[1].eni.kind = aws::EniKind::ordinary;
  CHECK(against_assign(net::EniId("eni-2"), node.enis).empty());
  node.enis[1].managed = false;
  node.enis[1].because = "tag no_manage is true";
  CHECK(node.against_eni("eni-2") == 1);
  CHECK(node.against_address("10.0.0.30") == 1);
  CHECK(against_assign(net::EniId("eni-2"), node.enis).size() == 1);
  CHECK(against_assign(net::EniId("eni-9"), node.enis).size() == 1);
}

}  // namespace vpccni::sre
