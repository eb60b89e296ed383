#include "settings/entrypoint.h"

#include <catch2/catch.hpp>

namespace vpccni::settings {

TEST_CASE("without variables the entrypoint has upstream's defaults") {
  const auto set = load_entrypoint({});
  CHECK(set.refusals.empty());
  CHECK(set.warnings.empty());
  CHECK(set.veth_prefix == "eni");
  CHECK(set.pod_mtu == "9001");
  CHECK(set.enforcing_mode == "strict");
  CHECK(set.randomize_snat == "prng");
  CHECK(set.plugin_log_file == "/var/log/aws-routed-eni/plugin.log");
  CHECK(set.plugin_log_level == "Debug");
  CHECK(set.bin_dir == "/host/opt/cni/bin");
  CHECK(set.conf_dir == "/host/etc/cni/net.d");
  CHECK(set.v4_egress);
  CHECK_FALSE(set.v6_egress);
  CHECK_FALSE(set.checks);
}

TEST_CASE("each refusal names its variable and what is permitted") {
  struct Row {
    Environment environment;
    std::string named;
    std::string permitted;
  };
  const std::vector<Row> rows = {
      {{{"AWS_VPC_K8S_PLUGIN_LOG_FILE", "stdout"}}, "AWS_VPC_K8S_PLUGIN_LOG_FILE", "stderr"},
      {{{"AWS_VPC_K8S_CNI_VETHPREFIX", "vethy"}}, "AWS_VPC_K8S_CNI_VETHPREFIX", "4 characters"},
      {{{"AWS_VPC_K8S_CNI_VETHPREFIX", "vlan"}}, "AWS_VPC_K8S_CNI_VETHPREFIX", "own"},
      {{{"ENABLE_POD_ENI", "true"}, {"POD_SECURITY_GROUP_ENFORCING_MODE", "loose"}},
       "POD_SECURITY_GROUP_ENFORCING_MODE",
       "strict or standard"},
      {{{"IP_COOLDOWN_PERIOD", "-1"}}, "IP_COOLDOWN_PERIOD", "at least 0"},
      {{{"IP_COOLDOWN_PERIOD", ""}}, "IP_COOLDOWN_PERIOD", "integer"},
      {{{"AWS_VPC_ENI_MTU", "575"}}, "AWS_VPC_ENI_MTU", "576 to 9001"},
      {{{"AWS_VPC_ENI_MTU", "1279"}, {"ENABLE_IPv6", "true"}}, "AWS_VPC_ENI_MTU", "1280 to 9001"},
      {{{"POD_MTU", "9002"}}, "POD_MTU", "576 to 9001"},
      {{{"ENABLE_PREFIX_DELEGATION", "true"}}, "ENABLE_PREFIX_DELEGATION", "WARM_PREFIX_TARGET"},
      {{{"ENABLE_PREFIX_DELEGATION", "true"}, {"WARM_IP_TARGET", "0"}},
       "ENABLE_PREFIX_DELEGATION",
       "more than 0"},
  };
  for (const auto& row : rows) {
    const auto set = load_entrypoint(row.environment);
    REQUIRE(set.refusals.size() == 1);
    INFO(set.refusals[0]);
    CHECK(set.refusals[0].find(row.named) == 0);
    CHECK(set.refusals[0].find(row.permitted) != std::string::npos);
  }
}

TEST_CASE("refusals come all at once, in upstream's order") {
  const auto set = load_entrypoint({{"POD_MTU", "x"},
                                    {"AWS_VPC_ENI_MTU", "x"},
                                    {"IP_COOLDOWN_PERIOD", "x"},
                                    {"AWS_VPC_K8S_CNI_VETHPREFIX", "toolong"}});
  REQUIRE(set.refusals.size() == 4);
  CHECK(set.refusals[0].starts_with("AWS_VPC_K8S_CNI_VETHPREFIX"));
  CHECK(set.refusals[1].starts_with("IP_COOLDOWN_PERIOD"));
  CHECK(set.refusals[2].starts_with("AWS_VPC_ENI_MTU"));
  CHECK(set.refusals[3].starts_with("POD_MTU"));
}

TEST_CASE("what is permitted") {
  for (const Environment& environment :
       {Environment{{"AWS_VPC_K8S_PLUGIN_LOG_FILE", "stderr"}},
        Environment{{"AWS_VPC_K8S_CNI_VETHPREFIX", "pods"}},
        Environment{{"POD_SECURITY_GROUP_ENFORCING_MODE", "loose"}},
        Environment{{"AWS_VPC_ENI_MTU", "576"}, {"POD_MTU", "1500"}},
        Environment{{"ENABLE_PREFIX_DELEGATION", "true"}, {"WARM_PREFIX_TARGET", "1"}},
        Environment{{"ENABLE_PREFIX_DELEGATION", "true"}, {"MINIMUM_IP_TARGET", "3"}}}) {
    CHECK(load_entrypoint(environment).refusals.empty());
  }
  CHECK(load_entrypoint({{"POD_MTU", "1500"}}).pod_mtu == "1500");
  CHECK(load_entrypoint({{"AWS_VPC_ENI_MTU", "1400"}}).pod_mtu == "1400");
}

TEST_CASE("a boolean that is none is a warning, and the default counts") {
  const auto set = load_entrypoint({{"ENABLE_V4_EGRESS", ""}, {"ENABLE_IPv6", "yes"}});
  CHECK(set.v4_egress);
  CHECK_FALSE(set.ipv6);
  REQUIRE(set.warnings.size() == 2);
  CHECK(set.warnings[0].starts_with("ENABLE_IPv6=\"yes\""));
}

}  // namespace vpccni::settings
