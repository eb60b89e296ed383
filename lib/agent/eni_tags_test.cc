// Tags and delete-on-termination of the ENIs that we manage.
#include "agent/eni_tags.h"

#include <catch2/catch.hpp>

#include "agent/delete_on_termination.h"
#include "agent/tend_enis.h"
#include "agent/test_vpc.h"

namespace vpccni::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::VpcSite;

constexpr auto kInstance = "node.k8s.amazonaws.com/instance_id";
constexpr auto kCluster = "cluster.k8s.amazonaws.com/name";

std::string our_description(const VpcSite& site) {
  return "aws-K8S-" + to_string(site.instance.id);
}

TEST_CASE("tags: what an ENI lacks or has otherwise, sorted; of a trunk nothing") {
  const aws::Tags wanted = {{"b", "2"}, {"a", "1"}, {"c", "3"}};
  aws::Eni eni;
  CHECK(missing_tags(eni, wanted) == wanted);
  eni.tags = {{"b", "2"}, {"c", "other"}, {"x", "theirs"}};
  CHECK(missing_tags(eni, wanted) == aws::Tags{{"a", "1"}, {"c", "3"}});
  eni.tags = wanted;
  CHECK(missing_tags(eni, wanted).empty());
  eni.tags.clear();
  eni.kind = aws::EniKind::trunk;
  CHECK(missing_tags(eni, wanted).empty());
}

TEST_CASE("tags: of a new ENI; additional ones win over ours, but not over createdAt's absence") {
  Node node;
  node.identity.id = net::InstanceId("i-1");
  node.settings.cluster_name = "mine";
  node.settings.additional_eni_tags = {{"eks:eni:owner", "me"}, {"team", "net"}};
  CHECK(new_eni_tags(node, base::WallTime(seconds(1765972800))) ==
        aws::Tags{{"cluster.k8s.amazonaws.com/name", "mine"},
                  {"eks:eni:owner", "me"},
                  {"node.k8s.amazonaws.com/createdAt", "2025-12-17T12:00:00Z"},
                  {kInstance, "i-1"},
                  {"team", "net"}});
  node.settings.cluster_name = "";
  node.settings.additional_eni_tags.clear();
  CHECK(eni_tags(node) == aws::Tags{{kInstance, "i-1"}});
}

TEST_CASE("tags: times of creation, also in upstream's local time") {
  const base::WallTime noon(seconds(1765972800));
  for (const char* text : {"2025-12-17T12:00:00Z", "2025-12-17T13:30:00+01:30",
                           "2025-12-17T04:00:00-08:00", "2025-12-17T12:00:00.123456789Z"}) {
    INFO(text);
    CHECK(parse_created_at(text) == noon);
  }
  for (const char* text :
       {"", "yesterday", "2025-12-17", "2025-12-17T12:00:00", "2025-12-17T12:00:00+0130",
        "2025-12-17T12:00:00+24:00", "2025-12-17T12:00:00+01:3", "2025-12-17T12:00:00.Z",
        "2025-12-17T12:00:00Zulu", "2025-12-17T12:00:00+-1:30", "9999-12-17T12:00:00Z",
        "0001-01-01T00:00:00Z", "2025-13-17T12:00:00Z"}) {
    INFO(text);
    CHECK_FALSE(parse_created_at(text));
  }
  CHECK_FALSE(parse_created_at(std::string(1 << 20, '2')));
  CHECK(format_created_at(noon) == "2025-12-17T12:00:00Z");
}

TEST_CASE("tag_if_needed: only what is missing, none if nothing is") {
  VpcSite site;
  site.node.settings.cluster_name = "mine";
  const auto id = site.attached(1, our_description(site), {{kInstance, "i-old"}, {"team", "net"}});
  tag_if_needed(site.edges, site.node, *site.model.find_eni(id), site.stop);
  CHECK(site.tags(id) == aws::Tags{{kCluster, "mine"},
                                   {"eks:eni:owner", "amazon-vpc-cni"},
                                   {kInstance, to_string(site.instance.id)},
                                   {"team", "net"}});
  CHECK(site.calls("CreateTags") == 1);
  tag_if_needed(site.edges, site.node, *site.model.find_eni(id), site.stop);
  CHECK(site.calls("CreateTags") == 1);
  for (auto off : {&settings::Settings::disable_provisioning, &settings::Settings::imds_only}) {
    VpcSite quiet;
    quiet.node.settings.*off = true;
    const auto other = quiet.attached(1, "theirs", {});
    tag_if_needed(quiet.edges, quiet.node, *quiet.model.find_eni(other), quiet.stop);
    CHECK(quiet.calls("CreateTags") == 0);
  }
}

TEST_CASE("tag_if_needed: what may pass is tried five times, what is refused once; it warns") {
  VpcSite site;
  const auto id = site.attached(1, our_description(site), {});
  site.model.faults().add({.kind = vpc::FaultKind::fail,
                           .action = "CreateTags",
                           .code = "InvalidNetworkInterfaceID.NotFound"});
  const auto begin = site.clock.now().steady;
  tag_if_needed(site.edges, site.node, *site.model.find_eni(id), site.stop);
  CHECK(site.calls("CreateTags") == 5);
  CHECK(site.clock.now().steady - begin >= milliseconds(7500));  // 0.5 + 1 + 2 + 4 s
  CHECK(site.clock.now().steady - begin <= milliseconds(9751));  // and 30 % of jitter
  CHECK(site.logged("cannot be tagged"));
  site.model.faults().clear();
  site.model.faults().add({.kind = vpc::FaultKind::deny, .action = "CreateTags"});
  tag_if_needed(site.edges, site.node, *site.model.find_eni(id), site.stop);
  CHECK(site.calls("CreateTags") == 6);
  CHECK(site.tags(id).empty());
}

