#include "sre/doctor.h"

#include <algorithm>

#include "sre/cure.h"
#include "sre/explain.h"
#include "sre/rules.h"

namespace vpccni::sre {

namespace {

using namespace rules;  // NOLINT(google-build-using-namespace): the table names little else

constexpr const char* kRestart = "restart aws-node; see its log and /v1/plan";

// Causes before effects: the first finding is what to look at first.
constexpr DoctorRule kRules[] = {
    // NOLINT(modernize-avoid-c-arrays)
    {"VC034", Grade::fail, "the FIPS module is not in order",
     "vpccni fips-check; the image's module and OPENSSL_CONF", no_module},
    {"VC002", Grade::fail, "the agent's start hangs", "vpccni startup; it says what it waits for",
     start_hangs},
    {"VC037", Grade::fail, "the agent's start failed", "vpccni startup; the step's error says what",
     start_failed},
    {"VC004", Grade::fail, "the checkpoint cannot be read",
     "free the disk or move the file aside; the agent finds live pods in the kernel",
     checkpoint_unreadable},
    {"VC005", Grade::fail, "the checkpoint lacks pods that the agent has", kRestart,
     checkpoint_lost},
    {"VC038", Grade::fail, "the agent does not know pods of the checkpoint", kRestart,
     unknown_to_agent},
    {"VC006", Grade::fail, "two pods have one address",
     "recreate both pods, and keep vpccni bundle for us", address_twice},
    {"VC003", Grade::fail, "pods hold quarantined addresses",
     "recreate these pods; they get other addresses", quarantined},
    {"VC007", Grade::fail, "pods hold addresses that no ENI of this node has",
     "recreate these pods; they get other addresses", address_gone},
    {"VC008", Grade::fail, "an ENI has no link, address or table",
     "look for another daemon that configures it (networkd, cloud-init); restart aws-node",
     eni_incomplete, put_back},
    {"VC039", Grade::fail, "an attached ENI has no link", "dmesg, the ENA driver; detach it",
     eni_without_link},
    {"VC040", Grade::fail, "a pod's link is gone", "recreate the pod: only a new pod gets a link",
     pod_link_gone},
    {"VC014", Grade::fail, "a pod's gateway has another MAC address than the pod knows",
     "vpccni explain POD names both; udev's MACAddressPolicy must be none for our links",
     stale_neighbour},
    {"VC011", Grade::fail, "a pod has no route", kHeals, pod_without_route, put_back},
    {"VC010", Grade::fail, "policy rules are missing", kHeals, rules_missing, put_back},
    {"VC019", Grade::fail, "iptables rules of ours are missing", kHeals, chains_missing},
    {"VC018", Grade::fail, "both variants of iptables are in use",
     "kube-proxy and the agent must use the same: see its mode, and restart aws-node; a reboot "
     "clears what is left",
     two_iptables},
    {"VC015", Grade::fail, "rp_filter is strict on the primary link",
     "sysctl -w net.ipv4.conf.all.rp_filter=2, and in the node's sysctl.d", strict_rp_filter,
     loose_rp_filter},
    {"VC017", Grade::fail, "the node does not forward",
     "sysctl -w net.ipv4.ip_forward=1, and in the node's sysctl.d", no_forwarding, forward},
    {"VC013", Grade::fail, "nm-cloud-setup routes pods' addresses by itself",
     "systemctl disable --now nm-cloud-setup.timer nm-cloud-setup.service, then reboot",
     cloud_setup},
    {"VC030", Grade::fail, "the conflist is missing, broken or not the first",
     "vpccni conflist writes it; remove what comes before it", conflist_broken},
    {"VC028", Grade::fail, "the clock is wrong by more than signatures and tokens allow",
     "start chronyd; its server is 169.254.169.123", clock_wrong},
    {"VC026", Grade::fail, "EC2 or STS denies a call", "give the role what the evidence names",
     denied},
    {"VC041", Grade::fail, "an ENIConfig is missing", "make it, or correct the node's label",
     no_eni_config},
    {"VC025", Grade::fail, "a subnet has addresses, but no free prefix",
     "reserve a block of it for prefixes, or set VPCCNI_PD_FALLBACK", subnet_fragmented},
    {"VC024", Grade::fail, "a subnet has no free addresses",
     "add a subnet tagged kubernetes.io/role/cni, or lower the warm targets", subnet_full},
    {"VC027", Grade::fail, "EC2 throttles", "raise WARM_IP_TARGET; ask AWS for a higher rate",
     throttled},
    {"VC042", Grade::fail, "EC2 cannot be reached", "routes, security groups, the endpoint's name",
     unreachable},
    {"VC023", Grade::fail, "the node has all the ENIs and addresses it may have",
     "lower the kubelet's maxPods, or use prefixes; vpccni capacity", all_in_use},
    {"VC029", Grade::fail, "the disk of the checkpoint is full", "free it", disk_full},
    {"VC022", Grade::fail, "the connection table is nearly full",
     "raise net.netfilter.nf_conntrack_max", conntrack_full},
    {"VC035", Grade::fail, "the API server does not serve this node's agent",
     "the service account's token and ClusterRole; CLUSTER_ENDPOINT", api_denies},
    {"VC001", Grade::fail, "the agent does not answer",
     "kubectl -n kube-system logs ds/aws-node; vpccni startup", agent_dead},
    {"VC009", Grade::warn, "pods are on ENIs that the agent does not manage",
     "remove the tag node.k8s.amazonaws.com/no_manage, or recreate the pods", unmanaged_eni},
    {"VC012", Grade::warn, "systemd-networkd removes rules and routes that are not its own",
     "vpccni doctor --fix VC012 writes a drop-in; then systemctl restart systemd-networkd",
     networkd, tell_networkd},
    {"VC016", Grade::warn, "the kubelet's TCP probes cannot reach pods with branch ENIs",
     "DISABLE_TCP_EARLY_DEMUX=true for the init container", early_demux, no_early_demux},
    {"VC033", Grade::warn, "links have another MTU than is set",
     "recreate the pods, or correct AWS_VPC_ENI_MTU and POD_MTU", other_mtu},
    {"VC031", Grade::warn, "the plugin on the node is not this image's",
     "vpccni host install; see aws-node's log for why it could not", other_plugin},
    {"VC036", Grade::warn, "the API server is asked through a proxy", "put it into NO_PROXY",
     api_by_proxy},
    {"VC043", Grade::warn, "IMDS does not answer", "the hop limit must be 2 for a container",
     imds_dead},
    {"VC020", Grade::warn, "the neighbour table is small for this many pods",
     "raise net.ipv4.neigh.default.gc_thresh3", few_neighbours},
    {"VC032", Grade::note, "unattached ENIs of this node are left in EC2",
     "the agent removes them within hours; vpccni eni gc --yes does it now", leaked_enis},
    {"VC021", Grade::note, "late packets of old clients can reach an address's next pod",
     "VPCCNI_COOLDOWN_ADAPTIVE=on", long_syn_sent},
};

}  // namespace

std::string_view to_string(Grade grade) {
  switch (grade) {
    case Grade::fail:
      return "fail";
    case Grade::warn:
      return "warn";
    case Grade::note:
      return "note";
  }
  return "note";
}

std::span<const DoctorRule> doctor_rules() {
  return kRules;
}

std::vector<Finding> examine(const NodeView& view) {
  std::vector<Finding> findings;
  for (const auto& rule : doctor_rules()) {
    if (auto evidence = rule.look(view)) {
      findings.push_back({&rule, *std::move(evidence)});
    }
  }
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    return a.rule->grade < b.rule->grade;
  });
  return findings;
}

}  // namespace vpccni::sre
