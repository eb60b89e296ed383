#include <catch2/catch.hpp>
#include <set>

#include "sre/doctor.h"
#include "sre/drift.h"
#include "sre/explain.h"
#include "sre/host_files.h"

namespace vpccni::sre {

namespace {

net::Ip ip(const char* text) {
  return *net::Ip::parse(text);
}

PodRow pod(const char* name, const char* address) {
  PodRow row;
  row.held.pod = {"default", name, 1};
  row.held.key = {"aws-cni", "0123456789abcdef", "eth0"};
  row.held.address = ip(address);
  row.in_agent = row.in_checkpoint = true;
  row.host_veth = "eni1";
  return row;
}

/// A node with one pod on the primary ENI, all in order.
NodeView healthy() {
  NodeView view;
  view.primary_mac = *net::Mac::parse("02:00:00:00:00:01");
  aws::ImdsEni eni;
  eni.id = net::EniId("eni-1");
  eni.mac = view.primary_mac;
  eni.addresses = {ip("10.0.0.5"), ip("10.0.0.20")};
  view.enis = {eni};
  view.agent_enis = {eni.id};
  view.pods = {pod("web", "10.0.0.20")};
  view.wanted.pods = {{ip("10.0.0.20"), net::kMainTable, "eni1"}};
  linux::Link primary;
  primary.index = net::IfIndex(2);
  primary.name = "eth0";
  primary.mac = view.primary_mac;
  primary.up = true;
  linux::Link veth;
  veth.index = net::IfIndex(7);
  veth.name = "eni1";
  veth.up = true;
  view.kernel.links = {primary, veth};
  view.kernel.routes = {{.destination = net::Cidr::host(ip("10.0.0.20")),
                         .link = net::IfIndex(7),
                         .scope = linux::Scope::link}};
  view.kernel.rules = {{.priority = net::RulePriority(512),
                        .table = net::kMainTable,
                        .to = net::Cidr::host(ip("10.0.0.20"))},
                       {.priority = net::RulePriority(1024),
                        .table = net::kMainTable,
                        .mark = net::Mark(0x80),
                        .mask = net::Mark(0x80)}};
  view.nat.rules = {{"POSTROUTING", "-m comment --comment \"AWS SNAT CHAIN\" -j AWS-SNAT-CHAIN-0"},
                    {"AWS-SNAT-CHAIN-0", "! -o vlan+ -j SNAT --to-source 10.0.0.5"},
                    {"PREROUTING", "-i eni+ -j AWS-CONNMARK-CHAIN-0"},
                    {"AWS-CONNMARK-CHAIN-0", "-j CONNMARK --set-xmark 0x80/0x80"}};
  view.mangle.rules = {{"PREROUTING", "-i eth0 -m comment --comment \"AWS, primary ENI\""}};
  view.parameters = {{"net/ipv4/ip_forward", "1"}, {"net/ipv4/conf/all/rp_filter", "0"}};
  return view;
}

std::string broken_hop(const NodeView& view) {
  const auto hops = explain(view, view.pods.front());
  const auto* hop = first_broken(hops);
  return hop == nullptr ? "" : hop->name;
}

std::string first_finding(const NodeView& view) {
  const auto findings = examine(view);
  return findings.empty() ? "" : std::string(findings.front().rule->id);
}

}  // namespace

TEST_CASE("a healthy node has no broken hop and no finding") {
  const auto view = healthy();
  for (const auto& hop : explain(view, view.pods.front())) {
    INFO(hop.name << ": " << hop.detail);
    CHECK(hop.state == HopState::ok);
    CHECK(hop.fix.empty());
  }
  CHECK(examine(view).empty());
}

TEST_CASE("what is broken is named, by the hop and by the rule") {
  struct Row {
    void (*fault)(NodeView&);
    const char* hop;
    const char* rule;
  };
  const std::vector<Row> rows = {
      {[](NodeView& view) { view.kernel.rules.erase(view.kernel.rules.begin()); }, "rule to",
       "VC010"},
      {[](NodeView& view) { view.kernel.rules.pop_back(); }, "rule mark", "VC010"},
      {[](NodeView& view) { view.kernel.routes.clear(); }, "route to", "VC011"},
      {[](NodeView& view) { view.kernel.links.pop_back(); }, "host veth", "VC040"},
      {[](NodeView& view) { view.kernel.links.back().up = false; }, "host veth up", "VC008"},
      {[](NodeView& view) { view.nat.rules.clear(); }, "chains", "VC019"},
      {[](NodeView& view) { view.parameters["net/ipv4/conf/all/rp_filter"] = "1"; }, "rp_filter",
       "VC015"},
      {[](NodeView& view) { view.parameters["net/ipv4/ip_forward"] = "0"; }, "ip_forward", "VC017"},
      {[](NodeView& view) { view.enis.front().addresses.pop_back(); }, "ENI", "VC007"},
      {[](NodeView& view) { view.pods.front().in_checkpoint = false; }, "checkpoint", "VC005"},
      {[](NodeView& view) { view.pods.front().in_agent = false; }, "agent", "VC038"},
      {[](NodeView& view) { view.pods.front().quarantined = true; }, "agent", "VC003"},
      {[](NodeView& view) { view.checkpoint_trouble = "not valid JSON"; }, "checkpoint", "VC004"},
      {[](NodeView& view) { view.agent_trouble = "refused"; }, "", "VC001"},
      {[](NodeView& view) {
         view.namespaces[ip("10.0.0.20")] = {"a", "b"};
       },
       "", "VC006"},
      {[](NodeView& view) { view.agent_enis.clear(); }, "", "VC009"},
      {[](NodeView& view) { view.networkd_keeps_rules = false; }, "", "VC012"},
      {[](NodeView& view) {
         view.kernel.rules.push_back(
             {.priority = net::RulePriority(30400), .table = net::TableId(30400)});
       },
       "", "VC013"},
      {[](NodeView& view) {
         view.wanted.network.strict_branches = true;
         view.trunks = {net::EniId("eni-1")};
         view.kernel.rules.push_back(
             {.priority = net::RulePriority(20), .table = net::TableId(255)});
         view.parameters["net/ipv4/tcp_early_demux"] = "1";
       },
       "", "VC016"},
      {[](NodeView& view) { view.other_nat.chains = {"KUBE-SERVICES"}; }, "", "VC018"},
      {[](NodeView& view) { view.full_subnets = {net::SubnetId("subnet-1")}; }, "", "VC024"},
      {[](NodeView& view) {
         view.failures = {{"failures", {{{"reason", "PREFIX_FRAGMENTED"}}}}};
       },
       "", "VC025"},
      {[](NodeView& view) { view.ec2_trouble = "UnauthorizedOperation"; }, "", "VC026"},
      {[](NodeView& view) { view.ec2_trouble = "RequestLimitExceeded"; }, "", "VC027"},
      {[](NodeView& view) { view.clock_ahead = -301; }, "", "VC028"},
      {[](NodeView& view) { view.plugin_trouble = "another"; }, "", "VC031"},
      {[](NodeView& view) { view.leaked = {net::EniId("eni-2")}; }, "", "VC032"},
      {[](NodeView& view) {
         view.kernel.links[1].mtu = 1500;
         view.conflist = R"({"plugins": [{"type": "aws-cni", "mtu": "9001"}]})";
       },
       "", "VC033"},
      {[](NodeView& view) { view.api_trouble = "403"; }, "", "VC035"},
      {[](NodeView& view) { view.api_by_proxy = "https://10.1.0.1"; }, "", "VC036"},
      {[](NodeView& view) { view.missing_eni_config = "default"; }, "", "VC041"},
  };
  for (const auto& row : rows) {
    auto view = healthy();
    row.fault(view);
    INFO(row.rule);
    CHECK(broken_hop(view) == row.hop);
    CHECK(first_finding(view) == row.rule);
  }
}

TEST_CASE("with the agent dead the kernel tells what the checkpoint lacks") {
  auto view = healthy();
  view.agent_trouble = "refused";
  view.pods.clear();
  view.wanted.pods.clear();
  CHECK(first_finding(view) == "VC005");
}

TEST_CASE("cures: what the node can do by itself, and nothing else") {
  auto view = healthy();
  view.node_root = "/host";
  view.networkd_keeps_rules = false;
  view.parameters["net/ipv4/conf/all/rp_filter"] = "1";
  view.kernel.rules.erase(view.kernel.rules.begin());
  std::set<std::string> texts;
  for (const auto& finding : examine(view)) {
    if (finding.rule->cure != nullptr) {
      for (const auto& cure : finding.rule->cure(view)) {
        texts.insert(to_string(cure));
      }
    }
  }
  CHECK(texts == std::set<std::string>{"net/ipv4/conf/eth0/rp_filter = 2",
                                       "put back rule from all to 10.0.0.20 lookup 254 pref 512",
                                       "write /host/etc/systemd/networkd.conf.d/90-vpccni.conf"});
  view.kernel.links.pop_back();  // the pod's: only a new pod gets one
  for (const auto& cure : rules::put_back(view)) {
    CHECK(to_string(cure) != "put back link eni1");
  }
}

TEST_CASE("networkd's files: the last word counts, by section and name") {
  CHECK_FALSE(keeps_foreign_rules({}));
  CHECK_FALSE(keeps_foreign_rules({"[Network]\nManageForeignRoutingPolicyRules=no\n"}));
  CHECK(keeps_foreign_rules({"[Network]\nManageForeignRoutingPolicyRules=no\n",
                             "[Network]\n ManageForeignRoutes = off\n"}));
  CHECK_FALSE(keeps_foreign_rules(
      {"[Network]\nManageForeignRoutingPolicyRules=no\nManageForeignRoutes=no\n",
       "[Network]\nManageForeignRoutes=yes\n"}));
  CHECK_FALSE(keeps_foreign_rules(
      {"[DHCPv4]\nManageForeignRoutingPolicyRules=no\nManageForeignRoutes=no\n"}));
  CHECK_FALSE(keeps_foreign_rules(
      {"[Network]\n#ManageForeignRoutingPolicyRules=no\n#ManageForeignRoutes=no\n"}));
}

TEST_CASE("what could not be seen is no finding") {
  auto view = healthy();
  view.enis.front().addresses.pop_back();
  view.ec2_trouble = "not now";
  CHECK(broken_hop(view).empty());
  CHECK(examine(view).empty());
  view = healthy();
  view.kernel = {};
  view.kernel_trouble = "EPERM";
  view.iptables_trouble = "EPERM";
  view.nat = {};
  CHECK(broken_hop(view).empty());
  CHECK(examine(view).empty());
}

TEST_CASE("external SNAT wants no SNAT chain") {
  auto view = healthy();
  view.wanted.network.external_snat = true;
  view.nat.rules.clear();
  CHECK(missing_chains(view).empty());
}

TEST_CASE("worst first, and ids are unique") {
  auto view = healthy();
  view.parameters["net/netfilter/nf_conntrack_tcp_timeout_syn_sent"] = "120";
  view.parameters["net/ipv4/neigh/default/gc_thresh3"] = "128";
  view.parameters["net/ipv4/ip_forward"] = "0";
  const auto findings = examine(view);
  REQUIRE(findings.size() == 3);
  CHECK(findings[0].rule->grade == Grade::fail);
  CHECK(findings[1].rule->grade == Grade::warn);
  CHECK(findings[2].rule->grade == Grade::note);
  std::set<std::string_view> ids;
  for (const auto& rule : doctor_rules()) {
    CHECK(ids.insert(rule.id).second);
    CHECK_FALSE(rule.fix.empty());
  }
}

TEST_CASE("drift: each view by itself, and what could not be seen is no difference") {
  auto view = healthy();
  view.imds_enis = view.enis;
  auto rows = find_drift(view);
  REQUIRE(rows.size() == 1);
  CHECK_FALSE(rows[0].differs());
  CHECK(rows[0].ec2 == Known::unseen);
  CHECK(rows[0].kernel == Known::yes);
  view.ec2_asked = true;  // and lists nothing
  CHECK(find_drift(view)[0].differs());
  view.ec2_trouble = "denied";
  CHECK_FALSE(find_drift(view)[0].differs());
  view.imds_enis.clear();
  CHECK(find_drift(view)[0].imds == Known::no);
  CHECK(find_drift(view)[0].differs());
}

TEST_CASE("drift: a route of no known pod is a row") {
  auto view = healthy();
  view.imds_enis = view.enis;
  view.kernel.routes.push_back({.destination = net::Cidr::host(ip("10.0.0.9")),
                                .link = net::IfIndex(7),
                                .scope = linux::Scope::link});
  const auto rows = find_drift(view);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].pod.empty());
  CHECK(rows[0].differs());
  CHECK(rows[0].agent == Known::no);
}

