#include "agent/eni_config_name.h"

namespace vpccni::agent {

std::string eni_config_name(const NodeTexts& labels, const NodeTexts& annotations,
                            const settings::Settings& settings) {
  const auto external = labels.find("vpc.amazonaws.com/externalEniConfig");
  if (external != labels.end()) {
    return external->second;
  }
  const auto annotation = annotations.find(settings.eni_config_annotation);
  if (annotation != annotations.end()) {
    return annotation->second;
  }
  const auto label = labels.find(settings.eni_config_label);
  return label == labels.end() ? "default" : label->second;
}

}  // namespace vpccni::agent
