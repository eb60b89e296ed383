// The pages against golden JSON: those of upstream are the ones of spec agent.md 7.1.
#include "agent/introspect.h"

#include <catch2/catch.hpp>

#include "agent/go_json.h"
#include "k8s/eni_config_name.h"

namespace vpccni::agent {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

net::Ip ip(const std::string& text) {
  return *net::Ip::parse(text);
}

net::Cidr cidr(const std::string& text) {
  return *net::Cidr::parse(text);
}

const base::WallTime kAssigned{seconds(1735689600) + nanoseconds(123456789)};

/// A core with one primary ENI, whose clock starts on 1 January 2025.
struct Pool {
  explicit Pool(const std::vector<net::Cidr>& blocks = {cidr("10.0.1.7/32"), cidr("10.0.1.10/32")})
      : pools(options(blocks.front()), now) {
    core.on(ipam::Terminating{}, now);  // the pool stays as it is
    ipam::EniFacts facts;
    facts.id = net::EniId("eni-0a");
    facts.primary = true;
    facts.primary_ip = ip("10.0.1.5");
    core.on(ipam::EniReady{facts, blocks}, now);
  }
  static ipam::CoreOptions options(const net::Cidr& first) {
    ipam::CoreOptions options;
    options.store.prefixes = !first.is_host();
    options.store.family = first.family();
    options.limits.enis = 3;
    return options;
  }

  void add(const std::string& container, const std::string& pod) {
    core.on(ipam::PodAdd{1, {"aws-cni", container, "eth0"}, {"default", pod, 1}}, now);
    settle();
  }
  void del(const std::string& container) {
    core.on(ipam::PodDel{2, {"aws-cni", container, "eth0"}}, now);
    settle();
  }
  void settle() {
    for (bool wrote = true; wrote;) {
      wrote = false;
      for (const auto& effect : core.take_effects(now)) {
        if (const auto* write = std::get_if<ipam::WriteCheckpoint>(&effect)) {
          core.on(ipam::CheckpointWritten{write->serial, std::nullopt}, now);
          wrote = true;
        }
      }
    }
  }
  Inspected inspected(bool scrub = false) const {
    return {pools, failed, set, targets, "zone-a", now, scrub};
  }

  base::Instant now{base::SteadyTime(seconds(1000)), kAssigned};
  ipam::Pools pools;
  ipam::Core& core = pools.first();
  FailedAdds failed;
  settings::Settings set;
  EffectiveTargets targets;
};

base::Json parsed(const std::string& text) {
  auto json = base::parse_json(text);
  REQUIRE(json);
  return *json;
}

}  // namespace

TEST_CASE("/v1/enis is upstream's, byte for byte") {
  Pool pool;
  pool.add("c0ffee", "web-0");
  CHECK(enis_page(pool.inspected()) ==
        R"({"0":{"TotalIPs":2,"AssignedIPs":1,"ENIs":{"eni-0a":{"ID":"eni-0a","IsPrimary":true,)"
        R"("IsTrunk":false,"IsEFA":false,"DeviceNumber":0,"AvailableIPv4Cidrs":{)"
        R"("10.0.1.10/32":{"Cidr":{"IP":"10.0.1.10","Mask":"/////w=="},"IPAddresses":{},)"
        R"("IsPrefix":false,"AddressFamily":""},)"
        R"("10.0.1.7/32":{"Cidr":{"IP":"10.0.1.7","Mask":"/////w=="},"IPAddresses":{"10.0.1.7":{)"
        R"("Address":"10.0.1.7","IPAMKey":{"networkName":"aws-cni","containerID":"c0ffee",)"
        R"("ifName":"eth0"},"IPAMMetadata":{"k8sPodNamespace":"default","k8sPodName":"web-0",)"
        R"("interfacesCount":1},"AssignedTime":"2025-01-01T00:00:00.123456789Z",)"
        R"("UnassignedTime":"0001-01-01T00:00:00Z"}},"IsPrefix":false,"AddressFamily":""}},)"
        R"("IPv6Cidrs":{},"RouteTableID":254}}}})");
}

