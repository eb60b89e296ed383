#pragma once
// The settings of a process: a typed snapshot of its environment, made once and never changed.
// Values only; thread-safe as such. Loading is total: what cannot be used leaves the default in
// place and a Note that says so. The members' defaults are those of the table (table.h).

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "net/id.h"
#include "net/ip.h"

namespace vpccni::settings {

using Environment = std::map<std::string, std::string>;

/// AWS_VPC_K8S_CNI_RANDOMIZESNAT: none, hashrandom, prng.
enum class RandomizeSnat { none, hash, fully };
/// VPCCNI_GRPC_LISTEN; at least one is on.
struct GrpcListen {
  bool tcp = true;
  bool unix_socket = true;
  friend bool operator==(const GrpcListen&, const GrpcListen&) = default;
};
/// VPCCNI_RPC_PEERS: whose calls over TCP may change something.
enum class RpcPeers { root, any };

enum class Fips { off, require };
/// VPCCNI_WARM_MODE.
enum class WarmMode { fixed, adaptive };

/// VPCCNI_SUBNET_TAGS: what the tag kubernetes.io/role/cni of a subnet means. 1.21: its presence
/// opens the subnet, whatever its value; 1.23: its value counts, and the cluster tags.
enum class SubnetTags { by_key, by_value };

struct Settings {
  // Address families; exactly one has to be on.
  bool enable_ipv4 = false;
  bool enable_ipv6 = false;

  // The pool. 0 in an IP target means that it is not set.
  int warm_eni_target = 1;
  int warm_ip_target = 0;
  int minimum_ip_target = 0;
  int warm_prefix_target = 0;
  int max_eni = -1;              // counts when at least 1
  int ip_cooldown_seconds = 30;  // negative: an address is never cooling
  bool cooldown_adaptive = false;
  bool count_cooling_as_free = false;
  WarmMode warm_mode = WarmMode::fixed;
  bool enable_prefix_delegation = false;
  bool pd_fallback = false;
  std::string backing_store = "/var/run/aws-node/ipam.json";

  // ENIs.
  bool custom_networking = false;
  std::string eni_config_annotation = "k8s.amazonaws.com/eniConfig";
  std::string eni_config_label = "k8s.amazonaws.com/eniConfig";
  bool manage_enis_non_schedulable = false;
  bool manage_untagged_eni = true;
  bool enable_subnet_discovery = true;
  SubnetTags subnet_tags = SubnetTags::by_key;
  std::string instance_limits_file;  // "": only what was built in, and EC2
  bool disable_provisioning = false;
  bool imds_only = false;
  bool disable_leaked_eni_cleanup = false;
  bool enable_multi_nic = false;
  std::map<std::string, std::string> additional_eni_tags;

  // Pods.
  bool enable_pod_eni = false;
  std::string pod_security_group_enforcing_mode = "strict";
  /// All packets of branch-ENI pods go by the VPC: any mode but "standard".
  bool strict_branches() const {
    return enable_pod_eni && pod_security_group_enforcing_mode != "standard";
  }
  bool annotate_pod_ip = false;
  std::string network_policy_mode;  // as written; "" when absent

  // Where we are.
  std::string my_node_name;
  std::string my_pod_name;
  std::string cluster_name;
  std::string cluster_endpoint;
  std::string vpc_cni_version;

  // Our RPC.
  GrpcListen grpc_listen;
  RpcPeers rpc_peers = RpcPeers::root;
  Fips fips = Fips::off;
  int ready_min_ips = 0;  // free addresses to have had before health says SERVING

  // AWS calls.
  int http_timeout_seconds = 10;
  std::string ec2_endpoint;

  // Log, introspection, metrics.
  base::Level log_level = base::Level::debug;
  std::string log_file = "/host/var/log/aws-routed-eni/ipamd.log";  // or stdout, stderr
  std::string introspection_bind_address = "127.0.0.1:61679";       // or unix:PATH
  bool disable_introspection = false;
  bool introspection_scrub = false;  // no container ids, no interface names
  bool disable_metrics = false;
  bool dataplane_reconcile = true;
  bool metrics_per_cidr = true;  // awscni_assigned_ip_per_cidr

  // The node's network.
  bool external_snat = false;
  std::vector<net::Cidr> exclude_snat_cidrs;      // IPv4
  std::vector<net::Cidr> external_service_cidrs;  // IPv4
  RandomizeSnat randomize_snat = RandomizeSnat::fully;
  bool node_port_support = true;
  net::Mark connmark{0x80};
  int eni_mtu = 9001;
  std::string veth_prefix = "eni";
  bool enable_v6_egress = false;
  bool snat_ipset = false;

  friend bool operator==(const Settings&, const Settings&) = default;
};

/// Something in the environment that is not used as written.
struct Note {
  std::string name;
  std::string value;   // "***" for a secret
  std::string why;     // "is no integer"
  std::string used;    // what counts instead, as text; "" = the variable is ignored
  bool fatal = false;  // the agent must not start with it
};

/// One line for a log: name, value, why, what is used instead.
std::string to_string(const Note& note);

/// Reads every variable of the table. Adds to `notes`, also for names that look like ours and are
/// in no row; nothing is logged.
Settings load(const Environment& environment, std::vector<Note>& notes);

/// Why the agent must not start with these settings whatever the instance is, as sentences; empty
/// when it may. Rules that need the instance's limits are in agent/effective.h.
std::vector<std::string> refusals(const Settings& settings);

}  // namespace vpccni::settings
