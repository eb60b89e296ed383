// Leaked ENIs (spec agent.md 4.12, 11.6).
#include "agent/leaked_enis.h"

#include <catch2/catch.hpp>

#include "agent/eni_tags.h"
#include "agent/test_vpc.h"

namespace vpccni::agent {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Action = LeakedEni::Action;
using test::VpcSite;

constexpr auto kInstance = "node.k8s.amazonaws.com/instance_id";
const base::WallTime kNow(seconds(1765972800));
const std::string kCreatedAt(kCreatedAtTag);

std::string ago(base::Duration age) {
  return format_created_at(kNow - age);
}

aws::Eni eni(const std::string& description, const aws::Tags& tags) {
  aws::Eni one;
  one.id = net::EniId("eni-1");
  one.status = "available";
  one.description = description;
  one.tags = tags;
  return one;
}

TEST_CASE("leaked: the plan") {
  struct Row {
    const char* name;
    aws::Eni eni;
    Action wanted;
  };
  const std::string ours = "aws-K8S-i-dead";
  aws::Eni attached = eni(ours, {{kCreatedAt, ago(minutes(60))}});
  attached.attachment.emplace();
  aws::Eni busy = eni(ours, {{kCreatedAt, ago(minutes(60))}});
  busy.status = "in-use";
  const Row rows[] = {
      {"another description", eni("a lambda", {{kCreatedAt, ago(minutes(60))}}), Action::keep},
      {"created now", eni(ours, {{kCreatedAt, ago(seconds(0))}}), Action::keep},
      {"just too young", eni(ours, {{kCreatedAt, ago(seconds(299))}}), Action::keep},
      {"five minutes old", eni(ours, {{kCreatedAt, ago(seconds(300))}}), Action::remove},
      {"ten minutes old", eni(ours, {{kCreatedAt, ago(minutes(10))}}), Action::remove},
      {"another clock", eni(ours, {{kCreatedAt, ago(-minutes(10))}}), Action::keep},
      {"local time", eni(ours, {{kCreatedAt, "2025-12-17T13:50:00+02:00"}}), Action::remove},
      {"without a time", eni(ours, {}), Action::stamp},
      {"with another time", eni(ours, {{kCreatedAt, "last week"}}), Action::stamp},  // Q12
      {"attached meanwhile", attached, Action::keep},
      {"in use", busy, Action::keep}};
  for (const Row& row : rows) {
    INFO(row.name);
    const auto plan = plan_leaked({row.eni}, kNow);
    REQUIRE(plan.size() == 1);
    CHECK(plan[0].action == row.wanted);
    CHECK(plan[0].eni == row.eni.id);
    CHECK_FALSE(plan[0].because.empty());
  }
}

TEST_CASE("leaked: when it is off") {
  settings::Settings set;
  set.enable_ipv4 = true;
  CHECK(cleans_leaked_enis(set));
  for (auto off : {&settings::Settings::disable_leaked_eni_cleanup, &settings::Settings::imds_only,
                   &settings::Settings::disable_provisioning, &settings::Settings::enable_ipv6}) {
    settings::Settings without = set;
    without.*off = true;
    CHECK_FALSE(cleans_leaked_enis(without));
  }
}

TEST_CASE("leaked: removed from any node of the VPC, everything else stays") {
  VpcSite site;
  const std::string old = format_created_at(site.clock.now().wall - minutes(10));
  const std::string young = format_created_at(site.clock.now().wall - minutes(4));
  const aws::Tags tags = {{kInstance, "i-dead"}, {kCreatedAt, old}};
  const auto leaked = site.make("aws-K8S-i-dead", tags);
  const auto fresh = site.make("aws-K8S-i-dead", {{kInstance, "i-dead"}, {kCreatedAt, young}});
  const auto untagged = site.make("aws-K8S-i-dead", {{kCreatedAt, old}});
  const auto foreign = site.make("an endpoint", tags);
  const auto timeless = site.make("aws-K8S-i-dead", {{kInstance, "i-dead"}});
  const auto unreadable =
      site.make("aws-K8S-i-dead", {{kInstance, "i-dead"}, {kCreatedAt, "soon"}});
  const auto in_use = site.attached(1, "aws-K8S-i-dead", tags);
  const auto remains = [&](const net::EniId& id) { return site.model.find_eni(id) != nullptr; };

  clean_leaked_enis(site.edges, site.node, site.stop);
  CHECK_FALSE(remains(leaked));
  for (const auto& id : {fresh, untagged, foreign, timeless, unreadable, in_use}) {
    INFO(to_string(id));
    CHECK(remains(id));
  }
  CHECK(site.tags(timeless).at(kCreatedAt) == "2025-12-17T12:00:00Z");
  CHECK(site.tags(unreadable).at(kCreatedAt) == "2025-12-17T12:00:00Z");
  CHECK(site.logged("removing a leaked ENI"));

  site.clock.wait_for(minutes(61), {});
  clean_leaked_enis(site.edges, site.node, site.stop);
  for (const auto& id : {fresh, timeless, unreadable}) {
    CHECK_FALSE(remains(id));
  }
  CHECK(remains(untagged));
  CHECK(remains(in_use));
}

TEST_CASE("leaked: with a cluster name only the cluster's") {
  VpcSite site;
  site.node.settings.cluster_name = "mine";
  const std::string old = format_created_at(site.clock.now().wall - minutes(10));
  aws::Tags tags = {{kInstance, "i-dead"}, {kCreatedAt, old}};
  const auto nobodys = site.make("aws-K8S-i-dead", tags);
  tags["cluster.k8s.amazonaws.com/name"] = "theirs";
  const auto theirs = site.make("aws-K8S-i-dead", tags);
  tags["cluster.k8s.amazonaws.com/name"] = "mine";
  const auto mine = site.make("aws-K8S-i-dead", tags);
  clean_leaked_enis(site.edges, site.node, site.stop);
  CHECK(site.model.find_eni(mine) == nullptr);
  CHECK(site.model.find_eni(theirs) != nullptr);
  CHECK(site.model.find_eni(nobodys) != nullptr);
}

TEST_CASE("leaked: a refusal ends the run, one that is gone does not, what passes is tried again") {
  const auto filled = [](VpcSite& site) {
    const std::string old = format_created_at(site.clock.now().wall - minutes(10));
    for (int i = 0; i < 3; ++i) {
      site.make("aws-K8S-i-dead", {{kInstance, "i-dead"}, {kCreatedAt, old}});
    }
  };
  VpcSite denied;
  filled(denied);
  denied.model.faults().add({.kind = vpc::FaultKind::deny, .action = "DeleteNetworkInterface"});
  clean_leaked_enis(denied.edges, denied.node, denied.stop);
  CHECK(denied.calls("DeleteNetworkInterface") == 1);
  CHECK(denied.logged("a leaked ENI stays"));

  VpcSite raced;
  filled(raced);
  raced.model.faults().add({.kind = vpc::FaultKind::fail,
                            .action = "DeleteNetworkInterface",
                            .times = 1,
                            .code = "InvalidNetworkInterfaceID.NotFound"});
  clean_leaked_enis(raced.edges, raced.node, raced.stop);
  CHECK(raced.calls("DeleteNetworkInterface") == 3);
  CHECK_FALSE(raced.logged("a leaked ENI stays"));

  VpcSite ill;
  filled(ill);
  ill.model.faults().add(
      {.kind = vpc::FaultKind::fail, .action = "DeleteNetworkInterface", .times = 7});
  clean_leaked_enis(ill.edges, ill.node, ill.stop);
  CHECK(ill.model.enis().size() == 1);  // the primary

  VpcSite stopped;
  filled(stopped);
  std::stop_source stop;
  stop.request_stop();
  clean_leaked_enis(stopped.edges, stopped.node, stop.get_token());
  CHECK(stopped.calls("DeleteNetworkInterface") == 0);
}

}  // namespace
}  // namespace vpccni::agent
