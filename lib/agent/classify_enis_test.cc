// Which ENIs are ours (spec agent.md 4.10, 11.4).
#include "agent/classify_enis.h"

#include <catch2/catch.hpp>

#include "aws/instance_limits.h"

namespace vpccni::agent {
namespace {

using Is = EniClass;

constexpr auto kNoManage = "node.k8s.amazonaws.com/no_manage";
constexpr auto kInstance = "node.k8s.amazonaws.com/instance_id";

Node node_of(const std::string& type = "m5.xlarge") {
  Node node;
  node.identity.id = net::InstanceId("i-1");
  node.limits = *aws::instance_limits(type);
  node.settings.enable_ipv4 = true;
  return node;
}

struct Wanted {
  int card = 0;
  int device = 0;
  aws::Tags tags = {};
  aws::EniKind kind = aws::EniKind::ordinary;
};

/// "eni-<card>-<device>", attached to i-1, with an address unless EFA-only.
aws::Eni eni(const Wanted& wanted) {
  aws::Eni one;
  one.id = net::EniId("eni-" + std::to_string(wanted.card) + "-" + std::to_string(wanted.device));
  one.tags = wanted.tags;
  one.kind = wanted.kind;
  if (wanted.kind != aws::EniKind::efa_only) {
    one.addresses = {{net::Ip::v4(0x0a000001U + static_cast<std::uint32_t>(wanted.device)), true}};
  }
  one.attachment.emplace();
  one.attachment->instance = net::InstanceId("i-1");
  one.attachment->card = net::NetworkCard(wanted.card);
  one.attachment->device = net::DeviceIndex(wanted.device);
  one.attachment->status = "attached";
  return one;
}

std::vector<ClassifiedEni> classified(std::vector<aws::Eni> enis, const Node& node) {
  return classify_enis(std::move(enis), node, ListedBy::ec2);
}

std::vector<Is> classes(std::vector<aws::Eni> enis, const Node& node, ListedBy by = ListedBy::ec2) {
  std::vector<Is> out;
  for (const auto& one : classify_enis(std::move(enis), node, by)) {
    out.push_back(one.is);
  }
  return out;
}

TEST_CASE("classify: the tag sets of a primary and two secondary ENIs") {
  struct Row {
    const char* name;
    aws::Tags tags[3];
    bool manage_untagged;
    std::vector<Is> wanted;
  };
  const aws::Tags none;
  const aws::Tags off = {{kNoManage, "true"}};
  const aws::Tags on = {{kNoManage, "false"}};
  const aws::Tags own = {{kInstance, "i-1"}};
  const aws::Tags foreign = {{kInstance, "i-2"}};
  const Row rows[] = {
      {"none", {none, none, none}, true, {Is::primary, Is::untagged, Is::untagged}},
      {"no_manage on the primary",
       {off, none, none},
       true,
       {Is::primary, Is::untagged, Is::untagged}},
      {"no_manage on two", {none, off, off}, true, {Is::primary, Is::no_manage, Is::no_manage}},
      {"true and false", {none, off, on}, true, {Is::primary, Is::no_manage, Is::told_managed}},
      {"true and own id", {none, off, own}, true, {Is::primary, Is::no_manage, Is::ours}},
      {"foreign and own id", {none, foreign, own}, true, {Is::primary, Is::untagged, Is::ours}},
      {"the same, untagged off", {none, foreign, own}, false, {Is::primary, Is::foreign, Is::ours}},
      {"none, untagged off", {none, none, none}, false, {Is::primary, Is::foreign, Is::foreign}},
      {"false, untagged off",
       {none, on, none},
       false,
       {Is::primary, Is::told_managed, Is::foreign}},
      {"odd values",
       {none, {{kNoManage, "True"}}, {{kNoManage, ""}}},
       false,
       {Is::primary, Is::told_managed, Is::told_managed}},
      {"no_manage wins over the own id",
       {none, {{kNoManage, "true"}, {kInstance, "i-1"}}, none},
       true,
       {Is::primary, Is::no_manage, Is::untagged}}};
  for (const Row& row : rows) {
    INFO(row.name);
    Node node = node_of();
    node.settings.manage_untagged_eni = row.manage_untagged;
    CHECK(classes({eni({0, 2, row.tags[2]}), eni({0, 0, row.tags[0]}), eni({0, 1, row.tags[1]})},
                  node) == row.wanted);
  }
}

TEST_CASE("classify: what is left out takes a place, and is counted anew each time") {
  const Node node = node_of();
  const std::vector<aws::Eni> enis = {eni({0, 0}), eni({0, 3}), eni({0, 1, {{kNoManage, "true"}}}),
                                      eni({0, 2, {}, aws::EniKind::efa_only})};
  for (int again = 0; again < 2; ++again) {  // upstream's count grows with every call: Q11
    const auto managed = managed_on(classified(enis, node), node.card);
    REQUIRE(managed.enis.size() == 2);
    CHECK(managed.enis[0].id.str() == "eni-0-0");  // by device
    CHECK(managed.enis[1].id.str() == "eni-0-3");
    CHECK(managed.unmanaged == 2);
    REQUIRE(managed.left_out.size() == 2);
    CHECK(because(managed.left_out[0].is) == "tag no_manage is true");
    CHECK(because(managed.left_out[1].is) == "EFA-only: no address");
  }
}

TEST_CASE("classify: kinds of ENIs") {
  const Node node = node_of();
  const std::pair<aws::EniKind, Is> rows[] = {{aws::EniKind::ordinary, Is::untagged},
                                              {aws::EniKind::trunk, Is::untagged},
                                              {aws::EniKind::efa, Is::untagged},
                                              {aws::EniKind::efa_only, Is::efa_only},
                                              {aws::EniKind::branch, Is::branch}};
  for (const auto& [kind, wanted] : rows) {
    INFO(static_cast<int>(kind));
    const auto two = classified({eni({0, 0}), eni({0, 1, {}, kind})}, node);
    CHECK(two[1].is == wanted);
    // A branch ENI is no ENI of the instance: it takes none of its places.
    const int place = wanted == Is::efa_only ? 1 : 0;
    CHECK(managed_on(two, node.card).unmanaged == place);
  }
}

TEST_CASE("classify: without multi-NIC other cards are left alone and take no place") {
  const Node node = node_of("p4d.24xlarge");
  const std::vector<aws::Eni> enis = {eni({0, 0}), eni({1, 1}), eni({2, 1, {{kInstance, "i-1"}}})};
  CHECK(classes(enis, node) == std::vector{Is::primary, Is::other_card, Is::other_card});
  CHECK(managed_on(classified(enis, node), net::NetworkCard(0)).unmanaged == 0);
  CHECK(managed_on(classified(enis, node), net::NetworkCard(1)).unmanaged == 0);
}

TEST_CASE("classify: with multi-NIC a card of EFA-only ENIs alone is left alone") {
  Node node = node_of("p4d.24xlarge");
  node.settings.enable_multi_nic = true;
  const auto efa_only = aws::EniKind::efa_only;
  const std::vector<aws::Eni> enis = {eni({0, 0}),
                                      eni({1, 1, {}, efa_only}),  // alone on its card
                                      eni({2, 1, {}, efa_only}),
                                      eni({2, 2}),  // with an ENA
                                      eni({3, 1, {}, efa_only}),
                                      eni({3, 2, {{kNoManage, "true"}}})};  // with one not ours
  CHECK(classes(enis, node) == std::vector{Is::primary, Is::other_card, Is::efa_only, Is::untagged,
                                           Is::other_card, Is::no_manage});
  const auto on = [&](int card) {
    return managed_on(classified(enis, node), net::NetworkCard(card));
  };
  CHECK(on(1).enis.empty());
  CHECK(on(1).unmanaged == 0);
  CHECK(on(2).enis.size() == 1);
  CHECK(on(2).unmanaged == 1);
  CHECK(on(3).unmanaged == 1);
}

TEST_CASE("classify: a card that the type does not have is left alone") {
  Node node = node_of("m5.xlarge");  // one card
  node.settings.enable_multi_nic = true;
  CHECK(classes({eni({0, 0}), eni({7, 1})}, node) == std::vector{Is::primary, Is::other_card});
}

TEST_CASE("classify: an IPv6-only ENI is left alone in an IPv4 cluster, not in an IPv6 one") {
  aws::Eni six = eni({0, 1});
  six.addresses.clear();
  six.ipv6_addresses = {*net::Ip::parse("2001:db8::5")};
  Node node = node_of();
  CHECK(classes({eni({0, 0}), six}, node) == std::vector{Is::primary, Is::no_ipv4});
  CHECK(because(Is::no_ipv4) == "no IPv4");
  CHECK(managed_on(classified({eni({0, 0}), six}, node), node.card).unmanaged == 1);
  node.settings.enable_ipv4 = false;
  node.settings.enable_ipv6 = true;
  CHECK(classes({eni({0, 0}), six}, node) == std::vector{Is::primary, Is::untagged});
}

TEST_CASE("classify: what is not attached here is nothing of ours") {
  const Node node = node_of();
  aws::Eni leaving = eni({0, 1});
  leaving.attachment->status = "detaching";
  aws::Eni left = eni({0, 2});
  left.attachment->status = "detached";
  aws::Eni other = eni({0, 3});
  other.attachment->instance = net::InstanceId("i-2");
  aws::Eni free = eni({0, 4});
  free.attachment.reset();
  const std::vector<aws::Eni> enis = {leaving, free, left, other, eni({0, 0})};
  CHECK(classes(enis, node) == std::vector{Is::primary, Is::not_attached, Is::not_attached,
                                           Is::not_attached, Is::not_attached});
  CHECK(managed_on(classified(enis, node), node.card).unmanaged == 0);
}

TEST_CASE("classify: an ENI that is being attached counts already") {
  aws::Eni coming = eni({0, 1});
  coming.attachment->status = "attaching";
  CHECK(classes({eni({0, 0}), coming}, node_of()) == std::vector{Is::primary, Is::untagged});
}

TEST_CASE("classify: with IMDS alone everything attached is ours but what has no address") {
  Node node = node_of();
  node.settings.manage_untagged_eni = false;  // a rule about tags, which nobody knows
  aws::ImdsEni primary;
  primary.id = net::EniId("eni-0");
  primary.addresses = {net::Ip::v4(0x0a000001), net::Ip::v4(0x0a000002)};
  primary.prefixes = {*net::Cidr::parse("10.0.0.16/28")};
  primary.subnet = net::SubnetId("subnet-1");
  aws::ImdsEni second = primary;
  second.id = net::EniId("eni-1");
  second.device = net::DeviceIndex(1);
  aws::ImdsEni silent;
  silent.id = net::EniId("eni-2");
  silent.device = net::DeviceIndex(2);
  aws::ImdsEni six = silent;
  six.id = net::EniId("eni-3");
  six.device = net::DeviceIndex(3);
  six.ipv6_addresses = {*net::Ip::parse("2001:db8::5")};
  std::vector<aws::Eni> enis;
  for (const auto& shown : {primary, second, silent, six}) {
    enis.push_back(eni_of(shown, node.identity));
  }
  CHECK(enis[0].addresses.size() == 2);
  CHECK(enis[0].addresses[0].primary);
  CHECK_FALSE(enis[0].addresses[1].primary);
  CHECK(enis[0].prefixes == primary.prefixes);
  CHECK(enis[0].subnet.str() == "subnet-1");
  CHECK(classes(enis, node, ListedBy::imds) ==
        std::vector{Is::primary, Is::tags_unknown, Is::efa_only, Is::no_ipv4});
}

TEST_CASE("classify: the primary ENI's tracking time-outs are found") {
  aws::Eni primary = eni({0, 0});
  primary.tracking.udp = 45;
  CHECK(primary_tracking({eni({0, 1}), primary}).udp == 45);
  CHECK(primary_tracking({eni({0, 1})}).empty());
}

}  // namespace
}  // namespace vpccni::agent