TEST_CASE("/v1/enis: a released address keeps its times and nothing of its pod") {
  Pool pool;
  pool.add("c0ffee", "web-0");
  pool.now = pool.now + seconds(5);
  pool.del("c0ffee");
  const auto json = parsed(enis_page(pool.inspected()));
  const auto& address =
      json["0"]["ENIs"]["eni-0a"]["AvailableIPv4Cidrs"]["10.0.1.7/32"]["IPAddresses"]["10.0.1.7"];
  CHECK(address["IPAMKey"] == parsed(R"({"networkName":"","containerID":"","ifName":""})"));
  CHECK(address["IPAMMetadata"] == parsed("{}"));
  CHECK(address["AssignedTime"] == "2025-01-01T00:00:00.123456789Z");
  CHECK(address["UnassignedTime"] == "2025-01-01T00:00:05.123456789Z");
  CHECK(json["0"]["AssignedIPs"] == 0);
  CHECK(json["0"]["TotalIPs"] == 2);
}

TEST_CASE("scrubbed pages name no container and no interface") {
  Pool pool;
  pool.add("c0ffee", "web-0");
  pool.failed.add({.reason = "POOL_COOLING", .key = {"aws-cni", "c0ffee", "eth0"}});
  for (const auto* path : {"/v1/enis", "/v1/pods", "/v1/plan", "/v1/failures", "/v1/quarantine"}) {
    INFO(path);
    const auto plain = page(path, pool.inspected());
    const auto scrubbed = page(path, pool.inspected(true));
    REQUIRE(plain);
    REQUIRE(scrubbed);
    CHECK(scrubbed->find("c0ffee") == std::string::npos);
    CHECK(scrubbed->find("eth0") == std::string::npos);
    const bool names = plain->find("ontainerID") != std::string::npos;
    CHECK(names == (scrubbed->find("containerID\":\"\"") != std::string::npos));
  }
}

TEST_CASE("masks of addresses and of both kinds of prefixes") {
  const auto mask = [](const char* cidr) {
    return go_cidr(*net::Cidr::parse(cidr))["Mask"].get<std::string>();
  };
  CHECK(mask("10.0.1.7/32") == "/////w==");
  CHECK(mask("10.0.1.16/28") == "////8A==");
  CHECK(mask("2001:db8:1:2:3::/80") == "/////////////wAAAAAAAA==");
  CHECK(mask("0.0.0.0/0") == "AAAAAA==");
}

TEST_CASE("times as Go writes them") {
  CHECK(go_time(base::WallTime{}) == "0001-01-01T00:00:00Z");
  CHECK(go_time(kAssigned) == "2025-01-01T00:00:00.123456789Z");
  CHECK(go_time(base::WallTime(seconds(1735689600))) == "2025-01-01T00:00:00Z");
  CHECK(go_time(base::WallTime(seconds(1735689600) + nanoseconds(120000000))) ==
        "2025-01-01T00:00:00.12Z");
}

TEST_CASE("settings pages: sorted keys, null for lists that are not set") {
  Pool pool;
  CHECK(networkutils_page(pool.inspected()) ==
        R"({"AWS_EXTERNAL_SERVICE_CIDRS":null,"AWS_VPC_CNI_NODE_PORT_SUPPORT":true,)"
        R"("AWS_VPC_ENI_MTU":9001,"AWS_VPC_K8S_CNI_CONNMARK":128,)"
        R"("AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS":null,"AWS_VPC_K8S_CNI_EXTERNALSNAT":false,)"
        R"("AWS_VPC_K8S_CNI_RANDOMIZESNAT":2,"AWS_VPC_K8S_CNI_VETHPREFIX":"eni"})");
  CHECK(ipamd_page(pool.inspected()) ==
        R"({"AWS_MANAGE_ENIS_NON_SCHEDULABLE":false,)"
        R"("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG":false,"ENABLE_SUBNET_DISCOVERY":true,)"
        R"("WARM_ENI_TARGET":1,"WARM_IP_TARGET":0})");
  pool.set.exclude_snat_cidrs = {*net::Cidr::parse("10.1.0.0/16")};
  pool.set.randomize_snat = settings::RandomizeSnat::hash;
  const auto json = parsed(networkutils_page(pool.inspected()));
  CHECK(json["AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS"] == parsed(R"(["10.1.0.0/16"])"));
  CHECK(json["AWS_VPC_K8S_CNI_RANDOMIZESNAT"] == 1);
}

