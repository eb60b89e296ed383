// Subnets of new ENIs and device indexes (spec agent.md 4.9, 11.6).
#include "agent/choose_subnet.h"

#include <catch2/catch.hpp>

#include "agent/subnets_to_try.h"
#include "agent/test_vpc.h"

namespace vpccni::agent {
namespace {

using settings::SubnetTags;

constexpr auto kRole = "kubernetes.io/role/cni";
constexpr auto kOwn = "cni.networking.k8s.aws/cluster/mine";
constexpr auto kOther = "cni.networking.k8s.aws/cluster/theirs";

aws::Subnet subnet(const char* id, int free, aws::Tags tags = {}) {
  aws::Subnet one;
  one.id = net::SubnetId(id);
  one.available_addresses = free;
  one.tags = std::move(tags);
  return one;
}

SubnetRules rules(SubnetTags tags, bool discovery = true) {
  return {net::SubnetId("primary"), discovery, tags, "mine"};
}

bool usable(const char* id, const aws::Tags& tags, const SubnetRules& by) {
  return candidate_subnets({subnet(id, 9, tags)}, by).has_value();
}

TEST_CASE("subnets of 1.21: the primary's and tagged ones whatever the value, most free first") {
  const std::vector<aws::Subnet> all = {subnet("primary", 5), subnet("b", 50),
                                        subnet("c", 9, {{kRole, "0"}}),
                                        subnet("d", 9, {{kRole, ""}})};
  const auto found = candidate_subnets(all, rules(SubnetTags::by_key));
  REQUIRE(found);
  REQUIRE(found->size() == 3);
  CHECK((*found)[0].id == net::SubnetId("c"));  // as listed among equals
  CHECK((*found)[1].id == net::SubnetId("d"));
  CHECK((*found)[2].id == net::SubnetId("primary"));
  const auto alone = candidate_subnets(all, rules(SubnetTags::by_key, false));
  REQUIRE(alone);
  CHECK(alone->size() == 1);
  CHECK(usable("primary", {{kRole, "0"}}, rules(SubnetTags::by_key)));
}

TEST_CASE("subnets of 1.23: value and cluster count") {
  struct Row {
    const char* name;
    aws::Tags tags;
    bool primary, secondary, excluded;
  };
  const Row rows[] = {{"none", {}, true, false, false},
                      {"empty", {{kRole, ""}}, true, false, false},
                      {"0", {{kRole, "0"}}, false, false, true},
                      {"1", {{kRole, "1"}}, true, true, false},
                      {"1, own cluster", {{kRole, "1"}, {kOwn, ""}}, true, true, false},
                      {"1, other cluster", {{kRole, "1"}, {kOther, ""}}, false, false, true},
                      {"1, both", {{kRole, "1"}, {kOwn, ""}, {kOther, ""}}, true, true, false},
                      {"0, own cluster", {{kRole, "0"}, {kOwn, ""}}, false, false, true},
                      {"other cluster alone", {{kOther, ""}}, true, false, false}};
  for (const Row& row : rows) {
    INFO(row.name);
    const auto by = rules(SubnetTags::by_value);
    CHECK(usable("primary", row.tags, by) == row.primary);
    CHECK(usable("other", row.tags, by) == row.secondary);
    CHECK(is_excluded(subnet("any", 1, row.tags), by) == row.excluded);
    CHECK_FALSE(is_excluded(subnet("any", 1, row.tags), rules(SubnetTags::by_key)));
    // Without discovery only exclusion is asked for, and no other subnet is used.
    CHECK(usable("primary", row.tags, rules(SubnetTags::by_value, false)) == !row.excluded);
    CHECK_FALSE(usable("other", row.tags, rules(SubnetTags::by_value, false)));
  }
  SubnetRules nameless = rules(SubnetTags::by_value);
  nameless.cluster = "";
  CHECK(usable("other", {{kRole, "1"}, {kOther, ""}}, nameless));
}

TEST_CASE("subnets: an ENI's subnet that is not listed is not excluded") {
  const auto by = rules(SubnetTags::by_value);
  const std::vector<aws::Subnet> listed = {subnet("a", 1, {{kRole, "0"}}), subnet("b", 1)};
  CHECK(is_excluded(listed, net::SubnetId("a"), by));
  CHECK_FALSE(is_excluded(listed, net::SubnetId("b"), by));
  CHECK_FALSE(is_excluded(listed, net::SubnetId("elsewhere"), by));
}

TEST_CASE("subnets: none is an error that says why") {
  const auto missing = candidate_subnets({subnet("x", 9)}, rules(SubnetTags::by_key));
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Errc::not_found);
  CHECK(missing.error().message.find("primary, is not in EC2's list") != std::string::npos);
  const auto excluded =
      candidate_subnets({subnet("primary", 9, {{kRole, "0"}})}, rules(SubnetTags::by_value));
  REQUIRE_FALSE(excluded);
  CHECK(excluded.error().message.find("kubernetes.io/role/cni=0)") != std::string::npos);
  const auto theirs = candidate_subnets({subnet("primary", 9, {{kRole, "1"}, {kOther, ""}})},
                                        rules(SubnetTags::by_value));
  REQUIRE_FALSE(theirs);
  CHECK(theirs.error().message.find("for other clusters") != std::string::npos);
}

TEST_CASE("subnets: what the settings make of the rules") {
  Node node;
  node.identity.primary_subnet = net::SubnetId("primary");
  node.settings.enable_ipv4 = true;
  node.settings.cluster_name = "mine";
  CHECK(subnet_rules(node).discovery);
  CHECK(subnet_rules(node).tags == SubnetTags::by_key);
  CHECK(subnet_rules(node).cluster == "mine");
  node.settings.custom_networking = true;
  CHECK_FALSE(subnet_rules(node).discovery);
  node.settings.custom_networking = false;
  node.settings.enable_ipv4 = false;
  node.settings.enable_ipv6 = true;
  CHECK_FALSE(subnet_rules(node).discovery);  // 1.21: IPv4 only
  node.settings.subnet_tags = SubnetTags::by_value;
  CHECK(subnet_rules(node).discovery);
}

TEST_CASE("subnets to try: EC2's list, or the primary's when there is none") {
  test::VpcSite site;
  site.node.settings.enable_ipv4 = true;
  const auto own = site.topology.subnets[0];
  const auto other = *site.model.add_subnet({.vpc = site.topology.vpc,
                                             .cidr = *net::Cidr::parse("10.0.64.0/18"),
                                             .zone = site.instance.zone,
                                             .tags = {{kRole, "1"}}});
  auto found = subnets_to_try(site.edges, site.node);
  REQUIRE(found);
  REQUIRE(found->size() == 2);
  CHECK(found->front().id == other);  // it has more room
  CHECK(site.calls("DescribeSubnets") == 1);

  site.node.settings.enable_subnet_discovery = false;
  found = subnets_to_try(site.edges, site.node);
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  CHECK(found->front().id == own);
  CHECK(found->front().cidr == *net::Cidr::parse("10.0.1.0/24"));
  CHECK(site.calls("DescribeSubnets") == 1);  // nobody had to be asked

  site.model.faults().add({.kind = vpc::FaultKind::deny, .action = "DescribeSubnets"});
  site.node.settings.enable_subnet_discovery = true;
  found = subnets_to_try(site.edges, site.node);
  REQUIRE(found);
  CHECK(found->front().id == own);
  CHECK(site.logged("does not list subnets"));

  site.node.settings.subnet_tags = SubnetTags::by_value;  // it may be excluded: nobody can tell
  const auto refused = subnets_to_try(site.edges, site.node);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().cause == "UnauthorizedOperation");
  site.node.settings.enable_subnet_discovery = false;
  CHECK(subnets_to_try(site.edges, site.node));
}

