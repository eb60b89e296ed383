#include "settings/table.h"

#include <algorithm>
#include <limits>

#include "settings/store.h"

namespace vpccni::settings {

namespace {

/// More than any node has; what is larger counts as this, so that products of targets fit.
constexpr int kMost = 1'000'000;
constexpr int kMostSeconds = 1'000'000'000;

// name, fallback, kind, scope, since, acted on, empty, store, help
// clang-format off
constexpr Setting kTable[] = {
    {"ADDITIONAL_ENI_TAGS", "{}", Kind::json, Scope::agent, "1.6.0", true, Empty::absent, &store<&Settings::additional_eni_tags>, "Tags for the ENIs that we make, as a JSON object of strings; keys with k8s.amazonaws.com are left out."},
    {"ANNOTATE_POD_IP", "false", Kind::boolean, Scope::agent, "1.9.3", true, Empty::value, &store<&Settings::annotate_pod_ip>, "Writes the address of each pod into an annotation of the pod."},
    {"AWS_ACCESS_KEY_ID", "", Kind::text, Scope::aws, "", true, Empty::absent, nullptr, "Access key; with AWS_SECRET_ACCESS_KEY it is the first source of credentials."},
    {"AWS_CA_BUNDLE", "", Kind::path, Scope::aws, "", true, Empty::absent, nullptr, "PEM file of the roots trusted in AWS calls, in place of the system's."},
    {"AWS_CONFIG_FILE", "", Kind::path, Scope::aws, "", false, Empty::absent, nullptr, "Shared configuration file."},
    {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "", Kind::secret, Scope::aws, "", true, Empty::absent, nullptr, "The same as text; the file wins."},
    {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "", Kind::path, Scope::aws, "", true, Empty::absent, nullptr, "Token for the container credentials, read anew at each use."},
    {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "", Kind::url, Scope::aws, "", true, Empty::absent, nullptr, "Where EKS Pod Identity gives credentials."},
    {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "", Kind::url, Scope::aws, "", true, Empty::absent, nullptr, "The same as a path on 169.254.170.2."},
    {"AWS_DEFAULT_REGION", "", Kind::text, Scope::aws, "", true, Empty::absent, nullptr, "Not needed: the region comes from IMDS."},
    {"AWS_EC2_ENDPOINT", "", Kind::url, Scope::agent, "1.13.0", true, Empty::absent, &store<&Settings::ec2_endpoint>, "Where EC2 is reached; wins over the other endpoint variables."},
    {"AWS_EC2_METADATA_DISABLED", "false", Kind::boolean, Scope::aws, "", true, Empty::absent, nullptr, "Makes no IMDS call, with which the agent cannot work."},
    {"AWS_EC2_METADATA_SERVICE_ENDPOINT", "", Kind::url, Scope::aws, "", true, Empty::absent, nullptr, "Where IMDS is reached."},
    {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv4", Kind::choice, Scope::aws, "", true, Empty::absent, nullptr, "Address family of the default IMDS endpoint: IPv4 or IPv6."},
    {"AWS_ENDPOINT_URL", "", Kind::url, Scope::aws, "", true, Empty::absent, nullptr, "Where all AWS services are reached, IMDS excepted."},
    {"AWS_ENDPOINT_URL_EC2", "", Kind::url, Scope::aws, "", true, Empty::absent, nullptr, "Where EC2 is reached; wins over AWS_ENDPOINT_URL."},
    {"AWS_ENDPOINT_URL_STS", "", Kind::url, Scope::aws, "", true, Empty::absent, nullptr, "Where STS is reached; wins over AWS_ENDPOINT_URL."},
    {"AWS_EXTERNAL_SERVICE_CIDRS", "", Kind::cidrs, Scope::agent, "1.12.6", true, Empty::absent, &store<&Settings::external_service_cidrs>, "IPv4 blocks that are always routed by the main table, comma separated."},
    {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false", Kind::boolean, Scope::aws, "", true, Empty::absent, nullptr, "Ignores the AWS_ENDPOINT_URL variables."},
    {"AWS_MANAGE_ENIS_NON_SCHEDULABLE", "false", Kind::boolean, Scope::agent, "1.12.6", true, Empty::absent, &store<&Settings::manage_enis_non_schedulable>, "A cordoned node gets and loses addresses like any other."},
    {"AWS_MAX_ATTEMPTS", "3", Kind::integer, Scope::aws, "", true, Empty::absent, nullptr, "Tries of one EC2 call."},
    {"AWS_PROFILE", "", Kind::text, Scope::aws, "", false, Empty::absent, nullptr, "Profile of the shared files."},
    {"AWS_REGION", "", Kind::text, Scope::aws, "", true, Empty::absent, nullptr, "Not needed: the region comes from IMDS."},
    {"AWS_RETRY_MODE", "standard", Kind::choice, Scope::aws, "", false, Empty::absent, nullptr, "How EC2 calls are tried again."},
    {"AWS_ROLE_ARN", "", Kind::text, Scope::aws, "", true, Empty::absent, nullptr, "Role to assume with the web identity token."},
    {"AWS_ROLE_SESSION_NAME", "", Kind::text, Scope::aws, "", true, Empty::absent, nullptr, "Session name of the assumed role; made from the time when absent."},
    {"AWS_SECRET_ACCESS_KEY", "", Kind::secret, Scope::aws, "", true, Empty::absent, nullptr, "Secret of the access key."},
    {"AWS_SESSION_TOKEN", "", Kind::secret, Scope::aws, "", true, Empty::absent, nullptr, "Session token of a temporary access key."},
    {"AWS_SHARED_CREDENTIALS_FILE", "", Kind::path, Scope::aws, "", false, Empty::absent, nullptr, "Shared credentials file."},
    {"AWS_STS_REGIONAL_ENDPOINTS", "", Kind::text, Scope::aws, "", true, Empty::absent, nullptr, "Not needed: STS is always that of the region."},
    {"AWS_USE_DUALSTACK_ENDPOINT", "false", Kind::boolean, Scope::aws, "", true, Empty::absent, nullptr, "Uses endpoints that speak IPv4 and IPv6."},
    {"AWS_USE_FIPS_ENDPOINT", "false", Kind::boolean, Scope::aws, "", true, Empty::absent, nullptr, "Uses the FIPS endpoints of EC2 and STS."},
    {"AWS_VPC_CNI_NODE_PORT_SUPPORT", "true", Kind::boolean, Scope::agent, "", true, Empty::absent, &store<&Settings::node_port_support>, "Node ports work for pods on any ENI."},
    {"AWS_VPC_ENI_MTU", "9001", Kind::integer, Scope::agent, "1.6.0", true, Empty::value, &store_between<&Settings::eni_mtu, 576, 9001>, "MTU of ENIs, 576 to 9001."},
    {"AWS_VPC_K8S_CNI_BACKING_STORE", "/var/run/aws-node/ipam.json", Kind::path, Scope::agent, "", true, Empty::absent, &store<&Settings::backing_store>, "The checkpoint file."},
    {"AWS_VPC_K8S_CNI_CONFIGURE_RPFILTER", "", Kind::text, Scope::agent, "", true, Empty::absent, nullptr, "No effect, as upstream since 1.12.1."},
    {"AWS_VPC_K8S_CNI_CONNMARK", "0x80", Kind::integer, Scope::agent, "", true, Empty::absent, &store<&Settings::connmark>, "Bit of the connection mark that means the primary ENI."},
    {"AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "false", Kind::boolean, Scope::agent, "", true, Empty::absent, &store<&Settings::custom_networking>, "Pods take subnet and security groups from an ENIConfig; the primary ENI serves no pods."},
    {"AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS", "", Kind::cidrs, Scope::agent, "1.6.0", true, Empty::absent, &store<&Settings::exclude_snat_cidrs>, "IPv4 blocks that pods reach with their own address, comma separated."},
    {"AWS_VPC_K8S_CNI_EXTERNALSNAT", "false", Kind::boolean, Scope::agent, "", true, Empty::absent, &store<&Settings::external_snat>, "Somebody else translates addresses of traffic that leaves the VPC; the node does not."},
    {"AWS_VPC_K8S_CNI_LOGLEVEL", "Debug", Kind::choice, Scope::agent, "", true, Empty::absent, &store<&Settings::log_level>, "Least level that is logged: debug, info, warn, error, fatal; any other is debug."},
    {"AWS_VPC_K8S_CNI_LOG_FILE", "/host/var/log/aws-routed-eni/ipamd.log", Kind::path, Scope::agent, "1.4.0", true, Empty::absent, &store<&Settings::log_file>, "Log of the agent: a path, stdout or stderr."},
    {"AWS_VPC_K8S_CNI_RANDOMIZESNAT", "prng", Kind::choice, Scope::agent, "", true, Empty::absent, &store<&Settings::randomize_snat>, "How SNAT chooses ports: prng, hashrandom or none."},
    {"AWS_VPC_K8S_CNI_VETHPREFIX", "eni", Kind::text, Scope::agent, "", true, Empty::value, &store<&Settings::veth_prefix>, "First part of the names of host veths, at most 4 characters; not eth, lo or vlan."},
    {"AWS_VPC_K8S_EGRESS_V4_PLUGIN_LOG_FILE", "/var/log/aws-routed-eni/egress-v4-plugin.log", Kind::path, Scope::entrypoint, "", true, Empty::value, nullptr, "Log of the IPv4 egress plugin."},
    {"AWS_VPC_K8S_EGRESS_V6_PLUGIN_LOG_FILE", "/var/log/aws-routed-eni/egress-v6-plugin.log", Kind::path, Scope::entrypoint, "", true, Empty::value, nullptr, "Log of the IPv6 egress plugin."},
    {"AWS_VPC_K8S_PLUGIN_LOG_FILE", "/var/log/aws-routed-eni/plugin.log", Kind::path, Scope::entrypoint, "", true, Empty::value, nullptr, "Log of the plugin, written into the conflist; stdout is refused."},
    {"AWS_VPC_K8S_PLUGIN_LOG_LEVEL", "Debug", Kind::choice, Scope::entrypoint, "", true, Empty::value, nullptr, "Log level of the plugin, written into the conflist."},
    {"AWS_WEB_IDENTITY_TOKEN_FILE", "", Kind::path, Scope::aws, "", true, Empty::absent, nullptr, "Token for AssumeRoleWithWebIdentity (IRSA)."},
    {"CLUSTER_ENDPOINT", "", Kind::url, Scope::agent, "1.12.1", true, Empty::absent, &store<&Settings::cluster_endpoint>, "Address of the API server, in place of the in-cluster one."},
    {"CLUSTER_NAME", "", Kind::text, Scope::agent, "", true, Empty::value, &store<&Settings::cluster_name>, "Name of the cluster, for the tags of ENIs."},
    {"DISABLE_INTROSPECTION", "false", Kind::boolean, Scope::agent, "", true, Empty::value, &store<&Settings::disable_introspection>, "No introspection server."},
    {"DISABLE_LEAKED_ENI_CLEANUP", "false", Kind::boolean, Scope::agent, "1.13.0", true, Empty::value, &store<&Settings::disable_leaked_eni_cleanup>, "Leaves ENIs alone that this cluster's nodes lost."},
    {"DISABLE_METRICS", "false", Kind::boolean, Scope::agent, "", true, Empty::value, &store<&Settings::disable_metrics>, "No metrics server."},
    {"DISABLE_NETWORK_RESOURCE_PROVISIONING", "false", Kind::boolean, Scope::agent, "1.9.1", true, Empty::value, &store<&Settings::disable_provisioning>, "Changes nothing in EC2: the pool is what somebody else attaches."},
    {"DISABLE_POD_V6", "false", Kind::boolean, Scope::entrypoint, "", true, Empty::value, nullptr, "Adds the tuning plugin to the conflist so that pods have no IPv6."},
    {"DISABLE_TCP_EARLY_DEMUX", "false", Kind::boolean, Scope::init, "", true, Empty::value, nullptr, "Turns TCP early demux off, which probes of branch ENI pods need in strict mode."},
    {"ENABLE_BANDWIDTH_PLUGIN", "false", Kind::boolean, Scope::entrypoint, "", true, Empty::value, nullptr, "Adds the bandwidth plugin to the conflist."},
    {"ENABLE_IMDS_ONLY_MODE", "false", Kind::boolean, Scope::agent, "1.19.6", true, Empty::value, &store<&Settings::imds_only>, "Makes no EC2 call at all; implies DISABLE_NETWORK_RESOURCE_PROVISIONING."},
    {"ENABLE_IPv4", "false", Kind::boolean, Scope::agent, "1.10.0", true, Empty::value, &store<&Settings::enable_ipv4>, "Pods have IPv4 addresses; exactly one of this and ENABLE_IPv6 has to be true."},
    {"ENABLE_IPv6", "false", Kind::boolean, Scope::agent, "1.10.0", true, Empty::value, &store<&Settings::enable_ipv6>, "Pods have IPv6 addresses; needs prefix delegation and a Nitro instance, and no custom networking."},
    {"ENABLE_MULTI_NIC", "false", Kind::boolean, Scope::agent, "1.20.0", true, Empty::value, &store<&Settings::enable_multi_nic>, "Uses all network cards and lets pods have several interfaces."},
    {"ENABLE_NFTABLES", "", Kind::text, Scope::agent, "", true, Empty::absent, nullptr, "No effect, as upstream since 1.13.2."},
    {"ENABLE_POD_ENI", "false", Kind::boolean, Scope::agent, "1.7.0", true, Empty::value, &store<&Settings::enable_pod_eni>, "Security groups for pods: pods may have their own branch ENI."},
    {"ENABLE_PREFIX_DELEGATION", "false", Kind::boolean, Scope::agent, "1.9.0", true, Empty::value, &store<&Settings::enable_prefix_delegation>, "ENIs get /28 (IPv4) or /80 (IPv6) prefixes instead of single addresses."},
    {"ENABLE_SUBNET_DISCOVERY", "true", Kind::boolean, Scope::agent, "1.18.0", true, Empty::absent, &store<&Settings::enable_subnet_discovery>, "New ENIs may go into any tagged subnet of the node's zone."},
    {"ENABLE_V4_EGRESS", "true", Kind::boolean, Scope::entrypoint, "", true, Empty::value, nullptr, "Pods of an IPv6 cluster reach IPv4 through the node."},
    {"ENABLE_V6_EGRESS", "false", Kind::boolean, Scope::agent, "1.13.0", true, Empty::absent, &store<&Settings::enable_v6_egress>, "Pods of an IPv4 cluster reach the IPv6 internet through the node."},
    {"ENI_CONFIG_ANNOTATION_DEF", "k8s.amazonaws.com/eniConfig", Kind::text, Scope::agent, "", true, Empty::absent, &store<&Settings::eni_config_annotation>, "Node annotation that names the ENIConfig."},
    {"ENI_CONFIG_LABEL_DEF", "k8s.amazonaws.com/eniConfig", Kind::text, Scope::agent, "", true, Empty::absent, &store<&Settings::eni_config_label>, "Node label that names the ENIConfig."},
    {"HOST_CNI_BIN_PATH", "/host/opt/cni/bin", Kind::path, Scope::entrypoint, "", true, Empty::value, nullptr, "Where the plugins are installed, as the container sees it."},
    {"HOST_CNI_CONFDIR_PATH", "/host/etc/cni/net.d", Kind::path, Scope::entrypoint, "", true, Empty::value, nullptr, "Where the conflist is installed, as the container sees it."},
    {"HTTPS_PROXY", "", Kind::url, Scope::aws, "", true, Empty::absent, nullptr, "Proxy for HTTPS; never used for link-local addresses."},
    {"HTTP_PROXY", "", Kind::url, Scope::aws, "", false, Empty::absent, nullptr, "Proxy for plain HTTP."},
    {"HTTP_TIMEOUT", "10", Kind::integer, Scope::agent, "", true, Empty::absent, &store_at_least<&Settings::http_timeout_seconds, 10, kMost>, "Seconds that a call to IMDS or EC2 may take, at least 10."},
    {"INTROSPECTION_BIND_ADDRESS", "127.0.0.1:61679", Kind::text, Scope::agent, "", true, Empty::value, &store<&Settings::introspection_bind_address>, "Where introspection listens: an address with port, or unix:PATH."},
    {"IP_COOLDOWN_PERIOD", "30", Kind::integer, Scope::agent, "1.15.0", true, Empty::value, &store_at_least<&Settings::ip_cooldown_seconds, -kMostSeconds, kMostSeconds>, "Seconds before a released address is given to another pod."},
    {"KUBECONFIG", "", Kind::path, Scope::kubernetes, "", false, Empty::absent, nullptr, "Client configuration, in place of the service account."},
    {"KUBERNETES_SERVICE_HOST", "", Kind::text, Scope::kubernetes, "", true, Empty::absent, nullptr, "Address of the API server, set by the kubelet."},
    {"KUBERNETES_SERVICE_PORT", "", Kind::text, Scope::kubernetes, "", true, Empty::absent, nullptr, "Port of the API server, set by the kubelet."},
    {"MANAGE_UNTAGGED_ENI", "true", Kind::boolean, Scope::agent, "", true, Empty::value, &store<&Settings::manage_untagged_eni>, "ENIs that we did not make are ours to use as well."},
    {"MAX_ENI", "-1", Kind::integer, Scope::agent, "", true, Empty::value, &store_at_least<&Settings::max_eni, -1, kMost>, "Most ENIs to have on this node, when at least 1 and below what the instance type allows."},
    {"MINIMUM_IP_TARGET", "0", Kind::integer, Scope::agent, "1.6.0", true, Empty::value, &store_at_least<&Settings::minimum_ip_target, 0, kMost>, "Addresses to hold in all, used ones included; 0 is not set."},
    {"MY_NODE_NAME", "", Kind::text, Scope::agent, "", true, Empty::value, &store<&Settings::my_node_name>, "Name of the Kubernetes node, from the downward API."},
    {"MY_POD_NAME", "", Kind::text, Scope::agent, "", true, Empty::value, &store<&Settings::my_pod_name>, "Name of our own pod, to which events are attached."},
    {"NETWORK_POLICY_ENFORCING_MODE", "", Kind::choice, Scope::agent, "1.17.1", true, Empty::value, &store_by<&Settings::network_policy_mode, parse_network_policy_mode>, "Told to the plugin and to the network policy agent: none, strict or standard; the agent refuses to start with any other value."},
    {"NO_PROXY", "", Kind::text, Scope::aws, "", true, Empty::absent, nullptr, "Hosts that are reached without the proxy."},
    {"POD_MTU", "", Kind::integer, Scope::entrypoint, "", true, Empty::value, nullptr, "MTU of pod links; that of the ENIs when absent."},
    {"POD_SECURITY_GROUP_ENFORCING_MODE", "strict", Kind::choice, Scope::agent, "1.11.0", true, Empty::absent, &store_by<&Settings::pod_security_group_enforcing_mode, parse_enforcing_mode>, "How traffic of branch ENI pods is checked: strict or standard."},
    {"VPCCNI_CNI_CHECKS", "false", Kind::boolean, Scope::entrypoint, "vpccni", true, Empty::value, nullptr, "Turns CHECK, STATUS and GC on in the conflist; without it they succeed without looking, as upstream's."},
    {"VPCCNI_CONFLIST_PRESERVE_CHAIN", "false", Kind::boolean, Scope::entrypoint, "vpccni", false, Empty::absent, nullptr, "Keeps plugins that others added to the installed conflist."},
    {"VPCCNI_COOLDOWN_ADAPTIVE", "off", Kind::choice, Scope::agent, "vpccni", true, Empty::absent, &store_by<&Settings::cooldown_adaptive, parse_switch>, "With on, a released address rests 130 s, and less only if the pool would be empty."},
    {"VPCCNI_COUNT_COOLING_AS_FREE", "false", Kind::boolean, Scope::agent, "vpccni", true, Empty::absent, &store<&Settings::count_cooling_as_free>, "Counts cooling addresses as free, as upstream does, when the pool's need is computed."},
    {"VPCCNI_DATAPLANE_RECONCILE", "true", Kind::boolean, Scope::agent, "vpccni", true, Empty::absent, &store<&Settings::dataplane_reconcile>, "Puts rules, routes, addresses and iptables chains of ours back that somebody removed."},
    {"VPCCNI_FIPS", "off", Kind::choice, Scope::agent, "vpccni", true, Empty::absent, &store<&Settings::fips>, "With require, the image's default, the agent checks that its cryptography is the FIPS module's and else does not start; off does not check."},
    {"VPCCNI_GRPC_LISTEN", "tcp,unix", Kind::choice, Scope::agent, "vpccni", true, Empty::absent, &store<&Settings::grpc_listen>, "Where the agent serves its RPC: tcp (1.21's address), unix (1.23's), or both."},
    {"VPCCNI_INSTANCE_LIMITS_FILE", "", Kind::path, Scope::agent, "vpccni", true, Empty::absent, &store<&Settings::instance_limits_file>, "JSON file with ENI limits of instance types, in the form of data/instance-limits.json; what it names wins over what was built in."},
    {"VPCCNI_INTROSPECTION_SCRUB", "false", Kind::boolean, Scope::agent, "vpccni", true, Empty::absent, &store<&Settings::introspection_scrub>, "Blanks container id and interface name in introspection, as upstream 1.23 does."},
    {"VPCCNI_METRICS_PER_CIDR", "true", Kind::boolean, Scope::agent, "vpccni", true, Empty::absent, &store<&Settings::metrics_per_cidr>, "Shows awscni_assigned_ip_per_cidr, one series per block."},
    {"VPCCNI_PD_FALLBACK", "false", Kind::boolean, Scope::agent, "vpccni", true, Empty::absent, &store<&Settings::pd_fallback>, "Takes single addresses when the subnet has no free prefix."},
    {"VPCCNI_READY_MIN_IPS", "0", Kind::integer, Scope::agent, "vpccni", true, Empty::absent, &store_at_least<&Settings::ready_min_ips, 0, kMost>, "Free addresses that the agent has to have once before health says SERVING, which the liveness probe sees too; 0 does not wait."},
    {"VPCCNI_RPC_PEERS", "root", Kind::choice, Scope::agent, "vpccni", true, Empty::absent, &store<&Settings::rpc_peers>, "Whose TCP calls may add and delete pods: root (peers with uid 0) or any, as upstream."},
    {"VPCCNI_SNAT_IPSET", "false", Kind::boolean, Scope::agent, "vpccni", true, Empty::absent, &store<&Settings::snat_ipset>, "Matches the VPC's and the excluded blocks by one set in the kernel instead of a rule each: worth it from about a hundred blocks on."},
    {"VPCCNI_SUBNET_TAGS", "1.21", Kind::choice, Scope::agent, "vpccni", true, Empty::absent, &store<&Settings::subnet_tags>, "Meaning of the subnet tag kubernetes.io/role/cni: 1.21 (present, whatever its value) or 1.23 (value 0 excludes, cluster tags count)."},
    {"VPCCNI_WARM_MODE", "fixed", Kind::choice, Scope::agent, "vpccni", false, Empty::absent, &store<&Settings::warm_mode>, "With adaptive, the warm target follows the rate of new pods."},
    {"VPC_CNI_VERSION", "", Kind::text, Scope::agent, "", true, Empty::value, &store<&Settings::vpc_cni_version>, "Version told to Kubernetes and EC2 in the user agent."},
    {"WARM_ENI_TARGET", "1", Kind::integer, Scope::agent, "", true, Empty::value, &store_at_least<&Settings::warm_eni_target, 0, kMost>, "Whole ENIs to hold free; ignored when an IP target is set."},
    {"WARM_IP_TARGET", "0", Kind::integer, Scope::agent, "", true, Empty::value, &store_at_least<&Settings::warm_ip_target, 0, kMost>, "Addresses to hold free; 0 is not set."},
    {"WARM_PREFIX_TARGET", "0", Kind::integer, Scope::agent, "1.9.0", true, Empty::value, &store_at_least<&Settings::warm_prefix_target, 0, kMost>, "Prefixes to hold free; needs prefix delegation and no IP target."},
};
// clang-format on

}  // namespace

std::span<const Setting> settings_table() {
  return kTable;
}

const Setting* find_setting(std::string_view name) {
  const auto row = std::find_if(std::begin(kTable), std::end(kTable),
                                [name](const Setting& each) { return each.name == name; });
  return row == std::end(kTable) ? nullptr : row;
}

std::string_view to_string(Kind kind) {
  constexpr std::string_view kNames[] = {"boolean", "integer", "text", "path",  "url",
                                         "cidrs",   "choice",  "json", "secret"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view to_string(Scope scope) {
  constexpr std::string_view kNames[] = {"agent", "entrypoint", "init", "aws", "kubernetes"};
  return kNames[static_cast<std::size_t>(scope)];
}

}  // namespace vpccni::settings