TEST_CASE("pods are found by name, by namespace and name, by address") {
  auto view = healthy();
  view.pods.push_back(pod("web", "10.0.0.21"));
  view.pods.back().held.pod.name_space = "shop";
  CHECK(find_pods(view, "web").size() == 2);
  CHECK(find_pods(view, "shop/web").size() == 1);
  CHECK(find_pods(view, "10.0.0.20").size() == 1);
  CHECK(find_pods(view, "nobody").empty());
}

TEST_CASE("inside the pod: a gateway with another MAC address, and no way out") {
  auto view = healthy();
  const auto mac = *net::Mac::parse("06:00:00:00:00:01");
  view.kernel.links[1].mac = mac;
  const auto address = ip("10.0.0.20");
  CHECK(first_broken(explain(view, view.pods[0])) == nullptr);  // not seen: not judged
  view.inside[address] = {ip("169.254.1.1"), mac};
  CHECK(first_broken(explain(view, view.pods[0])) == nullptr);
  CHECK(examine(view).empty());
  view.inside[address].gateway_mac = *net::Mac::parse("06:00:00:00:00:02");
  auto hops = explain(view, view.pods[0]);
  REQUIRE(first_broken(hops) != nullptr);
  CHECK(first_broken(hops)->name == "pod neighbour");
  REQUIRE(examine(view).size() == 1);
  CHECK(examine(view)[0].rule->id == "VC014");
  view.inside[address].gateway.reset();
  hops = explain(view, view.pods[0]);
  REQUIRE(first_broken(hops) != nullptr);
  CHECK(first_broken(hops)->name == "pod route");
}

}  // namespace vpccni::sre
