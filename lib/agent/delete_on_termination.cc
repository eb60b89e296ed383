#include "agent/delete_on_termination.h"

namespace vpccni::agent {

namespace {

bool made_by_us(const aws::Eni& eni, const Node& node) {
  const auto tag = eni.tags.find("node.k8s.amazonaws.com/instance_id");
  return eni.description == "aws-K8S-" + to_string(node.identity.id) &&
         (tag == eni.tags.end() || tag->second == to_string(node.identity.id));
}

}  // namespace

Result<> verify_delete_on_termination(const Edges& edges, const Node& node, const aws::Eni& eni) {
  if (node.settings.imds_only || !eni.attachment || eni.attachment->delete_on_termination) {
    return {};  // with IMDS alone nobody knows
  }
  const auto& at = *eni.attachment;
  if (at.card.value() == 0 && at.device.value() == 0) {
    edges.log.warn(
        "the primary ENI stays when the instance is terminated: its launch template "
        "does not say delete-on-termination",
        {{"eni", to_string(eni.id)}});
    return {};
  }
  if (node.settings.disable_provisioning || eni.kind == aws::EniKind::trunk ||
      !made_by_us(eni, node)) {
    return {};
  }
  VPCCNI_CHECK(wrap(edges.ec2.delete_on_termination(eni.id, at.id),
                    "mark " + to_string(eni.id) + " delete-on-termination"));
  edges.log.info("an ENI of ours would have stayed after the instance; set right",
                 {{"eni", to_string(eni.id)}});
  return {};
}

Result<> confirm_delete_on_termination(const Edges& edges, const Node& node, const net::EniId& id) {
  aws::EniFilter filter;
  filter.ids = {id};
  VPCCNI_TRY(const auto listed, wrap(edges.ec2.network_interfaces(filter),
                                     "read back delete-on-termination of " + to_string(id)));
  if (listed.empty() || !listed.front().attachment) {
    return Error{Errc::not_found, "EC2 shows no attachment of " + to_string(id) + " yet"};
  }
  return verify_delete_on_termination(edges, node, listed.front());
}

}  // namespace vpccni::agent
