#include "k8s/eni_config_name.h"

namespace vpccni::k8s {

namespace {

constexpr auto kExternal = "vpc.amazonaws.com/externalEniConfig";

}  // namespace

EniConfigName eni_config_name(const std::map<std::string, std::string>& labels,
                              const std::map<std::string, std::string>& annotations,
                              const settings::Settings& settings) {
  if (const auto external = labels.find(kExternal); external != labels.end()) {
    return {external->second, std::string("label ") + kExternal};
  }
  const std::string& by_annotation = settings.eni_config_annotation;
  if (const auto found = annotations.find(by_annotation); found != annotations.end()) {
    return {found->second, "annotation " + by_annotation};
  }
  const std::string& by_label = settings.eni_config_label;
  if (const auto found = labels.find(by_label); found != labels.end()) {
    return {found->second, "label " + by_label};
  }
  return {"default", "the node has neither annotation " + by_annotation + " nor label " + by_label};
}

}  // namespace vpccni::k8s
