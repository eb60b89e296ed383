#include <algorithm>
#include <initializer_list>

#include "base/json.h"
#include "sre/drift.h"
#include "sre/rules.h"

namespace vpccni::sre::rules {

namespace {

constexpr int kLongStep = 30'000;  // milliseconds

/// The newest failure of these reasons, or an error of the planner's or of this look's that has one
/// of the texts.
Evidence failure(const NodeView& view, std::initializer_list<std::string_view> reasons,
                 std::initializer_list<std::string_view> texts) {
  for (const auto& last : {base::string_member(view.plan, "lastError"), view.ec2_trouble}) {
    for (const auto text : texts) {
      if (last.find(text) != std::string::npos) {
        return last;
      }
    }
  }
  const auto* list = base::find_member(view.failures, "failures");
  if (list == nullptr || !list->is_array() || list->empty()) {
    return std::nullopt;
  }
  const auto& newest = list->front();
  const auto reason = base::string_member(newest, "reason");
  if (std::find(reasons.begin(), reasons.end(), reason) != reasons.end()) {
    return base::string_member(newest, "time") + " " + base::string_member(newest, "namespace") +
           "/" + base::string_member(newest, "name") + ": " + base::string_member(newest, "detail");
  }
  return std::nullopt;
}

}  // namespace

Evidence agent_dead(const NodeView& view) {
  if (view.agent_answers()) {
    return std::nullopt;
  }
  return view.agent_trouble + (view.startup ? "; its last word: " + view.startup->state + ", " +
                                                  to_sentence(*view.startup)
                                            : "");
}

Evidence start_failed(const NodeView& view) {
  if (view.agent_answers() || !view.startup || view.startup->state != "failed" ||
      view.startup->error.find("VPCCNI_FIPS=require") != std::string::npos) {
    return std::nullopt;
  }
  return to_sentence(*view.startup);
}

Evidence start_hangs(const NodeView& view) {
  if (view.agent_answers() || !view.startup || view.startup->state != "starting" ||
      view.startup->elapsed_ms < kLongStep) {
    return std::nullopt;
  }
  return to_sentence(*view.startup);
}

Evidence no_module(const NodeView& view) {
  if (view.startup && !view.agent_answers() &&
      view.startup->error.find("VPCCNI_FIPS=require") != std::string::npos) {
    return view.startup->error;
  }
  if (base::string_member(view.fips, "result") == "fail") {
    return "the agent's check of its module failed";
  }
  return std::nullopt;
}

Evidence quarantined(const NodeView& view) {
  return pods_where(view, [](const PodRow& row) { return row.quarantined; });
}

Evidence checkpoint_unreadable(const NodeView& view) {
  if (view.checkpoint_trouble.empty() || (view.pods.empty() && !view.agent_answers())) {
    return std::nullopt;
  }
  return view.checkpoint_trouble;
}

Evidence checkpoint_lost(const NodeView& view) {
  if (!view.checkpoint_trouble.empty()) {
    return std::nullopt;
  }
  if (view.agent_answers()) {
    return pods_where(view, [](const PodRow& row) { return row.in_agent && !row.in_checkpoint; });
  }
  // Without an agent only the kernel can tell.
  std::vector<std::string> unknown;
  for (const auto& address : routed_addresses(view)) {
    if (std::none_of(view.pods.begin(), view.pods.end(),
                     [&](const PodRow& row) { return row.held.address == address; })) {
      unknown.push_back("a pod's route to " + to_string(address));
    }
  }
  return joined(unknown);
}

Evidence unknown_to_agent(const NodeView& view) {
  if (!view.agent_answers()) {
    return std::nullopt;
  }
  return pods_where(view, [](const PodRow& row) { return row.in_checkpoint && !row.in_agent; });
}

Evidence unmanaged_eni(const NodeView& view) {
  if (!view.agent_answers()) {
    return std::nullopt;
  }
  return pods_where(view, [&](const PodRow& row) {
    const auto* eni = eni_of(view.enis, row.held.address);
    return eni != nullptr && !view.agent_enis.contains(eni->id);
  });
}

Evidence subnet_full(const NodeView& view) {
  if (!view.full_subnets.empty()) {
    std::vector<std::string> names;
    for (const auto& subnet : view.full_subnets) {
      names.push_back(to_string(subnet) + " has none");
    }
    return joined(names);
  }
  return failure(view, {"SUBNET_EXHAUSTED"}, {"InsufficientFreeAddressesInSubnet"});
}
Evidence subnet_fragmented(const NodeView& view) {
  return failure(view, {"PREFIX_FRAGMENTED"}, {"InsufficientCidrBlocks"});
}

Evidence throttled(const NodeView& view) {
  return failure(view, {"EC2_THROTTLED"}, {"RequestLimitExceeded", "Throttling"});
}

Evidence denied(const NodeView& view) {
  if (const auto actions = aws::denied_actions(view.permissions); !actions.empty()) {
    return "the role may not " + base::join(actions, ", ");
  }
  return failure(view, {"EC2_DENIED", "CREDENTIALS"}, {"UnauthorizedOperation", "AccessDenied"});
}

Evidence unreachable(const NodeView& view) {
  // This look is too short for its own time-out to say anything.
  const auto last = base::string_member(view.plan, "lastError");
  return last.find("timed out") != std::string::npos
             ? Evidence(last)
             : failure(view, {"EC2_UNREACHABLE"}, {"Failed to connect", "Could not resolve"});
}
Evidence no_eni_config(const NodeView& view) {
  if (!view.missing_eni_config.empty()) {
    return view.missing_eni_config;
  }
  return failure(view, {"ENICONFIG_MISSING"}, {"ENIConfig"});
}

Evidence all_in_use(const NodeView& view) {
  return failure(view, {"ENI_LIMIT"}, {});
}

}  // namespace vpccni::sre::rules
