// The pages of settings, keys sorted as upstream's.
#include "agent/introspect.h"
#include "base/json.h"
#include "base/text.h"

namespace vpccni::agent {

namespace {

using base::OrderedJson;

/// null without any, as Go shows an empty slice that was never made.
OrderedJson list_or_null(const std::vector<net::Cidr>& cidrs) {
  OrderedJson list;
  for (const auto& cidr : cidrs) {
    list.push_back(to_string(cidr));
  }
  return list;
}

int number_of(settings::RandomizeSnat how) {
  switch (how) {
    case settings::RandomizeSnat::none:
      return 0;
    case settings::RandomizeSnat::hash:
      return 1;
    case settings::RandomizeSnat::fully:
      return 2;
  }
  return 2;
}

}  // namespace

std::string eni_configs_page(const Inspected& of) {
  return base::json_quote(of.eni_config);
}

std::string targets_page(const Inspected& of) {
  return targets_json(of.targets);
}

std::string fips_page(const Inspected& of) {
  return of.fips.empty() ? base::dump_json(OrderedJson{{"result", "not required"}})
                         : std::string(of.fips);
}

std::string networkutils_page(const Inspected& of) {
  const settings::Settings& set = of.settings;
  return base::dump_json(
      OrderedJson{{"AWS_EXTERNAL_SERVICE_CIDRS", list_or_null(set.external_service_cidrs)},
                  {"AWS_VPC_CNI_NODE_PORT_SUPPORT", set.node_port_support},
                  {"AWS_VPC_ENI_MTU", set.eni_mtu},
                  {"AWS_VPC_K8S_CNI_CONNMARK", set.connmark.value()},
                  {"AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS", list_or_null(set.exclude_snat_cidrs)},
                  {"AWS_VPC_K8S_CNI_EXTERNALSNAT", set.external_snat},
                  {"AWS_VPC_K8S_CNI_RANDOMIZESNAT", number_of(set.randomize_snat)},
                  {"AWS_VPC_K8S_CNI_VETHPREFIX", set.veth_prefix}});
}

std::string ipamd_page(const Inspected& of) {
  const settings::Settings& set = of.settings;
  return base::dump_json(
      OrderedJson{{"AWS_MANAGE_ENIS_NON_SCHEDULABLE", set.manage_enis_non_schedulable},
                  {"AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", set.custom_networking},
                  {"ENABLE_SUBNET_DISCOVERY", set.enable_subnet_discovery},
                  {"WARM_ENI_TARGET", set.warm_eni_target},
                  {"WARM_IP_TARGET", set.warm_ip_target}});
}

}  // namespace vpccni::agent
