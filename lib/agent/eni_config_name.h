#pragma once
// Which ENIConfig is this node's (spec agent.md 8.5). Pure.

#include <string>

#include "agent/targets.h"
#include "settings/settings.h"

namespace vpccni::agent {

struct EniConfigName {
  std::string name;
  std::string from;  // "label topology.kubernetes.io/zone"; where nothing names one, the default
};
/// The label vpc.amazonaws.com/externalEniConfig, else the configured annotation, else the
/// configured label, else "default". Presence decides: an empty value counts.
EniConfigName eni_config_name(const NodeTexts& labels, const NodeTexts& annotations,
                              const settings::Settings& settings);

}  // namespace vpccni::agent
