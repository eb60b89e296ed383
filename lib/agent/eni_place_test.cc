// Where new ENIs are made: with custom networking, and what is said when that cannot be known.
#include "agent/eni_place.h"

#include <catch2/catch.hpp>

#include "agent/test_vpc.h"

namespace vpccni::agent {
namespace {

struct Site : test::VpcSite {
  Site() {
    node.settings.enable_ipv4 = true;
    node.settings.custom_networking = true;
    pods = *model.add_subnet(
        {.vpc = topology.vpc, .cidr = *net::Cidr::parse("10.0.64.0/24"), .zone = instance.zone});
    edges.eni_config = [this] { return config; };
  }
  void names(const net::SubnetId& subnet, std::vector<net::SecurityGroupId> groups = {}) {
    config = k8s::EniConfig{"custom", subnet, std::move(groups)};
  }
  std::string why() {
    const auto place = place_of_new_eni(edges, node);
    REQUIRE_FALSE(place);
    CHECK(place.error().cause == ipam::kEniConfigMissing);
    return place.error().message;
  }

  net::SubnetId pods;
  Result<k8s::EniConfig> config = Error{};
};

}  // namespace

TEST_CASE("custom networking: the ENIConfig's subnet and groups") {
  Site site;
  site.names(site.pods, {net::SecurityGroupId("sg-2"), net::SecurityGroupId("sg-1")});
  const auto place = place_of_new_eni(site.edges, site.node);
  REQUIRE(place);
  REQUIRE(place->subnets.size() == 1);
  CHECK(place->subnets.front().id == site.pods);
  CHECK(place->subnets.front().cidr == *net::Cidr::parse("10.0.64.0/24"));
  REQUIRE(place->groups.size() == 2);
  CHECK(to_string(place->groups.front()) == "sg-2");  // as they are listed there

  site.names(site.pods);
  CHECK(place_of_new_eni(site.edges, site.node)->groups ==
        site.model.find_eni(site.instance.primary_eni)->groups);
}

TEST_CASE("custom networking: what is wrong with an ENIConfig is said, and EC2 changes nothing") {
  Site site;
  site.config = Error{Errc::not_found, "ENIConfig \"x\" does not exist", ipam::kEniConfigMissing};
  CHECK(site.why().find("\"x\" does not exist") != std::string::npos);
  site.names({});
  CHECK(site.why().find("names no subnet") != std::string::npos);
  site.names(site.topology.subnets[1]);  // of zone b
  CHECK(site.why().find("no subnet of this VPC in zone") != std::string::npos);
  site.edges.eni_config = nullptr;
  CHECK(site.why().find("API server") != std::string::npos);
  CHECK(site.calls("CreateNetworkInterface") == 0);
}

TEST_CASE("custom networking: a subnet that EC2 may not list is used unseen") {
  Site site;
  site.names(site.pods);
  site.model.faults().add({.kind = vpc::FaultKind::deny, .action = "DescribeSubnets"});
  const auto place = place_of_new_eni(site.edges, site.node);
  REQUIRE(place);
  CHECK(place->subnets.front().id == site.pods);
  CHECK(place->subnets.front().cidr.length() == 0);
  const auto ready = create_eni(site.edges, site.node, {.addresses = 3}, site.stop);
  INFO((ready ? "" : ready.error().message));
  REQUIRE(ready);
  CHECK(ready->blocks.size() == 3);
  CHECK(site.model.find_eni(ready->facts.id)->subnet == site.pods);
}

TEST_CASE("custom networking: the primary ENI serves no pods, others do") {
  Site site;
  const auto& primary = *site.model.find_eni(site.instance.primary_eni);
  CHECK_FALSE(eni_facts(primary, {}, site.node).for_pods);
  const auto other = site.attached(1, "aws-K8S-x", {});
  CHECK(eni_facts(*site.model.find_eni(other), {}, site.node).for_pods);
  site.node.settings.custom_networking = false;
  CHECK(eni_facts(primary, {}, site.node).for_pods);
}

}  // namespace vpccni::agent
