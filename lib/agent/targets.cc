#include "agent/targets.h"

#include <optional>

#include "base/json.h"
#include "base/text.h"

namespace vpccni::agent {

namespace {

constexpr std::string_view kPrefix = "vpc.amazonaws.com/";
constexpr int kMost = 100000;  // more than any node has

struct Row {
  std::string_view key;
  std::string_view setting;
  int least;
  EffectiveTarget EffectiveTargets::*target;
  int settings::Settings::*fallback;
};

constexpr Row kRows[] = {
    {"warm-eni-target", "WARM_ENI_TARGET", 0, &EffectiveTargets::warm_enis,
     &settings::Settings::warm_eni_target},
    {"warm-ip-target", "WARM_IP_TARGET", 0, &EffectiveTargets::warm_ips,
     &settings::Settings::warm_ip_target},
    {"minimum-ip-target", "MINIMUM_IP_TARGET", 0, &EffectiveTargets::minimum_ips,
     &settings::Settings::minimum_ip_target},
    {"warm-prefix-target", "WARM_PREFIX_TARGET", 0, &EffectiveTargets::warm_prefixes,
     &settings::Settings::warm_prefix_target},
    {"max-eni", "MAX_ENI", 1, &EffectiveTargets::max_enis, &settings::Settings::max_eni},
};

std::optional<int> number_of(const Row& row, const NodeTexts& texts, const char* kind,
                             std::vector<std::string>& unusable) {
  const std::string key = std::string(kPrefix) + std::string(row.key);
  const auto found = texts.find(key);
  if (found == texts.end()) {
    return std::nullopt;
  }
  const auto number = base::parse_integer<int>(found->second);
  if (number && *number >= row.least && *number <= kMost) {
    return *number;
  }
  unusable.push_back("the node's " + std::string(kind) + " " + key + "=" +
                     base::json_quote(found->second.substr(0, 64)) + " is no number from " +
                     std::to_string(row.least) + " to " + std::to_string(kMost));
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Origin origin) {
  constexpr std::string_view kNames[] = {"environment", "label", "annotation"};
  return kNames[static_cast<std::size_t>(origin)];
}

EffectiveTargets effective_targets(const settings::Settings& settings, const NodeTexts& labels,
                                   const NodeTexts& annotations,
                                   std::vector<std::string>& unusable) {
  EffectiveTargets targets;
  for (const Row& row : kRows) {
    EffectiveTarget& target = targets.*row.target;
    target = {settings.*row.fallback, Origin::environment};
    if (const auto label = number_of(row, labels, "label", unusable)) {
      target = {*label, Origin::label};
    }
    if (const auto annotation = number_of(row, annotations, "annotation", unusable)) {
      target = {*annotation, Origin::annotation};
    }
  }
  return targets;
}

std::string targets_json(const EffectiveTargets& targets) {
  base::OrderedJson body;
  for (const Row& row : kRows) {
    const EffectiveTarget& target = targets.*row.target;
    body[std::string(row.setting)] = {{"value", target.value},
                                      {"origin", to_string(target.origin)}};
  }
  return base::dump_json(body);
}

}  // namespace vpccni::agent