TEST_CASE("subnets to try: an excluded primary subnet is refused by value, and not by key") {
  test::VpcSite site;
  site.node.settings.enable_ipv4 = true;
  site.model.edit_subnet(site.topology.subnets[0])->tags = {{kRole, "0"}};
  CHECK(subnets_to_try(site.edges, site.node));
  site.node.settings.subnet_tags = SubnetTags::by_value;
  for (const bool discovery : {true, false}) {
    site.node.settings.enable_subnet_discovery = discovery;
    const auto found = subnets_to_try(site.edges, site.node);
    REQUIRE_FALSE(found);
    CHECK(found.error().message.find("excluded by its tags") != std::string::npos);
  }
}

TEST_CASE("the lowest free device index of the card") {
  const auto at = [](int card, int device) {
    aws::Attachment one;
    one.card = net::NetworkCard(card);
    one.device = net::DeviceIndex(device);
    return one;
  };
  CHECK(free_device_index({at(0, 0), at(0, 2), at(1, 1)}, net::NetworkCard(0)) == 1);
  std::vector<aws::Attachment> full;
  for (int i = 0; i < 100; ++i) {
    full.push_back(at(0, i));
  }
  CHECK(free_device_index(full, net::NetworkCard(0)) == -1);
}

}  // namespace
}  // namespace vpccni::agent
