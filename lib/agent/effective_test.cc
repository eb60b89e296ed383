#include "agent/effective.h"

#include <catch2/catch.hpp>

namespace vpccni::agent {

namespace {

aws::InstanceLimits instance(const char* hypervisor, bool bare_metal = false) {
  aws::InstanceLimits limits;
  limits.enis = 3;
  limits.ipv4_per_eni = 10;
  limits.hypervisor = hypervisor;
  limits.bare_metal = bare_metal;
  return limits;
}

settings::Settings family(bool v4, bool v6, bool prefixes) {
  settings::Settings set;
  set.enable_ipv4 = v4;
  set.enable_ipv6 = v6;
  set.enable_prefix_delegation = prefixes;
  return set;
}

std::string refusal(const settings::Settings& set, const char* hypervisor = "nitro") {
  std::vector<settings::Note> notes;
  const auto result = effective(set, instance(hypervisor), notes);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Errc::invalid_argument);
  return result.error().message;
}

settings::Settings accepted(const settings::Settings& set, std::vector<settings::Note>& notes,
                            const aws::InstanceLimits& limits = instance("nitro")) {
  notes.clear();
  auto result = effective(set, limits, notes);
  REQUIRE(result);
  return *result;
}

settings::Settings accepted_silently(const settings::Settings& set) {
  std::vector<settings::Note> notes;
  auto result = accepted(set, notes);
  CHECK(notes.empty());
  return result;
}

}  // namespace

TEST_CASE("which combinations of family and prefixes may start") {
  for (const auto& good : {family(true, false, false), family(true, false, true)}) {
    CHECK(accepted_silently(good) == good);
  }
  auto v6 = accepted_silently(family(false, true, true));
  CHECK(v6.enable_ipv6);
  CHECK(refusal(family(false, true, false)).find("ENABLE_PREFIX_DELEGATION=true") !=
        std::string::npos);
  for (const bool prefixes : {false, true}) {
    CHECK(refusal(family(true, true, prefixes)).find("exactly one") != std::string::npos);
    CHECK(refusal(family(false, false, prefixes)).find("exactly one") != std::string::npos);
  }
}

TEST_CASE("security groups for pods go with either family") {
  for (auto set : {family(true, false, false), family(false, true, true)}) {
    set.enable_pod_eni = true;
    CHECK(accepted_silently(set).enable_pod_eni);
  }
}

TEST_CASE("IPv6 needs Nitro or bare metal, and no custom networking") {
  const auto v6 = family(false, true, true);
  for (const auto* hypervisor : {"xen", "unknown", ""}) {
    CHECK(refusal(v6, hypervisor).find("Nitro") != std::string::npos);
  }
  std::vector<settings::Note> notes;
  CHECK(accepted(v6, notes, instance("unknown", true)).enable_ipv6);
  auto custom = v6;
  custom.custom_networking = true;
  CHECK(refusal(custom).find("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG") != std::string::npos);
}

TEST_CASE("IPv4 prefixes are switched off, and said, where the instance has none") {
  std::vector<settings::Note> notes;
  const auto set = accepted(family(true, false, true), notes, instance("xen"));
  CHECK_FALSE(set.enable_prefix_delegation);
  REQUIRE(notes.size() == 1);
  CHECK(to_string(notes[0]) ==
        "ENABLE_PREFIX_DELEGATION=\"true\" needs a Nitro or bare metal instance; the instance's "
        "hypervisor is xen; used instead: \"false\"");
  CHECK_FALSE(notes[0].fatal);
  CHECK(accepted(family(true, false, true), notes, instance("xen", true)).enable_prefix_delegation);
  CHECK(notes.empty());
}

TEST_CASE("prefixes without any target: the agent starts, and holds no spare prefix") {
  const auto set = accepted_silently(family(true, false, true));
  CHECK(set.warm_prefix_target == 0);
  CHECK(set.warm_ip_target == 0);
  CHECK(set.minimum_ip_target == 0);
}

TEST_CASE("IMDS only: nothing is made, nothing is cleaned up") {
  auto set = family(true, false, false);
  CHECK_FALSE(accepted_silently(set).disable_provisioning);
  CHECK_FALSE(accepted_silently(set).disable_leaked_eni_cleanup);
  set.imds_only = true;
  CHECK(accepted_silently(set).disable_provisioning);
  CHECK(accepted_silently(set).disable_leaked_eni_cleanup);
}

TEST_CASE("provisioning disabled, or IPv6: leaked ENIs are left alone") {
  auto set = family(true, false, false);
  set.disable_provisioning = true;
  CHECK(accepted_silently(set).disable_leaked_eni_cleanup);
  CHECK(accepted_silently(family(false, true, true)).disable_leaked_eni_cleanup);
}

TEST_CASE("an MTU that IPv6 cannot have") {
  std::vector<settings::Note> notes;
  auto set = family(false, true, true);
  set.eni_mtu = 1280;
  CHECK(accepted(set, notes).eni_mtu == 1280);
  CHECK(notes.empty());
  set.eni_mtu = 1279;
  CHECK(accepted(set, notes).eni_mtu == 9001);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].name == "AWS_VPC_ENI_MTU");
  set = family(true, false, false);
  set.eni_mtu = 576;
  CHECK(accepted(set, notes).eni_mtu == 576);
  CHECK(notes.empty());
}

TEST_CASE("every reason is named at once") {
  auto set = family(false, true, true);
  set.custom_networking = true;
  set.veth_prefix = "vlan";
  const auto text = refusal(set, "xen");
  CHECK(text.find("CUSTOM_NETWORK_CFG") != std::string::npos);
  CHECK(text.find("reserved") != std::string::npos);
  CHECK(text.find("Nitro") != std::string::npos);
}

}  // namespace vpccni::agent
