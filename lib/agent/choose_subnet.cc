#include "agent/choose_subnet.h"

#include <algorithm>
#include <set>

namespace vpccni::agent {

namespace {

constexpr auto kRoleTag = "kubernetes.io/role/cni";
constexpr std::string_view kClusterTags = "cni.networking.k8s.aws/cluster/";
constexpr int kDeviceIndexes = 100;  // 0…99 (upstream lets 100 pass and overruns its table: Q26)

/// Subnets that name clusters are for these clusters alone.
bool is_for_cluster(const aws::Tags& tags, const std::string& cluster) {
  const auto first = tags.lower_bound(std::string(kClusterTags));
  const bool names_clusters = first != tags.end() && first->first.starts_with(kClusterTags);
  return cluster.empty() || !names_clusters || tags.contains(std::string(kClusterTags) + cluster);
}

/// nullopt: without the tag.
std::optional<std::string> role_of(const aws::Subnet& subnet) {
  const auto tag = subnet.tags.find(kRoleTag);
  return tag == subnet.tags.end() ? std::nullopt : std::optional(tag->second);
}

bool is_usable(const aws::Subnet& subnet, const SubnetRules& rules) {
  const bool primary = subnet.id == rules.primary;
  if (!rules.discovery) {
    return primary && !is_excluded(subnet, rules);
  }
  const auto role = role_of(subnet);
  if (rules.tags == settings::SubnetTags::by_key) {
    return primary || role;
  }
  if (role == "0") {
    return false;
  }
  if (!role || role->empty()) {
    return primary;
  }
  return is_for_cluster(subnet.tags, rules.cluster);
}

Error no_subnet(const std::vector<aws::Subnet>& subnets, const SubnetRules& rules) {
  const auto own = std::find_if(subnets.begin(), subnets.end(),
                                [&](const auto& subnet) { return subnet.id == rules.primary; });
  std::string text = "no subnet may be used for a new ENI: the primary ENI's, " +
                     to_string(rules.primary) + ", is ";
  if (own == subnets.end()) {
    text += "not in EC2's list of this zone";
  } else {
    text += "excluded by its tags (" + std::string(kRoleTag) + "=" + role_of(*own).value_or("") +
            (is_for_cluster(own->tags, rules.cluster) ? ")" : ", and it is for other clusters)");
  }
  text += rules.discovery ? ", and no other subnet is tagged for this cluster" : "";
  return {Errc::not_found, std::move(text)};
}

}  // namespace

SubnetRules subnet_rules(const Node& node) {
  const auto& set = node.settings;
  SubnetRules rules;
  rules.primary = node.identity.primary_subnet;
  rules.tags = set.subnet_tags;
  rules.cluster = set.cluster_name;
  // 1.21 looks for other subnets in IPv4 clusters only; an ENIConfig names its subnet itself.
  rules.discovery = set.enable_subnet_discovery && !set.custom_networking &&
                    (!set.enable_ipv6 || set.subnet_tags == settings::SubnetTags::by_value);
  return rules;
}

Result<std::vector<aws::Subnet>> candidate_subnets(std::vector<aws::Subnet> subnets,
                                                   const SubnetRules& rules) {
  std::vector<aws::Subnet> usable;
  std::copy_if(subnets.begin(), subnets.end(), std::back_inserter(usable),
               [&](const aws::Subnet& subnet) { return is_usable(subnet, rules); });
  if (usable.empty()) {
    return no_subnet(subnets, rules);  // upstream 1.21 goes on with an empty id here: Q9
  }
  std::stable_sort(usable.begin(), usable.end(), [](const auto& a, const auto& b) {
    return a.available_addresses > b.available_addresses;
  });
  return usable;
}

bool is_excluded(const aws::Subnet& subnet, const SubnetRules& rules) {
  const auto role = role_of(subnet);
  if (rules.tags == settings::SubnetTags::by_key || !role) {
    return false;
  }
  return *role == "0" || !is_for_cluster(subnet.tags, rules.cluster);
}

bool is_excluded(const std::vector<aws::Subnet>& listed, const net::SubnetId& subnet,
                 const SubnetRules& rules) {
  const auto found =
      std::find_if(listed.begin(), listed.end(), [&](const auto& one) { return one.id == subnet; });
  return found != listed.end() && is_excluded(*found, rules);
}

int free_device_index(const std::vector<aws::Attachment>& attachments, net::NetworkCard card) {
  std::set<int> used;
  for (const auto& attachment : attachments) {
    if (attachment.card == card) {
      used.insert(attachment.device.value());
    }
  }
  for (int index = 0; index < kDeviceIndexes; ++index) {
    if (!used.contains(index)) {
      return index;
    }
  }
  return -1;
}

}  // namespace vpccni::agent
