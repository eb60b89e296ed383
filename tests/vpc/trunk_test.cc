// What the VPC resource controller does with trunk and branch ENIs, and the controller's stand-in;
// and the model's instance type with two network cards.
#include <catch2/catch.hpp>

#include "tests/vpc/resource_controller.h"
#include "tests/vpc/topology.h"

namespace vpccni::vpc {
namespace {

using namespace std::chrono_literals;

base::Instant at(base::Duration after) {
  return base::Instant{} + std::chrono::hours(24 * 365 * 50) + after;
}

constexpr const char* kResource = "vpc.amazonaws.com/pod-eni";
constexpr const char* kNode = "node-a";

template <class T>
std::string cause(const Result<T>& result) {
  return result ? "success" : result.error().cause;
}

struct Site {
  explicit Site(const std::string& type = "m5.large")
      : topology(default_topology(model, at(0s))),
        subnet(topology.subnets.front()),
        instance(*model.run_instance({.type = type, .subnet = subnet}, at(0s))) {
    kubernetes.add_node(kNode, 29);
    kubernetes.add_cni_node(kNode);
    controller.add_node(kNode, instance.id);
  }
  ~Site() { CHECK(model.check()); }

  net::EniId make(aws::EniKind kind) {
    return model.create_interface({.subnet = subnet, .kind = kind}, at(0s))->id;
  }
  std::vector<BranchChange> branch_changes() {
    std::vector<BranchChange> out;
    for (const auto& change : model.take_changes()) {
      if (const auto* branch = std::get_if<BranchChange>(&change)) {
        out.push_back(*branch);
      }
    }
    return out;
  }
  const Eni* trunk() const {
    for (const auto& [id, eni] : model.enis()) {
      if (eni.kind == aws::EniKind::trunk) {
        return &eni;
      }
    }
    return nullptr;
  }
  int branches() const {
    int count = 0;
    for (const auto& [id, eni] : model.enis()) {
      count += eni.kind == aws::EniKind::branch ? 1 : 0;
    }
    return count;
  }
  void ask(base::Json features) {
    kubernetes.patch_object("cninodes", {"", kNode},
                            {{"spec", {{"features", std::move(features)}}}});
  }
  /// A trunk ENI that is attached, and the time by then.
  void with_trunk() {
    ask({{{"name", "SecurityGroupsForPods"}, {"value", ""}}});
    controller.look(at(0s));
    REQUIRE(trunk() != nullptr);
    model.advance(at(10s));
    (void)model.take_changes();
  }
  void pod(const std::string& name, const std::string& uid, bool branch = true,
           const std::string& node = kNode) {
    kubernetes.put_pod("default", name, node);
    base::Json container = {{"name", "c"}};
    if (branch) {
      container["resources"] = {{"limits", {{kResource, "1"}}}};
    }
    kubernetes.patch_pod("default", name,
                         {{"metadata", {{"uid", uid}}}, {"spec", {{"containers", {container}}}}});
  }
  /// The first of its annotation; null: it has none.
  base::Json annotation(const std::string& name) {
    const auto& pod = kubernetes.objects("pods").at({"default", name});
    const auto* annotations = base::find_member(pod["metadata"], "annotations");
    if (annotations == nullptr) {
      return {};
    }
    const auto list = base::parse_json((*annotations)[kResource].get<std::string>());
    REQUIRE(list);
    REQUIRE(list->size() == 1);
    return (*list)[0];
  }

