#pragma once
// Which ENIConfig is this node's (spec agent.md 8.5). Pure.

#include <map>
#include <string>

#include "settings/settings.h"

namespace vpccni::k8s {

struct EniConfigName {
  std::string name;
  std::string from;  // "label topology.kubernetes.io/zone"; where nothing names one, the default
};
/// The label vpc.amazonaws.com/externalEniConfig, else the configured annotation, else the
/// configured label, else "default". Presence decides: an empty value counts.
EniConfigName eni_config_name(const std::map<std::string, std::string>& labels,
                              const std::map<std::string, std::string>& annotations,
                              const settings::Settings& settings);

}  // namespace vpccni::k8s
