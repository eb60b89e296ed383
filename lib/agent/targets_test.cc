#include "agent/targets.h"

#include <catch2/catch.hpp>

namespace vpccni::agent {
namespace {

settings::Settings environment() {
  settings::Settings set;
  set.warm_eni_target = 1;
  set.warm_ip_target = 2;
  set.minimum_ip_target = 3;
  set.warm_prefix_target = 4;
  set.max_eni = -1;
  return set;
}

EffectiveTargets of(const NodeTexts& labels, const NodeTexts& annotations,
                    std::size_t unusable_count = 0) {
  std::vector<std::string> unusable;
  const auto targets = effective_targets(environment(), labels, annotations, unusable);
  CHECK(unusable.size() == unusable_count);
  return targets;
}

TEST_CASE("targets: the environment's, when the node says nothing") {
  const auto targets = of({{"warm-ip-target", "9"}}, {{"vpc.amazonaws.com/other", "9"}});
  CHECK(targets.warm_enis == EffectiveTarget{1, Origin::environment});
  CHECK(targets.warm_ips == EffectiveTarget{2, Origin::environment});
  CHECK(targets.minimum_ips == EffectiveTarget{3, Origin::environment});
  CHECK(targets.warm_prefixes == EffectiveTarget{4, Origin::environment});
  CHECK(targets.max_enis == EffectiveTarget{-1, Origin::environment});
}

TEST_CASE(
    "targets: an annotation wins over a label, a label over the environment, each by itself") {
  const NodeTexts labels = {{"vpc.amazonaws.com/warm-eni-target", "11"},
                            {"vpc.amazonaws.com/warm-ip-target", "12"},
                            {"vpc.amazonaws.com/minimum-ip-target", "13"},
                            {"vpc.amazonaws.com/warm-prefix-target", "14"},
                            {"vpc.amazonaws.com/max-eni", "15"}};
  const auto by_label = of(labels, {});
  CHECK(by_label.warm_enis == EffectiveTarget{11, Origin::label});
  CHECK(by_label.warm_ips == EffectiveTarget{12, Origin::label});
  CHECK(by_label.minimum_ips == EffectiveTarget{13, Origin::label});
  CHECK(by_label.warm_prefixes == EffectiveTarget{14, Origin::label});
  CHECK(by_label.max_enis == EffectiveTarget{15, Origin::label});
  for (const auto& [key, ignored] : labels) {
    const auto mixed = of(labels, {{key, "0"}}, key.ends_with("max-eni") ? 1 : 0);
    INFO(key);
    CHECK((mixed.warm_enis.origin == Origin::annotation) == key.ends_with("warm-eni-target"));
    CHECK((mixed.warm_ips.origin == Origin::annotation) == key.ends_with("warm-ip-target"));
    CHECK((mixed.minimum_ips.origin == Origin::annotation) == key.ends_with("minimum-ip-target"));
    CHECK((mixed.warm_prefixes.origin == Origin::annotation) ==
          key.ends_with("warm-prefix-target"));
    CHECK(mixed.max_enis.origin == Origin::label);  // 0 ENIs would be none at all
  }
  CHECK(of(labels, {{"vpc.amazonaws.com/max-eni", "2"}}).max_enis ==
        EffectiveTarget{2, Origin::annotation});
}

TEST_CASE("targets: what is no number falls through to the next, and is named") {
  for (const char* bad : {"", "many", "-1", "1.5", " 1", "0x1", "100001", "99999999999999999999"}) {
    INFO(bad);
    std::vector<std::string> unusable;
    const std::string key = "vpc.amazonaws.com/warm-ip-target";
    auto targets = effective_targets(environment(), {{key, "12"}}, {{key, bad}}, unusable);
    CHECK(targets.warm_ips == EffectiveTarget{12, Origin::label});
    REQUIRE(unusable.size() == 1);
    CHECK(unusable.front().find("annotation " + key) != std::string::npos);
    targets = effective_targets(environment(), {{key, bad}}, {}, unusable);
    CHECK(targets.warm_ips == EffectiveTarget{2, Origin::environment});
    CHECK(unusable.back().find("label " + key) != std::string::npos);
  }
}

TEST_CASE("targets: as JSON, with the origin") {
  CHECK(targets_json(of({{"vpc.amazonaws.com/max-eni", "2"}}, {})) ==
        R"({"WARM_ENI_TARGET":{"value":1,"origin":"environment"},)"
        R"("WARM_IP_TARGET":{"value":2,"origin":"environment"},)"
        R"("MINIMUM_IP_TARGET":{"value":3,"origin":"environment"},)"
        R"("WARM_PREFIX_TARGET":{"value":4,"origin":"environment"},)"
        R"("MAX_ENI":{"value":2,"origin":"label"}})");
}

}  // namespace
}  // namespace vpccni::agent