  event::Loop loop;
  KubernetesFace kubernetes{loop};
  Model model;
  Topology topology;
  net::SubnetId subnet;
  Instance instance;
  ResourceController controller{model, kubernetes};
};

}  // namespace

TEST_CASE("a branch ENI is on one trunk with a VLAN that nobody else has there") {
  Site site;
  const auto trunk = site.make(aws::EniKind::trunk);
  const auto other = site.make(aws::EniKind::trunk);
  const auto plain = site.make(aws::EniKind::ordinary);
  const auto one = site.make(aws::EniKind::branch);
  const auto two = site.make(aws::EniKind::branch);
  const auto associate = [&](const auto& branch, const auto& on, int vlan) {
    return cause(site.model.associate(branch, on, net::VlanId(vlan), at(1s)));
  };
  CHECK(associate(plain, trunk, 1) == "InvalidParameterValue");
  CHECK(associate(one, plain, 1) == "InvalidParameterValue");
  CHECK(associate(one, trunk, 0) == "InvalidParameterValue");
  CHECK(associate(one, trunk, 4095) == "InvalidParameterValue");
  CHECK(associate(net::EniId("eni-0none"), trunk, 1) == "InvalidNetworkInterfaceID.NotFound");
  CHECK(associate(one, net::EniId("eni-0none"), 1) == "InvalidNetworkInterfaceID.NotFound");
  CHECK(site.branch_changes().empty());

  CHECK(associate(one, trunk, 1) == "success");
  CHECK(associate(one, other, 2) == "InvalidParameterValue");  // it is in use
  CHECK(associate(two, trunk, 1) == "InvalidParameterValue");  // so is the VLAN
  CHECK(associate(two, other, 1) == "success");                // another trunk's VLANs are its own
  CHECK(site.model.find_eni(one)->status == "in-use");
  CHECK(cause(site.model.remove(one, at(1s))) == "InvalidParameterValue");
  CHECK(cause(site.model.attach(one, site.instance.id, net::NetworkCard(0), net::DeviceIndex(1),
                                at(1s))) == "InvalidNetworkInterface.InUse");

  CHECK(site.model.disassociate(one, at(2s)));
  CHECK(cause(site.model.disassociate(one, at(2s))) == "InvalidAssociationID.NotFound");
  CHECK(site.model.find_eni(one)->status == "available");
  const auto changes = site.branch_changes();
  REQUIRE(changes.size() == 3);
  CHECK(changes[0].associated);
  CHECK(changes[0].branch == one);
  CHECK(changes[0].trunk == trunk);
  CHECK(changes[0].vlan == net::VlanId(1));
  CHECK(changes[1].trunk == other);
  CHECK_FALSE(changes[2].associated);
  CHECK(changes[2].branch == one);
  CHECK(changes[2].at == at(2s).steady);
  CHECK(associate(one, trunk, 1) == "success");  // the VLAN is free again
  CHECK(site.model.disassociate(one, at(3s)));
  CHECK(site.model.remove(one, at(3s)));
}

TEST_CASE("controller: a node gets a trunk when its CNINode asks, and only one") {
  Site site;
  site.controller.look(at(0s));
  CHECK(site.trunk() == nullptr);
  site.ask({{{"name", "CustomNetworking"}, {"value", "blue"}}});
  site.controller.look(at(1s));
  CHECK(site.trunk() == nullptr);
  site.ask({{{"name", "SecurityGroupsForPods"}, {"value", ""}}});
  site.controller.options().on = false;
  site.controller.look(at(2s));
  CHECK(site.trunk() == nullptr);
  site.controller.options().on = true;
  site.controller.look(at(3s));
  REQUIRE(site.trunk() != nullptr);
  const net::EniId id = site.trunk()->id;
  CHECK(site.trunk()->attachment->status == "attaching");
  CHECK(site.trunk()->attachment->device == net::DeviceIndex(1));
  CHECK(site.trunk()->groups == site.model.find_eni(site.instance.primary_eni)->groups);
  CHECK(site.kubernetes.objects("nodes")
            .at({"", kNode})
            .at(base::Json::json_pointer("/status/capacity/vpc.amazonaws.com~1pod-eni")) == "54");
  site.controller.look(at(3s));
  site.controller.look(at(20s));
  CHECK(site.model.enis().size() == 2);
  CHECK(site.trunk()->id == id);
}

TEST_CASE("controller: as long as the card is full there is no trunk") {
  Site site("tiny.test");  // 2 ENIs
  const auto held = site.make(aws::EniKind::ordinary);
  const auto attachment =
      site.model.attach(held, site.instance.id, net::NetworkCard(0), net::DeviceIndex(1), at(0s));
  REQUIRE(attachment);
  site.ask({{{"name", "SecurityGroupsForPods"}, {"value", ""}}});
  site.controller.look(at(5s));
  CHECK(site.trunk() == nullptr);
  REQUIRE(site.model.detach(*attachment, at(6s)));
  site.model.advance(at(20s));
  site.controller.look(at(20s));
  CHECK(site.trunk() != nullptr);
}

TEST_CASE("controller: pods that ask get branch ENIs of their own") {
  Site site;
  site.with_trunk();
  site.pod("one", "u1");
  site.pod("two", "u2");
  site.pod("plain", "u3", false);
  site.pod("elsewhere", "u4", true, "node-b");
  site.controller.look(at(11s));
  CHECK(site.annotation("one").is_null());  // it takes its time
  site.controller.look(at(12s));
  const auto one = site.annotation("one");
  const auto two = site.annotation("two");
  CHECK(site.annotation("plain").is_null());
  CHECK(site.annotation("elsewhere").is_null());
  CHECK(site.branches() == 2);
  const Eni* eni = site.model.find_eni(net::EniId(one["eniId"].get<std::string>()));
  REQUIRE(eni != nullptr);
  CHECK(one["privateIp"] == to_string(eni->primary()));
  CHECK(one["ifAddress"] == to_string(eni->mac));
  CHECK(one["subnetCidr"] == "10.0.1.0/24");
  REQUIRE(eni->branch_of);
  CHECK(eni->branch_of->trunk == site.trunk()->id);
  CHECK(one["vlanID"] == 1);
  CHECK(two["vlanID"] == 2);
  CHECK(two["eniId"] != one["eniId"]);
  site.controller.look(at(13s));
  CHECK(site.branches() == 2);
  CHECK(site.annotation("one") == one);
}

TEST_CASE("controller: with custom networking branch ENIs are as the ENIConfig says") {
  Site site;
  site.with_trunk();
  site.kubernetes.put_eni_config("blue", {{"subnet", to_string(site.topology.subnets[1])},
                                          {"securityGroups", {to_string(site.topology.nodes)}}});
  site.ask({{{"name", "SecurityGroupsForPods"}, {"value", ""}},
            {{"name", "CustomNetworking"}, {"value", "blue"}}});
  site.pod("one", "u1");
  site.controller.look(at(11s));
  site.controller.look(at(12s));
  const auto one = site.annotation("one");
  CHECK(one["subnetCidr"] == "10.0.2.0/24");
  const Eni* eni = site.model.find_eni(net::EniId(one["eniId"].get<std::string>()));
  REQUIRE(eni != nullptr);
  CHECK(eni->groups == std::vector{site.topology.nodes});
}

TEST_CASE("controller: a pod that comes again under its name gets another branch ENI") {
  Site site;
  site.with_trunk();
  site.pod("db-0", "u1");
  site.controller.look(at(11s));
  site.controller.look(at(12s));
  const auto old = site.annotation("db-0");
  site.kubernetes.remove_pod("default", "db-0");
  site.controller.look(at(13s));
  site.pod("db-0", "u2");
  CHECK(site.annotation("db-0").is_null());
  site.controller.look(at(14s));
  site.controller.look(at(15s));
  const auto fresh = site.annotation("db-0");
  CHECK(fresh["eniId"] != old["eniId"]);
  CHECK(fresh["privateIp"] != old["privateIp"]);
  CHECK(fresh["vlanID"] == 2);  // the old one's cools
  CHECK(site.branches() == 2);

  site.controller.look(at(42s));
  CHECK(site.branches() == 2);
  site.controller.look(at(43s));  // 30 s after it was seen to be gone
  CHECK(site.branches() == 1);
  CHECK(site.model.find_eni(net::EniId(old["eniId"].get<std::string>())) == nullptr);
  CHECK_FALSE(site.branch_changes().back().associated);
  site.pod("web", "u3");
  site.controller.look(at(44s));
  site.controller.look(at(45s));
  CHECK(site.annotation("web")["vlanID"] == 1);
}

TEST_CASE("duo.test: each card has its own places, and IMDS tells the card") {
  Site site("duo.test");
  const auto attach = [&](int card, int device) {
    return cause(site.model.attach(site.make(aws::EniKind::ordinary), site.instance.id,
                                   net::NetworkCard(card), net::DeviceIndex(device), at(1s)));
  };
  const auto* limits = site.model.find_limits("duo.test");
  REQUIRE(limits != nullptr);
  CHECK(limits->ipv4_per_eni == 4);
  REQUIRE(limits->cards.size() == 2);
  CHECK(limits->cards[0].enis == 2);
  CHECK(limits->cards[1].enis == 2);
  CHECK(attach(0, 1) == "success");
  CHECK(attach(0, 2) == "AttachmentLimitExceeded");
  CHECK(attach(1, 0) == "success");  // a device index counts on its card
  CHECK(attach(1, 0) == "InvalidParameterValue");
  CHECK(attach(1, 1) == "success");
  CHECK(attach(1, 2) == "AttachmentLimitExceeded");
  CHECK(attach(2, 0) == "InvalidParameterValue");
  site.model.advance(at(20s));
  std::vector<std::pair<int, int>> shown;
  for (const auto& eni : site.model.imds_enis(site.instance.id, at(20s))) {
    shown.emplace_back(eni.card.value(), eni.device ? eni.device->value() : -1);
  }
  CHECK(shown == std::vector<std::pair<int, int>>{{0, 0}, {0, 1}, {1, 0}, {1, 1}});
}

}  // namespace vpccni::vpc