TEST_CASE("every other path answers the pages there are") {
  const Pool pool;
  CHECK(
      available_commands() ==
      R"({"AvailableCommands":["/v1/enis","/v1/eni-configs","/v1/networkutils-env-settings",)"
      R"("/v1/ipamd-env-settings","/v1/pods","/v1/plan","/v1/targets","/v1/failures","/v1/quarantine","/v1/fips"]})");
  CHECK_FALSE(page("/", pool.inspected()));
  CHECK_FALSE(page("/v1/enis/", pool.inspected()));
  const auto commands = parsed(available_commands());
  for (const auto& path : commands["AvailableCommands"]) {
    CHECK(page(path.get<std::string>(), pool.inspected()));
  }
  CHECK(page(kEniConfigsPath, pool.inspected()) == "\"zone-a\"");
}

TEST_CASE("/v1/enis with prefixes, and in an IPv6 pod network") {
  Pool pool({cidr("10.0.1.16/28")});
  pool.add("c0ffee", "web-0");
  const auto json = parsed(enis_page(pool.inspected()));
  CHECK(json["0"]["TotalIPs"] == 16);
  const auto& eni = json["0"]["ENIs"]["eni-0a"];
  const auto& prefix = eni["AvailableIPv4Cidrs"]["10.0.1.16/28"];
  CHECK(prefix["IsPrefix"] == true);
  CHECK(prefix["Cidr"] == parsed(R"({"IP":"10.0.1.16","Mask":"////8A=="})"));
  CHECK(prefix["IPAddresses"].size() == 1);

  Pool v6({cidr("2001:db8:1:2:3::/80")});
  v6.add("c0ffee", "web-0");
  const auto six = parsed(enis_page(v6.inspected()))["0"];
  CHECK(six["TotalIPs"] == std::uint64_t{1} << 48U);
  CHECK(six["AssignedIPs"] == 1);
  CHECK(six["ENIs"]["eni-0a"]["AvailableIPv4Cidrs"] == parsed("{}"));
  const auto& block = six["ENIs"]["eni-0a"]["IPv6Cidrs"]["2001:db8:1:2:3::/80"];
  CHECK(block["Cidr"]["Mask"] == "/////////////wAAAAAAAA==");
  CHECK(block["IPAddresses"].size() == 1);
}

TEST_CASE("/v1/fips is the report of the start, or says that there was none") {
  const Pool pool;
  auto of = pool.inspected();
  CHECK(page("/v1/fips", of) == R"({"result":"not required"})");
  of.fips = R"({"result":"pass"})";
  CHECK(page("/v1/fips", of) == R"({"result":"pass"})");
}

TEST_CASE("/v1/pods, /v1/plan and /v1/quarantine") {
  Pool pool;
  pool.core.restore(
      {{{"aws-cni", "lost", "eth0"}, {"shop", "cart", 1}, ip("10.0.9.9"), kAssigned}},
      {{ip("10.0.9.8"), "eni123/02:00:00:00:00:01"}}, {},
      [](const ipam::Assignment&) { return true; }, pool.now);
  pool.add("c0ffee", "web-0");
  const auto pods = parsed(pods_page(pool.inspected()));
  REQUIRE(pods.size() == 3);
  CHECK(pods[0] == parsed(R"({"namespace":"default","name":"web-0","containerID":"c0ffee",)"
                          R"("ifName":"eth0","address":"10.0.1.7","eni":"eni-0a","table":254,)"
                          R"("since":"2025-01-01T00:00:00.123456789Z","quarantined":false})"));
  const auto held = parsed(quarantine_page(pool.inspected()));
  REQUIRE(held.size() == 2);
  CHECK(held[0]["address"] == "10.0.9.8");
  CHECK(held[0]["why"] == "only the kernel's routes know this pod");
  CHECK(held[1]["name"] == "cart");
  CHECK(held[1]["why"] == "EC2 lists the address on no ENI of this node");
  pool.settle();  // the plan is made when nobody waits for an answer
  const auto plan = parsed(plan_page(pool.inspected()));
  CHECK(plan["because"] != "");
  CHECK(plan["quarantined"] == 2);
  CHECK(plan["maxEnis"] == 3);
}

TEST_CASE("/v1/failures: newest first, bounded in number and size") {
  Pool pool;
  CHECK(failures_page(pool.inspected()) == R"({"total":0,"failures":[]})");
  for (std::size_t i = 0; i < FailedAdds::kKept + 5; ++i) {
    FailedAdd one;
    one.at = kAssigned;
    one.took = std::chrono::milliseconds(1500);
    one.reason = "POOL_COOLING";
    one.detail = std::string(100000, 'x');
    one.key = {"aws-cni", std::string(100000, 'y'), "eth0"};
    one.pod = {"default", "pod-" + std::to_string(i), 1};
    one.pool.total = 9;
    one.pool.assigned = 5;
    one.pool.cooling = 3;
    one.doing = "assign 3 addresses";
    pool.failed.add(std::move(one));
  }
  const std::string text = failures_page(pool.inspected());
  CHECK(text.size() < FailedAdds::kKept * 1200);
  const auto json = parsed(text);
  CHECK(json["total"] == FailedAdds::kKept + 5);
  REQUIRE(json["failures"].size() == FailedAdds::kKept);
  const auto& newest = json["failures"][0];
  CHECK(newest["name"] == "pod-1004");
  CHECK(newest["reason"] == "POOL_COOLING");
  CHECK(newest["tookSeconds"] == 1.5);
  CHECK(newest["time"] == "2025-01-01T00:00:00.123456789Z");
  CHECK(newest["pool"] ==
        parsed(R"({"total":9,"assigned":5,"free":1,"cooling":3,"unconfirmed":0,"quarantined":0})"));
  CHECK(json["failures"][FailedAdds::kKept - 1]["name"] == "pod-5");
}

TEST_CASE("the reason at the start of an error's text") {
  CHECK(split_reason("MULTI_NIC_OFF: the pod asks").reason == "MULTI_NIC_OFF");
  CHECK(split_reason("MULTI_NIC_OFF: the pod asks").detail == "the pod asks");
  CHECK(split_reason("no reason: at all").reason == "INVALID_REQUEST");
  CHECK(split_reason(": x").reason == "INVALID_REQUEST");
  CHECK(split_reason("").reason == "INVALID_REQUEST");
}

TEST_CASE("the node's ENIConfig: external label, annotation, label, default") {
  const settings::Settings set;
  NodeTexts labels;
  NodeTexts annotations;
  const auto name = [&] { return k8s::eni_config_name(labels, annotations, set).name; };
  CHECK(name() == "default");
  labels["k8s.amazonaws.com/eniConfig"] = "by-label";
  CHECK(name() == "by-label");
  annotations["k8s.amazonaws.com/eniConfig"] = "by-annotation";
  CHECK(name() == "by-annotation");
  labels["vpc.amazonaws.com/externalEniConfig"] = "";
  CHECK(name().empty());
  CHECK(k8s::eni_config_name(labels, {}, set).from == "label vpc.amazonaws.com/externalEniConfig");
}

}  // namespace vpccni::agent
