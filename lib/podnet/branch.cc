#include "podnet/branch.h"

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "linux/links.h"
#include "linux/routes.h"
#include "linux/rules.h"
#include "linux/sysctls.h"
#include "podnet/pod_wiring.h"
#include "podnet/policy_rules.h"

namespace vpccni::podnet {

namespace {

constexpr std::uint32_t kFirstTable = 100;
constexpr std::string_view kVlanLink = "vlan.eth.";

Result<> check_branch(const BranchPod& pod) {
  VPCCNI_CHECK(check_vlan(pod.vlan));
  if (pod.mac.empty() || pod.gateway.family() != pod.link.address.family() ||
      pod.trunk.value() <= 0 || pod.link.index != 0) {
    return Error{Errc::invalid_argument, "not a branch ENI's MAC address, gateway or trunk"};
  }
  return check(pod.link);
}

linux::Rule rule_in(net::Family family, const std::string& link, net::TableId table) {
  return {.family = family, .priority = kBranchIn, .table = table, .in_link = link};
}

Result<> remove_link(linux::Netlink& netlink, const std::string& name) {
  const auto stale = linux::get_link(netlink, name);
  if (!stale) {
    return stale.error().code == Errc::not_found ? Result<>() : stale.error();
  }
  if (stale->kind != "vlan") {
    return Error{Errc::already_exists, "the host has a link " + name + " that is no VLAN",
                 "EEXIST"};
  }
  VPCCNI_CHECK(netlink.remove(linux::delete_link(stale->index)));
  return {};
}

/// The branch ENI on this node, with its way to the VPC.
Result<net::IfIndex> create_vlan(Wiring& wiring, const BranchPod& pod) {
  const std::string name = vlan_link_name(pod.vlan);
  VPCCNI_CHECK(remove_link(wiring.host(), name));
  const auto request =
      linux::create_vlan({.name = name, .id = pod.vlan, .parent = pod.trunk, .mac = pod.mac});
  if (auto made = wiring.host().apply(request); !made) {
    if (made.error().cause == "EOPNOTSUPP") {
      return Error{
          Errc::unsupported,
          "this kernel has no 802.1Q, which security groups for pods need: load the module "
          "8021q on the node (" +
              made.error().message + ")",
          "EOPNOTSUPP"};
    }
    return std::move(made).error();
  }
  VPCCNI_TRY(const auto link, linux::get_link(wiring.host(), name));
  wiring.undo_on_host(linux::delete_link(link.index));
  const std::string conf = "net/ipv6/conf/" + name + "/";
  VPCCNI_CHECK(linux::set_sysctl_if_present(conf + "accept_ra", "0"));
  VPCCNI_CHECK(linux::set_sysctl_if_present(conf + "accept_redirects", "1"));
  VPCCNI_CHECK(linux::set_sysctl_if_present(conf + "forwarding", "0"));
  const net::TableId table = branch_table(pod.vlan);
  const std::vector<Step> steps = {
      {.request = linux::change_link(link.index, {.up = true})},
      {.request = linux::replace_route({.destination = net::Cidr::host(pod.gateway),
                                        .table = table,
                                        .link = link.index,
                                        .scope = linux::Scope::link})},
      {.request = linux::replace_route({.destination = net::Cidr(pod.gateway, 0),
                                        .table = table,
                                        .link = link.index,
                                        .gateway = pod.gateway})}};
  VPCCNI_CHECK(wiring.run_on_host(steps));
  return link.index;
}

/// All that comes from the pod or from its branch ENI is looked up in the branch's table alone.
Result<> route_strictly(Wiring& wiring, const BranchPod& pod, net::IfIndex host_end) {
  const net::TableId table = branch_table(pod.vlan);
  const auto family = pod.link.address.family();
  std::vector<Step> steps = {
      {.request = linux::replace_route({.destination = net::Cidr::host(pod.link.address),
                                        .table = table,
                                        .link = host_end,
                                        .scope = linux::Scope::link})}};
  for (const auto& link : {vlan_link_name(pod.vlan), pod.link.host_veth}) {
    const auto rule = rule_in(family, link, table);
    steps.push_back(
        {.request = linux::add_rule(rule), .tolerated = EEXIST, .undo = linux::delete_rule(rule)});
  }
  VPCCNI_CHECK(wiring.run_on_host(steps));
  return {};
}

Result<> attach(Wiring& wiring, const BranchPod& pod) {
  VPCCNI_TRY(const auto host_end, wiring.create(pod.link));
  // What an earlier pod of this name left would send the packets elsewhere; the pod is not up yet.
  const auto family = pod.link.address.family();
  VPCCNI_CHECK(linux::delete_all_rules(wiring.host(), rule_in(family, pod.link.host_veth, {})));
  VPCCNI_CHECK(linux::delete_all_rules(wiring.host(), rule_in(family, "", branch_table(pod.vlan))));
  VPCCNI_CHECK(create_vlan(wiring, pod));
  if (pod.strict) {
    VPCCNI_CHECK(route_strictly(wiring, pod, host_end.index));
  } else {
    PodLink link = pod.link;
    link.table = branch_table(pod.vlan);
    VPCCNI_CHECK(route_to_pod(wiring, link, host_end.index));
  }
  return wrap(wiring.configure_pod(pod.link, host_end), "inside the pod");
}

/// What the host shows of a branch pod's objects.
struct Seen {
  std::vector<linux::Link> links;
  std::vector<linux::Rule> rules;
  std::vector<linux::Route> main;
};

Result<Seen> look(linux::Netlink& netlink, net::Family family) {
  Seen seen;
  VPCCNI_TRY(seen.links, linux::links(netlink));
  VPCCNI_TRY(seen.rules, linux::rules(netlink, family));
  VPCCNI_TRY(seen.main, linux::routes(netlink, family, net::kMainTable));
  return seen;
}

/// A link of another sandbox: MACs that tell no sandbox are an older version's, and taken for ours.
bool is_anothers(const linux::Link& link, const BranchRoute& route) {
  return link.mac != route.host_mac && is_host_veth_mac(link.mac);
}

bool is_anothers(const BranchRoute& route, const Seen& seen) {
  const auto table = branch_table(route.vlan);
  const auto ours = [&](const std::string& name) {
    return std::find(route.host_veths.begin(), route.host_veths.end(), name) !=
           route.host_veths.end();
  };
  bool named = false;  // a link of that name is another sandbox's
  for (const auto& name : route.host_veths) {
    if (const auto* link = linux::find_link(seen.links, name)) {
      if (link->mac == route.host_mac) {
        return false;
      }
      named = named || is_anothers(*link, route);
    }
  }
  if (named) {
    return true;
  }
  for (const auto& one : seen.main) {  // another pod has the address by now
    const auto link = std::find_if(seen.links.begin(), seen.links.end(),
                                   [&](const auto& each) { return each.index == one.link; });
    if (one.destination == net::Cidr::host(route.address) && link != seen.links.end() &&
        !ours(link->name)) {
      return true;
    }
  }
  for (const auto& rule : seen.rules) {
    if (rule.table != table) {
      continue;
    }
    const bool in = rule.priority == kBranchIn && rule.in_link != vlan_link_name(route.vlan);
    if (in && !ours(rule.in_link) && linux::find_link(seen.links, rule.in_link) != nullptr) {
      return true;
    }
    const bool from = rule.priority == kFromPod && rule.from;
    if (from && rule.from != net::Cidr::host(route.address) &&
        std::any_of(seen.main.begin(), seen.main.end(),
                    [&](const auto& one) { return one.destination == *rule.from; })) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string vlan_link_name(net::VlanId vlan) {
  return std::string(kVlanLink) + to_string(vlan);
}

std::optional<net::VlanId> vlan_of_link(std::string_view name) {
  if (name.substr(0, kVlanLink.size()) != kVlanLink) {
    return std::nullopt;
  }
  const auto vlan = base::parse_integer<int>(name.substr(kVlanLink.size()));
  return vlan ? std::optional(net::VlanId(*vlan)) : std::nullopt;
}

net::TableId branch_table(net::VlanId vlan) {
  return net::TableId(kFirstTable + static_cast<std::uint32_t>(vlan.value()));
}

Result<> check_vlan(net::VlanId vlan) {
  const auto table = branch_table(vlan).value();
  const bool kernels = table >= net::kMainTable.value() - 1 && table <= net::kLocalTable.value();
  if (vlan < net::VlanId(1) || vlan > net::kLastVlan || kernels) {
    return Error{Errc::invalid_argument, "VLAN " + to_string(vlan) + " has no table of its own"};
  }
  return {};
}

Result<> attach_branch_pod(const std::string& netns_path, const BranchPod& pod) {
  VPCCNI_CHECK(check_branch(pod));
  VPCCNI_TRY(Wiring wiring, Wiring::open(netns_path));
  auto done = attach(wiring, pod);
  if (!done) {
    wiring.undo();
  }
  return wrap(std::move(done), "attach " + pod.link.container_link + " (" +
                                   to_string(pod.link.address) + ", VLAN " + to_string(pod.vlan) +
                                   ") in " + netns_path);
}

Result<> detach_branch_pod(const BranchRoute& route) {
  VPCCNI_CHECK(check_vlan(route.vlan));
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  const auto family = route.address.family();
  VPCCNI_TRY(const auto seen, look(netlink, family));
  if (is_anothers(route, seen)) {
    return {};
  }
  const std::string what = "detach " + to_string(route.address);
  const auto table = branch_table(route.vlan);
  VPCCNI_CHECK(wrap(remove_link(netlink, vlan_link_name(route.vlan)), what));
  VPCCNI_CHECK(wrap(
      linux::delete_all_rules(netlink, {.family = family, .priority = kBranchIn, .table = table}),
      what));
  VPCCNI_CHECK(netlink.remove(linux::delete_route({.destination = net::Cidr::host(route.address),
                                                   .table = table,
                                                   .scope = linux::Scope::link})));
  for (const auto& name : route.host_veths) {
    VPCCNI_CHECK(detach_pod({{route.address, table, name}}));
  }
  return {};
}

Result<std::vector<std::string>> missing_of_branch_pod(const std::string& netns_path,
                                                       std::string_view ifname,
                                                       const BranchRoute& route) {
  std::vector<std::string> missing;
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  const auto family = route.address.family();
  VPCCNI_TRY(const auto seen, look(netlink, family));
  VPCCNI_TRY(const auto own, linux::routes(netlink, family, branch_table(route.vlan)));
  const std::string vlan = vlan_link_name(route.vlan);
  const auto up = [&](const std::string& name) {
    const auto* link = linux::find_link(seen.links, name);
    return link != nullptr && link->up;
  };
  if (!up(vlan)) {
    missing.push_back("link " + vlan);
  }
  if (std::none_of(route.host_veths.begin(), route.host_veths.end(), up)) {
    missing.push_back("link " + route.host_veths.front());
  }
  if (std::none_of(own.begin(), own.end(),
                   [](const auto& one) { return one.destination.length() == 0; })) {
    missing.push_back("default route by " + vlan);
  }
  const auto to_pod = [&](const auto& one) {
    return one.destination == net::Cidr::host(route.address);
  };
  const bool strict = std::any_of(own.begin(), own.end(), to_pod);
  const bool standard = std::any_of(seen.main.begin(), seen.main.end(), to_pod);
  if (!strict && !standard) {
    missing.push_back("route to " + to_string(route.address));
  }
  const auto rules = std::count_if(seen.rules.begin(), seen.rules.end(), [&](const auto& rule) {
    return rule.table == branch_table(route.vlan) &&
           (rule.priority == kBranchIn || rule.priority == kFromPod);
  });
  if (rules < (strict ? 2 : 1)) {
    missing.push_back("rules to table " + to_string(branch_table(route.vlan)));
  }
  VPCCNI_CHECK(look_inside(netns_path, ifname, {route.address}, missing));
  return missing;
}

}  // namespace vpccni::podnet
