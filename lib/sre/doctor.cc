#include "sre/doctor.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "cni/conflist.h"
#include "sre/explain.h"

namespace vpccni::sre {

namespace {

using Evidence = std::optional<std::string>;

constexpr int kLongStep = 30'000;  // milliseconds
constexpr int kDiskFull = 98;      // percent
constexpr int kTableFull = 80;     // percent
constexpr int kFewNeighbours = 1024;

std::optional<int> number(const NodeView& view, const char* name) {
  const auto at = view.parameters.find(name);
  if (at == view.parameters.end()) {
    return std::nullopt;
  }
  const auto value = base::parse_integer<int>(at->second);
  return value ? std::optional<int>(*value) : std::nullopt;
}

Evidence agent_dead(const NodeView& view) {
  if (view.agent_answers()) {
    return std::nullopt;
  }
  return view.agent_trouble + (view.startup ? "; its last word: " + view.startup->state + ", " +
                                                  to_sentence(*view.startup)
                                            : "");
}

Evidence start_failed(const NodeView& view) {
  if (view.agent_answers() || !view.startup || view.startup->state != "failed" ||
      view.startup->error.find("VPCCNI_FIPS=require") != std::string::npos) {
    return std::nullopt;
  }
  return to_sentence(*view.startup);
}

Evidence start_stuck(const NodeView& view) {
  if (view.agent_answers() || !view.startup || view.startup->state != "starting" ||
      view.startup->elapsed_ms < kLongStep) {
    return std::nullopt;
  }
  return to_sentence(*view.startup);
}

Evidence no_module(const NodeView& view) {
  if (view.startup && !view.agent_answers() &&
      view.startup->error.find("VPCCNI_FIPS=require") != std::string::npos) {
    return view.startup->error;
  }
  if (base::string_member(view.fips, "result") == "fail") {
    return "the agent's check of its module failed";
  }
  return std::nullopt;
}

template <class Test>
Evidence pods_where(const NodeView& view, Test test) {
  std::vector<std::string> names;
  for (const auto& row : view.pods) {
    if (test(row)) {
      names.push_back(row.held.pod.name_space + "/" + row.held.pod.name + " " +
                      to_string(row.held.address));
    }
  }
  return names.empty() ? Evidence() : Evidence(base::join(names, ", "));
}

Evidence quarantined(const NodeView& view) {
  return pods_where(view, [](const PodRow& row) { return row.quarantined; });
}

Evidence checkpoint_unreadable(const NodeView& view) {
  if (view.checkpoint_trouble.empty() || (view.pods.empty() && !view.agent_answers())) {
    return std::nullopt;
  }
  return view.checkpoint_trouble;
}

Evidence checkpoint_lost(const NodeView& view) {
  if (!view.checkpoint_trouble.empty()) {
    return std::nullopt;
  }
  return pods_where(view, [](const PodRow& row) { return row.in_agent && !row.in_checkpoint; });
}

Evidence unknown_to_agent(const NodeView& view) {
  if (!view.agent_answers()) {
    return std::nullopt;
  }
  return pods_where(view, [](const PodRow& row) { return row.in_checkpoint && !row.in_agent; });
}

/// The pod's permanent entry of its gateway names another MAC address than the host's end has.
Evidence stale_neighbour(const NodeView& view) {
  return pods_where(view, [&](const PodRow& row) {
    const auto inside = view.inside.find(row.held.address);
    const auto* end = linux::find_link(view.kernel.links, row.host_veth);
    return inside != view.inside.end() && end != nullptr && inside->second.gateway &&
           inside->second.gateway_mac != end->mac;
  });
}

Evidence address_gone(const NodeView& view) {
  if (!view.knows_addresses()) {
    return std::nullopt;
  }
  return pods_where(
      view, [&](const PodRow& row) { return eni_of(view.enis, row.held.address) == nullptr; });
}

Evidence imds_dead(const NodeView& view) {
  return view.imds_trouble.empty() ? Evidence() : Evidence(view.imds_trouble);
}

Evidence eni_without_link(const NodeView& view) {
  std::vector<std::string> names;
  for (const auto& eni : view.enis) {
    const bool there = linux::find_link(view.kernel.links, eni.mac) != nullptr;
    if (!there && view.kernel_trouble.empty()) {
      names.push_back(to_string(eni.id) + " (" + to_string(eni.mac) + ")");
    }
  }
  return names.empty() ? Evidence() : Evidence(base::join(names, ", "));
}

/// Faults of these kinds, of the whole host.
template <podnet::HostObject... Kinds>
Evidence faults_of(const NodeView& view) {
  if (!view.kernel_trouble.empty()) {
    return std::nullopt;
  }
  std::vector<std::string> names;
  for (const auto& fault : podnet::find_faults(view.wanted, view.kernel)) {
    if (((fault.object == Kinds) || ...)) {
      names.push_back(fault.what);
    }
  }
  return names.empty() ? Evidence() : Evidence(base::join(names, ", "));
}

Evidence chains(const NodeView& view) {
  const auto missing = missing_chains(view);
  return missing.empty() ? Evidence() : Evidence(base::join(missing, ", "));
}

Evidence strict_rp_filter(const NodeView& view) {
  return effective_rp_filter(view) == 1 ? Evidence("max(all, primary link) is 1") : Evidence();
}

Evidence no_forwarding(const NodeView& view) {
  return number(view, "net/ipv4/ip_forward") == 0 ? Evidence("net.ipv4.ip_forward=0") : Evidence();
}

Evidence few_neighbours(const NodeView& view) {
  const auto most = number(view, "net/ipv4/neigh/default/gc_thresh3");
  return most && *most < kFewNeighbours
             ? Evidence("net.ipv4.neigh.default.gc_thresh3=" + std::to_string(*most))
             : Evidence();
}

Evidence long_syn_sent(const NodeView& view) {
  const auto timeout = number(view, "net/netfilter/nf_conntrack_tcp_timeout_syn_sent");
  return timeout && *timeout > view.cooldown_seconds
             ? Evidence("SYN_SENT is tracked for " + std::to_string(*timeout) +
                        " s, an address rests " + std::to_string(view.cooldown_seconds) + " s")
             : Evidence();
}

Evidence conntrack_full(const NodeView& view) {
  const auto count = number(view, "net/netfilter/nf_conntrack_count");
  const auto most = number(view, "net/netfilter/nf_conntrack_max");
  if (!count || !most || *most == 0 || *count / (*most / 100 + 1) < kTableFull) {
    return std::nullopt;
  }
  return std::to_string(*count) + " of " + std::to_string(*most) + " connections";
}

/// The newest failure of these reasons, or the planner's last error that names the text.
Evidence failure(const NodeView& view, std::initializer_list<std::string_view> reasons,
                 std::initializer_list<std::string_view> texts) {
  const auto last = base::string_member(view.plan, "lastError");
  for (const auto text : texts) {
    if (last.find(text) != std::string::npos) {
      return last;
    }
  }
  const auto* list = base::find_member(view.failures, "failures");
  if (list == nullptr || !list->is_array() || list->empty()) {
    return std::nullopt;
  }
  const auto& newest = list->front();
  const auto reason = base::string_member(newest, "reason");
  if (std::find(reasons.begin(), reasons.end(), reason) != reasons.end()) {
    return base::string_member(newest, "time") + " " + base::string_member(newest, "namespace") +
           "/" + base::string_member(newest, "name") + ": " + base::string_member(newest, "detail");
  }
  return std::nullopt;
}

Evidence subnet_full(const NodeView& view) {
  return failure(view, {"SUBNET_EXHAUSTED", "PREFIX_FRAGMENTED"},
                 {"InsufficientFreeAddressesInSubnet", "InsufficientCidrBlocks"});
}
Evidence throttled(const NodeView& view) {
  return failure(view, {"EC2_THROTTLED"}, {"RequestLimitExceeded", "Throttling"});
}
Evidence denied(const NodeView& view) {
  return failure(view, {"EC2_DENIED", "CREDENTIALS"}, {"UnauthorizedOperation", "AccessDenied"});
}
Evidence unreachable(const NodeView& view) {
  return failure(view, {"EC2_UNREACHABLE"}, {"Failed to connect", "timed out"});
}
Evidence no_eni_config(const NodeView& view) {
  return failure(view, {"ENICONFIG_MISSING"}, {"ENIConfig"});
}
Evidence limit(const NodeView& view) {
  return failure(view, {"ENI_LIMIT"}, {});
}

Evidence disk_full(const NodeView& view) {
  return view.disk_used_percent >= kDiskFull ? Evidence(std::to_string(view.disk_used_percent) +
                                                        " % used at " + view.checkpoint_path)
                                             : Evidence();
}

Evidence conflist_broken(const NodeView& view) {
  if (!view.has_conf_dir || !view.agent_answers()) {
    return std::nullopt;
  }
  if (!view.conflist) {
    return "there is no " + view.conflist_path;
  }
  const auto json = base::parse_json(*view.conflist);
  const auto* plugins = json ? base::find_member(*json, "plugins") : nullptr;
  const bool ours = plugins != nullptr && plugins->is_array() && !plugins->empty() &&
                    base::string_member(plugins->front(), "type") == "aws-cni";
  if (!ours) {
    return view.conflist_path + " is no list that begins with aws-cni";
  }
  if (view.first_conflist != cni::kConflistName) {
    return "the runtime takes " + view.first_conflist + ", which comes first";
  }
  return std::nullopt;
}

constexpr const char* kRestart = "restart aws-node; see its log and /v1/plan";

// Causes before effects: the first finding is what to look at first.
constexpr DoctorRule kRules[] = {
    // NOLINT(modernize-avoid-c-arrays)
    {"VC034", Grade::fail, "the FIPS module is not in order",
     "vpccni fips-check; the image's module and OPENSSL_CONF", no_module},
    {"VC002", Grade::fail, "the agent's start failed", "vpccni startup; the step's error says what",
     start_failed},
    {"VC037", Grade::fail, "the agent's start hangs", "vpccni startup; it says what it waits for",
     start_stuck},
    {"VC004", Grade::fail, "the checkpoint cannot be read",
     "free the disk or move the file aside; the agent finds live pods in the kernel",
     checkpoint_unreadable},
    {"VC005", Grade::fail, "the checkpoint lacks pods that the agent has", kRestart,
     checkpoint_lost},
    {"VC038", Grade::fail, "the agent does not know pods of the checkpoint", kRestart,
     unknown_to_agent},
    {"VC003", Grade::fail, "pods hold quarantined addresses",
     "recreate these pods; they get other addresses", quarantined},
    {"VC007", Grade::fail, "pods hold addresses that no ENI of this node has",
     "recreate these pods; they get other addresses", address_gone},
    {"VC008", Grade::fail, "an ENI has no link, address or table",
     "look for another daemon that configures it (networkd, cloud-init); restart aws-node",
     faults_of<podnet::HostObject::link, podnet::HostObject::address, podnet::HostObject::route_eni,
               podnet::HostObject::rule_eni>},
    {"VC039", Grade::fail, "an attached ENI has no link", "dmesg, the ENA driver; detach it",
     eni_without_link},
    {"VC040", Grade::fail, "a pod's link is gone", "recreate the pod: only a new pod gets a link",
     faults_of<podnet::HostObject::pod_link>},
    {"VC014", Grade::fail, "a pod's gateway has another MAC address than the pod knows",
     "vpccni explain POD names both; udev's MACAddressPolicy must be none for our links",
     stale_neighbour},
    {"VC011", Grade::fail, "a pod has no route", kHeals, faults_of<podnet::HostObject::route_pod>},
    {"VC010", Grade::fail, "policy rules are missing", kHeals,
     faults_of<podnet::HostObject::rule_to, podnet::HostObject::rule_from,
               podnet::HostObject::rule_mark, podnet::HostObject::rule_service>},
    {"VC019", Grade::fail, "iptables rules of ours are missing", kHeals, chains},
    {"VC015", Grade::fail, "rp_filter is strict on the primary link",
     "sysctl -w net.ipv4.conf.all.rp_filter=2, and in the node's sysctl.d", strict_rp_filter},
    {"VC017", Grade::fail, "the node does not forward",
     "sysctl -w net.ipv4.ip_forward=1, and in the node's sysctl.d", no_forwarding},
    {"VC030", Grade::fail, "the conflist is missing, broken or not the first",
     "vpccni conflist writes it; remove what comes before it", conflist_broken},
    {"VC026", Grade::fail, "EC2 or STS denies a call", "give the role what the evidence names",
     denied},
    {"VC041", Grade::fail, "an ENIConfig is missing", "make it, or correct the node's label",
     no_eni_config},
    {"VC024", Grade::fail, "a subnet has no free addresses",
     "add a subnet tagged kubernetes.io/role/cni, or lower the warm targets", subnet_full},
    {"VC027", Grade::fail, "EC2 throttles", "raise WARM_IP_TARGET; ask AWS for a higher rate",
     throttled},
    {"VC042", Grade::fail, "EC2 cannot be reached", "routes, security groups, the endpoint's name",
     unreachable},
    {"VC023", Grade::fail, "the node has all the ENIs and addresses it may have",
     "lower the kubelet's maxPods, or use prefixes; vpccni capacity", limit},
    {"VC029", Grade::fail, "the disk of the checkpoint is full", "free it", disk_full},
    {"VC022", Grade::fail, "the connection table is nearly full",
     "raise net.netfilter.nf_conntrack_max", conntrack_full},
    {"VC001", Grade::fail, "the agent does not answer",
     "kubectl -n kube-system logs ds/aws-node; vpccni startup", agent_dead},
    {"VC043", Grade::warn, "IMDS does not answer", "the hop limit must be 2 for a container",
     imds_dead},
    {"VC020", Grade::warn, "the neighbour table is small for this many pods",
     "raise net.ipv4.neigh.default.gc_thresh3", few_neighbours},
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
