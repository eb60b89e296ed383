#include "agent/node.h"

#include <algorithm>

#include "base/clock.h"

namespace vpccni::agent {

int Node::max_enis() const {
  aws::InstanceLimits own = limits;
  for (const auto& limit : limits.cards) {
    own.enis = limit.card == card ? limit.enis : own.enis;
  }
  return agent::max_enis(own, settings.max_eni);
}

Node Node::on_card(net::NetworkCard other) const {
  Node node = *this;
  node.card = other;
  return node;
}

int max_enis(const aws::InstanceLimits& limits, int max_eni) {
  return max_eni >= 1 ? std::min(limits.enis, max_eni) : limits.enis;
}

Result<std::vector<net::Cidr>> vpc_cidrs(aws::Imds& imds, const Node& node) {
  return node.family() == net::Family::v4 ? imds.vpc_ipv4_cidrs(node.identity.primary_mac)
                                          : imds.vpc_ipv6_cidrs(node.identity.primary_mac);
}

bool trunk_possible(const Node& node) {
  const std::string& type = node.identity.type;
  const bool burstable = type.size() > 1 && type[0] == 't' && type[1] >= '0' && type[1] <= '9';
  return node.limits.prefixes_supported() && !burstable;
}

int default_max_pods(const aws::InstanceLimits& limits) {
  return limits.enis * (limits.ipv4_per_eni - 1) + 2;
}

aws::Tags eni_tags(const Node& node) {
  aws::Tags tags;
  tags["node.k8s.amazonaws.com/instance_id"] = to_string(node.identity.id);
  if (!node.settings.cluster_name.empty()) {
    tags["cluster.k8s.amazonaws.com/name"] = node.settings.cluster_name;
    tags["eks:eni:owner"] = "amazon-vpc-cni";
  }
  for (const auto& [key, value] : node.settings.additional_eni_tags) {
    tags[key] = value;
  }
  return tags;
}

}  // namespace vpccni::agent