TEST_CASE("delete-on-termination: set where it is off on an ENI of ours") {
  VpcSite site;
  const aws::Tags own = {{kInstance, to_string(site.instance.id)}};
  const auto id = site.attached(1, our_description(site), own);
  REQUIRE_FALSE(site.model.find_eni(id)->attachment->delete_on_termination);
  CHECK(confirm_delete_on_termination(site.edges, site.node, id));
  CHECK(site.model.find_eni(id)->attachment->delete_on_termination);
  CHECK(site.calls("ModifyNetworkInterfaceAttribute") == 1);
  CHECK(confirm_delete_on_termination(site.edges, site.node, id));
  CHECK(site.calls("ModifyNetworkInterfaceAttribute") == 1);  // it is on already
}

TEST_CASE("delete-on-termination: others' ENIs and trunks are left as they are") {
  VpcSite site("m5.xlarge");
  const net::EniId others[] = {site.attached(1, "made by hand", {}),
                               site.attached(2, our_description(site), {{kInstance, "i-0999"}}),
                               site.attached(3, our_description(site), {}, aws::EniKind::trunk)};
  for (const auto& id : others) {
    CHECK(confirm_delete_on_termination(site.edges, site.node, id));
    CHECK_FALSE(site.model.find_eni(id)->attachment->delete_on_termination);
  }
  CHECK(site.calls("ModifyNetworkInterfaceAttribute") == 0);
}

TEST_CASE("delete-on-termination: of the primary ENI only a warning") {
  VpcSite site;
  aws::Eni primary = *site.model.find_eni(site.instance.primary_eni);
  CHECK(verify_delete_on_termination(site.edges, site.node, primary));
  CHECK(site.lines.empty());  // the model's instance is launched as it should be
  primary.attachment->delete_on_termination = false;
  CHECK(verify_delete_on_termination(site.edges, site.node, primary));
  CHECK(site.logged("launch template"));
  CHECK(site.calls("ModifyNetworkInterfaceAttribute") == 0);
}

TEST_CASE("delete-on-termination: what cannot be read or set is an error") {
  VpcSite site;
  const auto loose = site.make(our_description(site), {});
  CHECK(confirm_delete_on_termination(site.edges, site.node, loose).error().code ==
        Errc::not_found);
  const auto id = site.attached(1, our_description(site), {});
  site.model.faults().add(
      {.kind = vpc::FaultKind::deny, .action = "ModifyNetworkInterfaceAttribute"});
  CHECK(confirm_delete_on_termination(site.edges, site.node, id).error().cause ==
        "UnauthorizedOperation");
}

TEST_CASE("a new ENI carries tags, the time of its creation and the primary ENI's time-outs") {
  VpcSite site;
  site.node.settings.enable_ipv4 = true;
  site.node.tracking = {.tcp_established = 350, .udp = 30};
  const auto ready = create_eni(site.edges, site.node, {.addresses = 2}, site.stop);
  REQUIRE(ready);
  const auto* made = site.model.find_eni(ready->facts.id);
  REQUIRE(made != nullptr);
  CHECK(made->tracking == site.node.tracking);
  CHECK(made->tags == new_eni_tags(site.node, site.clock.now().wall));
  CHECK(made->attachment->delete_on_termination);
  CHECK(missing_tags(*made, eni_tags(site.node)).empty());
}

TEST_CASE(
    "tend_attachment: a listing that shows the attribute off has it set, the primary is let be") {
  VpcSite site;
  const auto ours = site.attached(1, our_description(site), {});
  tend_attachment(site.edges, site.node, *site.model.find_eni(ours));
  CHECK(site.model.find_eni(ours)->attachment->delete_on_termination);
  aws::Eni primary = *site.model.find_eni(site.instance.primary_eni);
  primary.attachment->delete_on_termination = false;
  tend_attachment(site.edges, site.node, primary);
  CHECK_FALSE(site.logged("launch template"));  // said once, at the start
  CHECK(site.calls("ModifyNetworkInterfaceAttribute") == 1);
}

TEST_CASE("tend_enis: tags and delete-on-termination of what is managed, and of nothing else") {
  VpcSite site("m5.xlarge");
  const auto ours = site.attached(1, our_description(site), {});
  const auto theirs = site.attached(2, "theirs", {{"node.k8s.amazonaws.com/no_manage", "true"}});
  tend_enis(site.edges, site.node, site.stop);
  CHECK(site.tags(ours).contains(kInstance));
  CHECK(site.model.find_eni(ours)->attachment->delete_on_termination);
  CHECK(site.tags(site.instance.primary_eni).contains(kInstance));
  CHECK(site.tags(theirs).size() == 1);
  CHECK_FALSE(site.model.find_eni(theirs)->attachment->delete_on_termination);
  site.model.faults().reset_calls();
  tend_enis(site.edges, site.node, site.stop);
  CHECK(site.calls("CreateTags") == 0);
  CHECK(site.calls("ModifyNetworkInterfaceAttribute") == 0);
  site.model.faults().reset_calls();
  site.node.settings.disable_provisioning = true;
  tend_enis(site.edges, site.node, site.stop);
  CHECK(site.model.faults().calls().empty());
}

}  // namespace
}  // namespace vpccni::agent
