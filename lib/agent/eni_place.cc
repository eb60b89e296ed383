#include "agent/eni_place.h"

#include <algorithm>

#include "agent/subnets_to_try.h"

namespace vpccni::agent {

namespace {

Error no_config(std::string text) {
  return {Errc::not_found, std::move(text), ipam::kEniConfigMissing};
}

Result<std::vector<net::SecurityGroupId>> primary_groups(const Edges& edges, const Node& node) {
  VPCCNI_TRY(auto groups, wrap(edges.imds.security_groups(node.identity.primary_mac),
                               "read the primary ENI's security groups"));
  std::sort(groups.begin(), groups.end());
  return groups;
}

/// As EC2 lists it. Where it may not be asked (upstream asks for no such right here), it is taken
/// by its id, and its block is read when the ENI is there.
Result<aws::Subnet> subnet_of(const Edges& edges, const Node& node, const k8s::EniConfig& config) {
  const auto listed = edges.ec2.subnets(node.identity.vpc, node.identity.availability_zone);
  if (!listed) {
    edges.log.warn("EC2 does not list subnets; the ENIConfig's is used unseen",
                   {{"subnet", to_string(config.subnet)}, {"error", listed.error().message}});
    aws::Subnet unseen;
    unseen.id = config.subnet;
    unseen.available_addresses = kUnknownRoom;
    return unseen;
  }
  for (const auto& subnet : *listed) {
    if (subnet.id == config.subnet) {
      return subnet;
    }
  }
  return no_config("ENIConfig \"" + config.name + "\" names " + to_string(config.subnet) +
                   ", which is no subnet of this VPC in zone " + node.identity.availability_zone);
}

}  // namespace

Result<EniPlace> place_of_new_eni(const Edges& edges, const Node& node) {
  EniPlace place;
  if (!node.settings.custom_networking) {
    VPCCNI_TRY(place.groups, primary_groups(edges, node));
    VPCCNI_TRY(place.subnets, subnets_to_try(edges, node));
    return place;
  }
  if (!edges.eni_config) {
    return no_config("custom networking needs an API server");
  }
  VPCCNI_TRY(const auto config, edges.eni_config());
  if (config.subnet.empty()) {
    return no_config("ENIConfig \"" + config.name + "\" names no subnet");
  }
  VPCCNI_TRY(auto subnet, subnet_of(edges, node, config));
  place.subnets.push_back(std::move(subnet));
  place.groups = config.security_groups;
  if (place.groups.empty()) {
    VPCCNI_TRY(place.groups, primary_groups(edges, node));
  }
  return place;
}

}  // namespace vpccni::agent
