#include "podnet/host_check.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include "podnet/policy_rules.h"

namespace vpccni::podnet {

namespace {

using linux::Link;
using linux::Route;
using linux::Rule;

bool has_route(const SeenHost& seen, const Route& wanted) {
  return std::any_of(seen.routes.begin(), seen.routes.end(), [&](const Route& route) {
    return route.destination == wanted.destination && route.table == wanted.table &&
           route.link == wanted.link && route.gateway == wanted.gateway;
  });
}

void want_rule(const SeenHost& seen, HostObject object, const Rule& rule,
               std::vector<Fault>& faults) {
  if (!contains(seen.rules, rule)) {
    faults.push_back({object, "rule " + to_string(rule), {linux::add_rule_unchecked(rule)}});
  }
}

/// The kernel drops a link's routes with the link: they come back behind it.
void want_up(const Link& link, std::optional<int> mtu, std::vector<Fault>& faults) {
  const bool other_mtu = mtu && *mtu != link.mtu;
  if (!link.up || other_mtu) {
    faults.push_back({HostObject::link,
                      "link " + link.name + (link.up ? ": its MTU" : " up"),
                      {linux::change_link(link.index, {.up = true, .mtu = mtu})}});
  }
}

void want_route(const SeenHost& seen, HostObject object, const Route& route,
                const std::string& link, std::vector<Fault>& faults) {
  if (!has_route(seen, route)) {
    faults.push_back({object,
                      "route to " + to_string(route.destination) + " by " + link + ", table " +
                          to_string(route.table),
                      {linux::replace_route(route)}});
  }
}

void check_eni(const EniNetwork& eni, const SeenHost& seen, std::vector<Fault>& faults) {
  const Link* link = linux::find_link(seen.links, eni.mac);
  if (link == nullptr) {
    return;  // unplugged: reconcile's affair
  }
  want_up(*link, eni.mtu, faults);
  const auto address = linux::address_of(link->index, {eni.ip, eni.subnet.length()});
  const bool has_address =
      std::any_of(seen.addresses.begin(), seen.addresses.end(), [&](const linux::Address& one) {
        return one.link == link->index && one.value.address == eni.ip;
      });
  if (!has_address) {
    faults.push_back(
        {HostObject::address,
         "address " + to_string(eni.ip) + " on " + link->name,
         {linux::add_address(address), linux::delete_route(connected_route(eni, link->index))}});
  }
  for (const Route& route : eni_routes(eni, link->index)) {
    want_route(seen, HostObject::route_eni, route, link->name, faults);
  }
  if (!eni.trunk && !eni.rule_exists) {
    want_rule(seen, HostObject::rule_eni, rule_from(eni.ip, eni.table, kFromEni), faults);
  }
}

void check_pod(const PodRoute& pod, const SeenHost& seen, std::vector<Fault>& faults) {
  const Link* link = linux::find_link(seen.links, pod.host_veth);
  if (link == nullptr) {
    faults.push_back(
        {HostObject::pod_link, "link " + pod.host_veth + " of pod " + to_string(pod.address), {}});
    return;
  }
  want_up(*link, {}, faults);
  want_route(seen, HostObject::route_pod,
             {.destination = net::Cidr::host(pod.address),
              .link = link->index,
              .scope = linux::Scope::link},
             link->name, faults);
  want_rule(seen, HostObject::rule_to, rule_to_pod(pod.address), faults);
  if (pod.table != net::kMainTable) {
    want_rule(seen, HostObject::rule_from, rule_from(pod.address, pod.table, kFromPod), faults);
  }
}

}  // namespace

std::string_view to_string(HostObject object) {
  switch (object) {
    case HostObject::link:
      return "link";
    case HostObject::address:
      return "address";
    case HostObject::route_eni:
      return "route_eni";
    case HostObject::route_pod:
      return "route_pod";
    case HostObject::rule_to:
      return "rule_to";
    case HostObject::rule_from:
      return "rule_from";
    case HostObject::rule_eni:
      return "rule_eni";
    case HostObject::rule_mark:
      return "rule_mark";
    case HostObject::rule_local:
      return "rule_local";
    case HostObject::rule_service:
      return "rule_service";
    case HostObject::pod_link:
      return "pod_link";
    case HostObject::chain:
      return "chain";
  }
  return "unknown";
}

std::vector<Fault> find_faults(const WantedHost& wanted, const SeenHost& seen) {
  std::vector<Fault> faults;
  for (const EniNetwork& eni : wanted.enis) {
    check_eni(eni, seen, faults);
  }
  if (wants_mark_rule(wanted.network)) {
    want_rule(seen, HostObject::rule_mark, mark_rule(wanted.network), faults);
  }
  if (wanted.network.strict_branches) {
    const auto family = wanted.network.family;
    want_rule(seen, HostObject::rule_local, local_rule(family, kLocalLater), faults);
    const auto first = local_rule(family, net::RulePriority(0));
    if (contains(seen.rules, first)) {  // branch ENIs would be passed by
      faults.push_back(
          {HostObject::rule_local,
           "no rule " + to_string(first),
           {linux::add_rule(local_rule(family, kLocalLater)), linux::delete_rule(first)}});
    }
    if (family == net::Family::v6) {
      want_rule(seen, HostObject::rule_local, router_rule(), faults);
    }
  }
  for (const net::Cidr& cidr : wanted.network.external_services) {
    if (cidr.family() == wanted.network.family) {
      want_rule(seen, HostObject::rule_service, external_service_rule(cidr), faults);
    }
  }
  for (const PodRoute& pod : wanted.pods) {
    check_pod(pod, seen, faults);
  }
  std::stable_sort(faults.begin(), faults.end(), [](const Fault& a, const Fault& b) {
    return (a.object == HostObject::link) > (b.object == HostObject::link);
  });
  return faults;
}

std::vector<Fault> find_pod_faults(const PodRoute& pod, const SeenHost& seen) {
  std::vector<Fault> faults;
  check_pod(pod, seen, faults);
  return faults;
}

Result<SeenHost> read_host(const WantedHost& wanted) {
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  const net::Family family = wanted.network.family;
  SeenHost seen;
  VPCCNI_TRY(seen.links, linux::links(netlink));
  VPCCNI_TRY(seen.rules, linux::rules(netlink, family));
  std::set<net::TableId> tables = {net::kMainTable};
  for (const EniNetwork& eni : wanted.enis) {
    tables.insert(eni.table);
    const Link* link = linux::find_link(seen.links, eni.mac);
    if (link != nullptr) {
      VPCCNI_TRY(const auto some, linux::addresses(netlink, link->index, family));
      seen.addresses.insert(seen.addresses.end(), some.begin(), some.end());
    }
  }
  for (const net::TableId table : tables) {
    VPCCNI_TRY(const auto some, linux::routes(netlink, family, table));
    seen.routes.insert(seen.routes.end(), some.begin(), some.end());
  }
  return seen;
}

Result<> repair(const Fault& fault) {
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  VPCCNI_TRY(const auto replies, netlink.batch(fault.repair));
  for (std::size_t i = 0; i < replies.size(); ++i) {
    if (replies[i].number != EEXIST && replies[i].number != ESRCH) {
      VPCCNI_CHECK(wrap(linux::outcome(fault.repair[i], replies[i]), "put back " + fault.what));
    }
  }
  return {};
}

}  // namespace vpccni::podnet
