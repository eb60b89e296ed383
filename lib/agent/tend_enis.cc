#include "agent/tend_enis.h"

#include "agent/delete_on_termination.h"
#include "agent/eni_tags.h"
#include "agent/execute.h"

namespace vpccni::agent {

namespace {

void tend_termination(const Edges& edges, const Node& node, const aws::Eni& eni) {
  if (auto verified = verify_delete_on_termination(edges, node, eni); !verified) {
    edges.log.warn("an ENI of ours may stay when the instance is terminated; ignoring",
                   {{"eni", to_string(eni.id)}, {"error", verified.error().message}});
  }
}

}  // namespace

void tend_eni(const Edges& edges, const Node& node, const aws::Eni& eni,
              const std::stop_token& stop) {
  tag_if_needed(edges, node, eni, stop);
  tend_termination(edges, node, eni);
}

void tend_attachment(const Edges& edges, const Node& node, const aws::Eni& eni) {
  if (eni.attachment && eni.attachment->device.value() != 0) {
    tend_termination(edges, node, eni);
  }
}

void tend_enis(const Edges& edges, const Node& node, const std::stop_token& stop) {
  if (node.settings.disable_provisioning || node.settings.imds_only) {
    return;
  }
  const auto managed = managed_enis(edges, node);
  if (!managed) {
    edges.log.warn("cannot list ENIs to look after their tags; ignoring",
                   {{"error", managed.error().message}});
    return;
  }
  for (const auto& eni : managed->enis) {
    if (stop.stop_requested()) {
      return;
    }
    tend_eni(edges, node, eni, stop);
  }
}

}  // namespace vpccni::agent
