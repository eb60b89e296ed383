#include "agent/subnets_to_try.h"

#include "agent/choose_subnet.h"

namespace vpccni::agent {

namespace {

Result<std::vector<aws::Subnet>> primary_subnet(const Edges& edges, const Node& node) {
  VPCCNI_TRY(const auto enis, wrap(edges.imds.enis(), "read the primary ENI's subnet from IMDS"));
  for (const auto& eni : enis) {
    if (eni.mac == node.identity.primary_mac && eni.subnet_ipv4) {
      aws::Subnet subnet;
      subnet.id = node.identity.primary_subnet;
      subnet.vpc = node.identity.vpc;
      subnet.availability_zone = node.identity.availability_zone;
      subnet.cidr = *eni.subnet_ipv4;
      subnet.available_addresses = kUnknownRoom;
      return std::vector{subnet};
    }
  }
  return Error{Errc::not_found, "IMDS shows no CIDR of the primary ENI's subnet"};
}

}  // namespace

Result<std::vector<aws::Subnet>> subnets_to_try(const Edges& edges, const Node& node) {
  const SubnetRules rules = subnet_rules(node);
  const bool by_value = rules.tags == settings::SubnetTags::by_value;
  if (!rules.discovery && !by_value) {
    if (auto own = primary_subnet(edges, node)) {
      return own;
    }
  }
  auto listed =
      wrap(edges.ec2.subnets(node.identity.vpc, node.identity.availability_zone), "list subnets");
  if (listed) {
    return candidate_subnets(*std::move(listed), rules);
  }
  if (rules.discovery && by_value) {
    return listed;  // the primary's may be excluded, too
  }
  edges.log.warn("EC2 does not list subnets; ignoring, the primary ENI's is used",
                 {{"error", listed.error().message}});
  auto own = primary_subnet(edges, node);
  return own ? std::move(own) : std::move(listed);
}

}  // namespace vpccni::agent
