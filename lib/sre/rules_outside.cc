#include <cstdlib>

#include "base/json.h"
#include "cni/conflist.h"
#include "sre/rules.h"

namespace vpccni::sre::rules {

namespace {

constexpr int kDiskFull = 98;  // percent
/// EC2 refuses a signature that is older or newer.
constexpr long kSkewLimit = 300;  // seconds

}  // namespace

Evidence address_gone(const NodeView& view) {
  if (!view.knows_addresses()) {
    return std::nullopt;
  }
  return pods_where(
      view, [&](const PodRow& row) { return eni_of(view.enis, row.held.address) == nullptr; });
}

Evidence imds_dead(const NodeView& view) {
  return view.imds_trouble.empty() ? Evidence() : Evidence(view.imds_trouble);
}

Evidence clock_wrong(const NodeView& view) {
  const auto last = base::string_member(view.plan, "lastError");
  for (const auto* text : {"RequestExpired", "RequestTimeTooSkewed", "Signature expired"}) {
    if (last.find(text) != std::string::npos) {
      return last;
    }
  }
  if (!view.clock_ahead || std::labs(*view.clock_ahead) < kSkewLimit) {
    return std::nullopt;
  }
  return "this node is " + std::to_string(std::labs(*view.clock_ahead)) + " s " +
         (*view.clock_ahead > 0 ? "ahead of" : "behind") + " IMDS";
}

Evidence leaked_enis(const NodeView& view) {
  std::vector<std::string> names;
  for (const auto& eni : view.leaked) {
    names.push_back(to_string(eni));
  }
  return joined(names);
}

Evidence api_denies(const NodeView& view) {
  // Behind a proxy, that is the finding.
  return view.api_trouble.empty() || !view.api_by_proxy.empty() ? Evidence()
                                                                : Evidence(view.api_trouble);
}

Evidence api_by_proxy(const NodeView& view) {
  if (view.api_by_proxy.empty()) {
    return std::nullopt;
  }
  return view.api_by_proxy + " is not in NO_PROXY" +
         (view.api_trouble.empty() ? "" : "; " + view.api_trouble);
}

Evidence disk_full(const NodeView& view) {
  return view.disk_used_percent >= kDiskFull ? Evidence(std::to_string(view.disk_used_percent) +
                                                        " % used at " + view.checkpoint_path)
                                             : Evidence();
}

Evidence conflist_broken(const NodeView& view) {
  if (!view.has_conf_dir || (!view.agent_answers() && !view.conflist)) {
    return std::nullopt;  // it is written when the agent is ready
  }
  if (!view.conflist) {
    return "there is no " + view.conflist_path;
  }
  const auto json = base::parse_json(*view.conflist);
  const auto* plugins = json ? base::find_member(*json, "plugins") : nullptr;
  const bool ours = plugins != nullptr && plugins->is_array() && !plugins->empty() &&
                    base::string_member(plugins->front(), "type") == "aws-cni";
  if (!ours) {
    return view.conflist_path + " is no list that begins with aws-cni";
  }
  if (view.first_conflist != cni::kConflistName) {
    return "the runtime takes " + view.first_conflist + ", which comes first";
  }
  return std::nullopt;
}

Evidence other_plugin(const NodeView& view) {
  return view.plugin_trouble.empty() ? Evidence() : Evidence(view.plugin_trouble);
}

}  // namespace vpccni::sre::rules
