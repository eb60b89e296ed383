#pragma once
// The pool's targets as they count now: the environment's, unless the node object says otherwise
// (spec users.md S3). Pure.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "settings/settings.h"

namespace vpccni::agent {

/// Where a value comes from; a later one wins over an earlier one.
enum class Origin { environment, label, annotation };
std::string_view to_string(Origin origin);

struct EffectiveTarget {
  int value = 0;
  Origin origin = Origin::environment;
  friend bool operator==(const EffectiveTarget&, const EffectiveTarget&) = default;
};

struct EffectiveTargets {
  EffectiveTarget warm_enis;
  EffectiveTarget warm_ips;
  EffectiveTarget minimum_ips;
  EffectiveTarget warm_prefixes;
  EffectiveTarget max_enis;  // counts when at least 1
  friend bool operator==(const EffectiveTargets&, const EffectiveTargets&) = default;
};

using NodeTexts = std::map<std::string, std::string>;

/// Labels and annotations have the same keys: vpc.amazonaws.com/warm-ip-target, minimum-ip-target,
/// warm-eni-target, warm-prefix-target, max-eni. One that is no such number counts as not there,
/// and adds a sentence to `unusable`.
EffectiveTargets effective_targets(const settings::Settings& settings, const NodeTexts& labels,
                                   const NodeTexts& annotations,
                                   std::vector<std::string>& unusable);

/// /v1/targets, ours: each target with its value and where that comes from.
std::string targets_json(const EffectiveTargets& targets);

}  // namespace vpccni::agent
