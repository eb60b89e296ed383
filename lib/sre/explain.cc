#include "sre/explain.h"

#include <algorithm>

#include "base/text.h"

namespace vpccni::sre {

namespace {

using podnet::Fault;
using podnet::HostObject;

Hop good(std::string name, std::string detail) {
  return {std::move(name), HopState::ok, std::move(detail), ""};
}
Hop broken(std::string name, std::string detail, std::string fix) {
  return {std::move(name), HopState::broken, std::move(detail), std::move(fix)};
}
Hop unknown(std::string name, std::string detail) {
  return {std::move(name), HopState::unknown, std::move(detail), ""};
}

const Fault* find_fault(const std::vector<Fault>& faults, HostObject object) {
  const auto found = std::find_if(faults.begin(), faults.end(),
                                  [&](const Fault& fault) { return fault.object == object; });
  return found == faults.end() ? nullptr : &*found;
}

Hop checkpoint_hop(const NodeView& view, const PodRow& pod) {
  const std::string held = pod.held.key.container.substr(0, 12) + "/" + pod.held.key.ifname;
  if (!view.checkpoint_trouble.empty()) {
    return broken("checkpoint", view.checkpoint_trouble,
                  "vpccni checkpoint verify; the agent finds live pods in the kernel's routes");
  }
  if (!pod.in_checkpoint) {
    return broken("checkpoint", "no entry of " + to_string(pod.held.address),
                  "restart aws-node: it takes live pods from the kernel's routes");
  }
  return good("checkpoint", held + " holds " + to_string(pod.held.address));
}

Hop agent_hop(const NodeView& view, const PodRow& pod) {
  if (!view.agent_answers()) {
    // Packets of a pod that is there do not need it.
    return unknown("agent", "does not answer: " + view.agent_trouble);
  }
  if (!pod.in_agent) {
    return broken("agent", "does not know the pod", "restart aws-node; then recreate the pod");
  }
  if (pod.quarantined) {
    return broken("agent", "the address is quarantined: EC2 lists it on no ENI of this node",
                  "recreate the pod; it gets another address");
  }
  return good("agent", "knows the pod, table " + to_string(pod.table));
}

Hop eni_hop(const NodeView& view, const PodRow& pod) {
  if (!view.imds_trouble.empty()) {
    return unknown("ENI", "IMDS: " + view.imds_trouble);
  }
  const auto* eni = eni_of(view.enis, pod.held.address);
  if (eni == nullptr && !view.knows_addresses()) {
    return unknown("ENI", "IMDS does not list the address; EC2: " + view.ec2_trouble);
  }
  if (eni == nullptr) {
    return broken("ENI", "no ENI of this node has " + to_string(pod.held.address),
                  "recreate the pod; it gets another address");
  }
  return good("ENI", to_string(eni->id) + ", device " + to_string(eni->device));
}

/// One object of the kernel: missing by a fault of that kind, else there.
Hop kernel_hop(const NodeView& view, std::string name, const Fault* fault, std::string there,
               std::string by_hand) {
  if (!view.kernel_trouble.empty()) {
    return unknown(std::move(name), view.kernel_trouble);
  }
  if (fault == nullptr) {
    return good(std::move(name), std::move(there));
  }
  return broken(std::move(name), "missing: " + fault->what,
                by_hand.empty() ? kHeals : by_hand + "; " + kHeals);
}

void add_pod_hops(const NodeView& view, const PodRow& pod, std::vector<Hop>& hops) {
  const auto address = to_string(pod.held.address);
  const podnet::PodRoute route{pod.held.address, pod.table, pod.host_veth};
  const auto faults = podnet::find_pod_faults(route, view.kernel);
  const auto* link = find_fault(faults, HostObject::pod_link);
  hops.push_back(kernel_hop(view, "host veth", link, pod.host_veth,
                            "recreate the pod: only a new pod gets a link"));
  if (link != nullptr) {
    return;  // what hangs on it cannot be there
  }
  hops.push_back(kernel_hop(view, "host veth up", find_fault(faults, HostObject::link), "up",
                            "ip link set " + pod.host_veth + " up"));
  hops.push_back(
      kernel_hop(view, "route to", find_fault(faults, HostObject::route_pod),
                 address + " dev " + pod.host_veth,
                 "ip route replace " + address + " dev " + pod.host_veth + " scope link"));
  hops.push_back(kernel_hop(view, "rule to", find_fault(faults, HostObject::rule_to),
                            "512 to " + address + " lookup main",
                            "ip rule add to " + address + " lookup main pref 512"));
  if (pod.table != net::kMainTable) {
    const auto table = to_string(pod.table);
    hops.push_back(kernel_hop(view, "rule from", find_fault(faults, HostObject::rule_from),
                              "1536 from " + address + " lookup " + table,
                              "ip rule add from " + address + " lookup " + table + " pref 1536"));
  }
}

/// Inside the pod, where that could be seen.
void add_inside_hops(const NodeView& view, const PodRow& pod, std::vector<Hop>& hops) {
  const auto inside = view.inside.find(pod.held.address);
  const auto* end = linux::find_link(view.kernel.links, pod.host_veth);
  if (inside == view.inside.end() || end == nullptr) {
    return;
  }
  const auto& [gateway, mac] = inside->second;
  if (!gateway) {
    hops.push_back(broken("pod route", "the pod has no default route",
                          "recreate the pod: only a new pod gets one"));
    return;
  }
  hops.push_back(good("pod route", "default via " + to_string(*gateway)));
  if (mac == end->mac) {
    hops.push_back(good("pod neighbour", to_string(*gateway) + " is " + to_string(end->mac)));
  } else {
    hops.push_back(broken("pod neighbour",
                          "the pod takes " + (mac ? to_string(*mac) : std::string("no MAC")) +
                              " for its gateway, the host's end has " + to_string(end->mac),
                          mac ? "ip link set " + pod.host_veth + " address " + to_string(*mac) +
                                    "; udev's MACAddressPolicy must be none for it"
                              : "recreate the pod: only a new pod gets the entry"));
  }
}

void add_eni_hops(const NodeView& view, const PodRow& pod, std::vector<Hop>& hops) {
  const auto* eni = eni_of(view.enis, pod.held.address);
  podnet::WantedHost one;
  one.network = view.wanted.network;
  for (const auto& wanted : view.wanted.enis) {
    if (eni != nullptr && wanted.mac == eni->mac) {
      one.enis.push_back(wanted);
    }
  }
  if (one.enis.empty()) {
    return;  // the primary, which the node's own network sets up
  }
  if (linux::find_link(view.kernel.links, eni->mac) == nullptr) {
    hops.push_back(broken("ENI link", "no link has " + to_string(eni->mac),
                          "vpccni eni list; look at dmesg for the ENA driver"));
    return;
  }
  const auto faults = podnet::find_faults(one, view.kernel);
  hops.push_back(kernel_hop(view, "ENI link", find_fault(faults, HostObject::link), "up", ""));
  hops.push_back(kernel_hop(view, "ENI address", find_fault(faults, HostObject::address),
                            to_string(one.enis[0].ip), ""));
  hops.push_back(kernel_hop(view, "ENI table", find_fault(faults, HostObject::route_eni),
                            "table " + to_string(one.enis[0].table) + " has its routes", ""));
}

void add_node_hops(const NodeView& view, std::vector<Hop>& hops) {
  const auto faults = podnet::find_faults({view.wanted.network, {}, {}}, view.kernel);
  hops.push_back(kernel_hop(view, "rule mark", find_fault(faults, HostObject::rule_mark),
                            "marked connections leave by the primary ENI", ""));
  if (!view.iptables_trouble.empty()) {
    hops.push_back(unknown("chains", view.iptables_trouble));
  } else if (const auto missing = missing_chains(view); !missing.empty()) {
    hops.push_back(broken("chains", "missing: " + base::join(missing, ", "), kHeals));
  } else {
    hops.push_back(good("chains", "SNAT and connection marks are there"));
  }
  if (effective_rp_filter(view) == 1) {
    hops.push_back(broken("rp_filter", "strict on the primary link: replies by another ENI drop",
                          "sysctl -w net.ipv4.conf.all.rp_filter=2, and in the node's sysctl.d"));
  }
  const auto forward = view.parameters.find("net/ipv4/ip_forward");
  if (forward != view.parameters.end() && forward->second == "0") {
    hops.push_back(broken("ip_forward", "the node forwards nothing",
                          "sysctl -w net.ipv4.ip_forward=1, and in the node's sysctl.d"));
  }
}

}  // namespace

std::string_view to_string(HopState state) {
  switch (state) {
    case HopState::ok:
      return "ok";
    case HopState::broken:
      return "broken";
    case HopState::unknown:
      return "unknown";
  }
  return "unknown";
}

std::vector<std::string> missing_chains(const NodeView& view) {
  std::vector<std::string> missing;
  const auto& network = view.wanted.network;
  if (!view.iptables_trouble.empty() || network.family == net::Family::v6) {
    return missing;
  }
  const auto has = [](const linux::SavedTable& table, std::string_view chain,
                      std::string_view part) {
    return std::any_of(table.rules.begin(), table.rules.end(), [&](const linux::SavedRule& rule) {
      return rule.chain == chain && rule.spec.find(part) != std::string::npos;
    });
  };
  struct Row {
    bool wanted;
    const linux::SavedTable& table;
    const char* chain;
    const char* part;
    const char* name;
  };
  const bool snat = !network.external_snat;
  for (const auto& row :
       {Row{snat, view.nat, "POSTROUTING", "-j AWS-SNAT-CHAIN-0", "jump to AWS-SNAT-CHAIN-0"},
        Row{snat, view.nat, "AWS-SNAT-CHAIN-0", "-j SNAT", "SNAT in AWS-SNAT-CHAIN-0"},
        Row{snat, view.nat, "PREROUTING", "-j AWS-CONNMARK-CHAIN-0",
            "jump to AWS-CONNMARK-CHAIN-0"},
        Row{snat, view.nat, "AWS-CONNMARK-CHAIN-0", "-j CONNMARK", "mark in AWS-CONNMARK-CHAIN-0"},
        Row{snat || network.node_port_support, view.mangle, "PREROUTING", "AWS, primary ENI",
            "marks of the primary ENI in mangle"}}) {
    if (row.wanted && !has(row.table, row.chain, row.part)) {
      missing.emplace_back(row.name);
    }
  }
  return missing;
}

int effective_rp_filter(const NodeView& view) {
  int all = 0;
  int link = 0;
  for (const auto& [name, value] : view.parameters) {
    if (name.ends_with("/rp_filter")) {
      (name == "net/ipv4/conf/all/rp_filter" ? all : link) =
          base::parse_integer<int>(value).value_or(0);
    }
  }
  return std::max(all, link);
}

std::vector<const PodRow*> find_pods(const NodeView& view, std::string_view text) {
  std::vector<const PodRow*> found;
  for (const auto& row : view.pods) {
    const auto& pod = row.held.pod;
    if (text == pod.name_space + "/" + pod.name || text == pod.name ||
        text == to_string(row.held.address)) {
      found.push_back(&row);
    }
  }
  return found;
}

std::vector<Hop> explain(const NodeView& view, const PodRow& pod) {
  std::vector<Hop> hops = {checkpoint_hop(view, pod), agent_hop(view, pod), eni_hop(view, pod)};
  add_pod_hops(view, pod, hops);
  add_inside_hops(view, pod, hops);
  add_eni_hops(view, pod, hops);
  add_node_hops(view, hops);
  return hops;
}

const Hop* first_broken(const std::vector<Hop>& hops) {
  const auto found = std::find_if(hops.begin(), hops.end(),
                                  [](const Hop& hop) { return hop.state == HopState::broken; });
  return found == hops.end() ? nullptr : &*found;
}

}  // namespace vpccni::sre
