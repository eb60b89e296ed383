#pragma once
// One reading of a node, from every place that knows something of it. What could not be read has
// its reason beside it, and an empty value; nothing here decides anything. A value.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "aws/imds.h"
#include "aws/permissions.h"
#include "base/json.h"
#include "base/startup_file.h"
#include "ipam/lease.h"
#include "linux/iptables.h"
#include "podnet/host_check.h"

namespace vpccni::sre {

/// A pod's interface as the agent, or only its checkpoint, has it.
struct PodRow {
  ipam::Assignment held;
  net::EniId eni;  // empty: not known
  net::TableId table = net::kMainTable;
  bool quarantined = false;
  bool in_agent = false;
  bool in_checkpoint = false;
  std::string host_veth;
  int interface = 0;  // of the pod; 0 is eth0
};

/// A pod's end of its veth, in the pod's namespace.
struct PodInside {
  std::optional<net::Ip> gateway = {};       // of its default route
  std::optional<net::Mac> gateway_mac = {};  // as the pod knows it: the host end's
};

struct NodeView {
  std::string agent_trouble;        // "" = it answered
  std::set<net::EniId> trunks;      // as the agent has them
  std::set<net::EniId> agent_enis;  // an ENI that is being attached is not among them yet
  base::Json plan;
  base::Json failures;
  base::Json targets;
  base::Json fips;
  std::optional<base::StartupFile> startup;

  std::string checkpoint_path;
  std::string checkpoint_trouble;

  std::string imds_trouble;
  std::optional<long> clock_ahead;      // seconds, of this node's clock before IMDS's
  std::vector<aws::ImdsEni> enis;       // with what EC2 lists besides, if it was asked
  std::vector<aws::ImdsEni> imds_enis;  // as IMDS alone has them
  std::vector<aws::ImdsEni> ec2_enis;   // as EC2 alone has them, if it was asked
  /// EC2 is asked when IMDS, which lags, lacks a pod's address.
  std::string ec2_trouble;
  bool ec2_asked = false;
  std::optional<aws::InstanceIdentity> instance;  // if more of EC2 was asked for:
  std::vector<aws::Permission> permissions;       // if they were asked for
  std::vector<net::SubnetId> full_subnets;        // of this node's ENIs
  std::vector<net::EniId> leaked;                 // unattached, with this instance's tag

  std::string api_trouble;   // of the API server; "" also when there is none to ask
  std::string api_by_proxy;  // its URL, if the environment sends it through a proxy
  /// Its name and where the node has that from; "" = none is missing.
  std::string missing_eni_config;
  net::Mac primary_mac;

  std::vector<PodRow> pods;             // of agent and checkpoint, by name
  std::map<net::Ip, PodInside> inside;  // those that were found
  /// By address: the namespaces behind links of ours that have it.
  std::map<net::Ip, std::vector<std::string>> namespaces;

  /// As it should be, so far as that is known.
  podnet::WantedHost wanted;
  std::string kernel_trouble;
  podnet::SeenHost kernel;
  std::string iptables_trouble;
  std::string iptables_variant;
  linux::SavedTable other_nat;  // of the variant that is not used
  linux::SavedTable nat;
  linux::SavedTable mangle;
  std::map<std::string, std::string> parameters;  // by path below /proc/sys; those that are there

  std::string node_root;  // before paths of the node's own files; "" = they are where we are
  /// nullopt: networkd does not run here, or that is not seen.
  std::optional<bool> networkd_keeps_rules;
  std::string plugin_trouble;  // how the node's plugin differs from this image's; "" = it does not

  std::string conflist_path;
  std::optional<std::string> conflist;  // its text
  std::string first_conflist;           // the name that the runtime takes: the first in order
  bool has_conf_dir = false;

  int disk_used_percent = 0;  // where the checkpoint is; -1 = not known
  int cooldown_seconds = 30;

  /// Whether an address that no ENI here lists is really on none.
  bool knows_addresses() const { return imds_trouble.empty() && ec2_trouble.empty(); }
  bool agent_answers() const { return agent_trouble.empty(); }
};

/// The ENI that lists the address, by itself or in a prefix; null if none does.
const aws::ImdsEni* eni_of(const std::vector<aws::ImdsEni>& enis, const net::Ip& address);

}  // namespace vpccni::sre
