#include <algorithm>
#include <set>

#include "base/json.h"
#include "sre/explain.h"
#include "sre/rules.h"

namespace vpccni::sre::rules {

namespace {

constexpr int kTableFull = 80;  // percent
constexpr int kFewNeighbours = 1024;
/// nm-cloud-setup numbers tables and priorities from 30200 and 30400 on, one for each address.
constexpr std::uint32_t kCloudSetupFirst = 30200;
constexpr std::uint32_t kCloudSetupLast = 30599;

std::optional<int> number(const NodeView& view, const char* name) {
  const auto at = view.parameters.find(name);
  if (at == view.parameters.end()) {
    return std::nullopt;
  }
  const auto value = base::parse_integer<int>(at->second);
  return value ? std::optional<int>(*value) : std::nullopt;
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
  return joined(names);
}

/// As the runtime gives it to the plugin; 0: not known.
int pod_mtu(const NodeView& view) {
  const auto json = view.conflist ? base::parse_json(*view.conflist) : base::Json();
  const auto* plugins = json ? base::find_member(*json, "plugins") : nullptr;
  if (plugins == nullptr || !plugins->is_array() || plugins->empty()) {
    return 0;
  }
  return base::parse_integer<int>(base::string_member(plugins->front(), "mtu")).value_or(0);
}

bool has_chain_of(const linux::SavedTable& table, std::string_view start) {
  return std::any_of(table.chains.begin(), table.chains.end(),
                     [&](const std::string& chain) { return chain.starts_with(start); });
}

}  // namespace

Evidence address_twice(const NodeView& view) {
  std::vector<std::string> twice;
  for (const auto& [address, namespaces] : view.namespaces) {
    if (namespaces.size() > 1) {
      twice.push_back(to_string(address) + " in " + base::join(namespaces, " and "));
    }
  }
  std::map<net::Ip, std::set<std::string>> pods;
  for (const auto& row : view.pods) {
    pods[row.held.address].insert(row.held.pod.name_space + "/" + row.held.pod.name);
  }
  for (const auto& [address, names] : pods) {
    if (names.size() > 1) {
      twice.push_back(to_string(address) + " of " +
                      base::join({names.begin(), names.end()}, " and "));
    }
  }
  return joined(twice);
}

Evidence eni_without_link(const NodeView& view) {
  std::vector<std::string> names;
  for (const auto& eni : view.enis) {
    const bool there = linux::find_link(view.kernel.links, eni.mac) != nullptr;
    if (!there && view.kernel_trouble.empty()) {
      names.push_back(to_string(eni.id) + " (" + to_string(eni.mac) + ")");
    }
  }
  return joined(names);
}

Evidence eni_incomplete(const NodeView& view) {
  using Object = podnet::HostObject;
  return faults_of<Object::link, Object::address, Object::route_eni, Object::rule_eni>(view);
}

Evidence pod_link_gone(const NodeView& view) {
  return faults_of<podnet::HostObject::pod_link>(view);
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

Evidence pod_without_route(const NodeView& view) {
  return faults_of<podnet::HostObject::route_pod>(view);
}

Evidence rules_missing(const NodeView& view) {
  using Object = podnet::HostObject;
  return faults_of<Object::rule_to, Object::rule_from, Object::rule_mark, Object::rule_service>(
      view);
}

Evidence chains_missing(const NodeView& view) {
  return joined(missing_chains(view));
}

/// kube-proxy's chains in one variant and ours in the other break NodePort; ours in both are what a
/// change of variant has left behind.
Evidence two_iptables(const NodeView& view) {
  const bool ours_left = has_chain_of(view.other_nat, "AWS-SNAT-CHAIN");
  const bool kube_there = has_chain_of(view.other_nat, "KUBE-") && !has_chain_of(view.nat, "KUBE-");
  if (!ours_left && !kube_there) {
    return std::nullopt;
  }
  return "iptables is " + view.iptables_variant + " here; the other variant holds " +
         (kube_there ? "kube-proxy's chains" : "chains of an earlier agent");
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

/// The kubelet's probes of pods with a branch ENI come back by another way than early demux took.
Evidence early_demux(const NodeView& view) {
  const bool branches = view.wanted.network.strict_branches && !view.trunks.empty();
  return branches && number(view, "net/ipv4/tcp_early_demux") == 1
             ? Evidence("net.ipv4.tcp_early_demux=1, and pods have branch ENIs in strict mode")
             : Evidence();
}

Evidence other_mtu(const NodeView& view) {
  std::vector<std::string> others;
  const auto compare = [&](const linux::Link* link, int wanted) {
    if (link != nullptr && wanted > 0 && link->mtu > 0 && link->mtu != wanted) {
      others.push_back(link->name + " has " + std::to_string(link->mtu) + ", set is " +
                       std::to_string(wanted));
    }
  };
  for (const auto& eni : view.wanted.enis) {
    compare(linux::find_link(view.kernel.links, eni.mac), eni.mtu);
  }
  for (const auto& row : view.pods) {
    compare(linux::find_link(view.kernel.links, row.host_veth), pod_mtu(view));
  }
  return joined(others);
}

Evidence cloud_setup(const NodeView& view) {
  const auto theirs = [](std::uint32_t number) {
    return number >= kCloudSetupFirst && number <= kCloudSetupLast;
  };
  for (const auto& rule : view.kernel.rules) {
    if (theirs(rule.table.value()) || (rule.priority && theirs(rule.priority->value()))) {
      return "a rule leads to table " + std::to_string(rule.table.value()) +
             (rule.priority ? " at priority " + std::to_string(rule.priority->value()) : "");
    }
  }
  return std::nullopt;
}

Evidence networkd(const NodeView& view) {
  return view.networkd_keeps_rules == false
             ? Evidence(
                   "systemd-networkd runs and is not told "
                   "ManageForeignRoutingPolicyRules=no, ManageForeignRoutes=no")
             : Evidence();
}

}  // namespace vpccni::sre::rules
