#include "agent/execute.h"

#include <algorithm>
#include <iterator>

#include "agent/tend_enis.h"

namespace vpccni::agent {

namespace {

constexpr auto kAddressLimit = "PrivateIpAddressLimitExceeded";

bool is_host_veth(const std::string& link, const std::string& veth_prefix) {
  return link.size() == veth_prefix.size() + 11 && link.rfind(veth_prefix, 0) == 0;
}

/// Does the kernel name an address of the block? A rule alone counts only while some pod's link has
/// lost its route, for it may be that pod's; else it is what a vanished pod left. Links "vlan…" are
/// branch ENIs' and never have one.
bool names_an_address_of(const podnet::HostPods& pods, const std::string& veth_prefix,
                         const net::Cidr& block) {
  const auto routed = [&](const std::string& link) {
    return std::any_of(pods.routes.begin(), pods.routes.end(),
                       [&](const auto& route) { return route.link == link; });
  };
  const bool lost = std::any_of(pods.links.begin(), pods.links.end(), [&](const auto& link) {
    return is_host_veth(link, veth_prefix) && !routed(link);
  });
  return std::any_of(pods.routes.begin(), pods.routes.end(),
                     [&](const auto& route) { return block.contains(route.address); }) ||
         (lost && std::any_of(pods.ruled.begin(), pods.ruled.end(),
                              [&](const auto& address) { return block.contains(address); }));
}

struct Perform {
  const Edges& edges;
  const Node& node;
  const std::stop_token& stop;

  /// Once more for a single one when the subnet has some room, but not that much. At the ENI's
  /// limit our count was wrong: that stays a failure, the core then looks at what EC2 lists and
  /// knows which of it may be an old answer.
  template <class Assign>
  Result<ipam::Outcome> grow(const ipam::Action& action, const net::EniId& eni, int count,
                             Assign assign) const {
    auto added = assign(count);
    if (!added && added.error().cause != kAddressLimit && count > 1 &&
        added.error().code == Errc::exhausted) {
      added = assign(1);
    }
    VPCCNI_TRY(const auto got, wrap(std::move(added), ipam::to_string(action)));
    std::vector<net::Cidr> blocks = got.prefixes;
    std::transform(got.addresses.begin(), got.addresses.end(), std::back_inserter(blocks),
                   [](const net::Ip& ip) { return net::Cidr::host(ip); });
    return ipam::Outcome(ipam::Grown{eni, std::move(blocks)});
  }

  Result<ipam::Outcome> operator()(const ipam::AssignAddresses& action) const {
    return grow(action, action.eni, action.count,
                [&](int count) { return edges.ec2.assign_addresses(action.eni, count); });
  }

  Result<ipam::Outcome> operator()(const ipam::AssignPrefixes& action) const {
    return grow(action, action.eni, action.count,
                [&](int count) { return edges.ec2.assign_prefixes(action.eni, count); });
  }

  Result<ipam::Outcome> operator()(const ipam::AssignIpv6Prefix& action) const {
    aws::EniFilter filter;
    filter.ids = {action.eni};
    VPCCNI_TRY(const auto enis, edges.ec2.network_interfaces(filter));
    if (!enis.empty() && !enis.front().ipv6_prefixes.empty()) {
      return ipam::Outcome(ipam::Grown{action.eni, pod_blocks(enis.front(), net::Family::v6)});
    }
    return grow(action, action.eni, 1,
                [&](int count) { return edges.ec2.assign_ipv6_prefixes(action.eni, count); });
  }

  /// The store says that no pod has these. The kernel has the last word before EC2 is told.
  Result<ipam::Outcome> operator()(const ipam::Release& action) const {
    VPCCNI_TRY(const auto pods, wrap(edges.kernel.host_pods(), "look for pods in the kernel"));
    ipam::Released done;
    std::vector<net::Ip> addresses;
    std::vector<net::Cidr> prefixes;
    for (const auto& block : action.which) {
      if (names_an_address_of(pods, node.network.veth_prefix, block)) {
        done.kept.push_back(block);
      } else if (block.is_host()) {
        addresses.push_back(block.base());
      } else {
        prefixes.push_back(block);
      }
    }
    if (!prefixes.empty()) {
      VPCCNI_CHECK(wrap(edges.ec2.unassign_prefixes(action.eni, prefixes),
                        "unassign prefixes of " + to_string(action.eni)));
    }
    if (!addresses.empty()) {
      VPCCNI_CHECK(wrap(edges.ec2.unassign_addresses(action.eni, addresses),
                        "unassign addresses of " + to_string(action.eni)));
    }
    return ipam::Outcome(std::move(done));
  }

  Result<ipam::Outcome> operator()(const ipam::CreateEni& action) const {
    VPCCNI_TRY(auto ready, create_eni(edges, node, action, stop));
    return ipam::Outcome(std::move(ready));
  }

  Result<ipam::Outcome> operator()(const ipam::RemoveEni& action) const {
    VPCCNI_CHECK(remove_eni(edges, action.eni, stop));
    return ipam::Outcome(ipam::Removed{});
  }
};

}  // namespace

Result<ipam::Outcome> execute(const Edges& edges, const Node& node, const ipam::Action& action,
                              const std::stop_token& stop) {
  return std::visit(Perform{edges, node, stop}, action);
}

Result<std::vector<ClassifiedEni>> all_listed(aws::Ec2& ec2, const Node& node) {
  aws::EniFilter filter;
  filter.filters = {{"attachment.instance-id", {to_string(node.identity.id)}}};
  VPCCNI_TRY(auto enis, wrap(ec2.network_interfaces(filter), "list this instance's ENIs"));
  return classify_enis(std::move(enis), node, ListedBy::ec2);
}

Result<std::vector<ClassifiedEni>> all_shown(const Edges& edges, const Node& node) {
  VPCCNI_TRY(const auto shown, wrap(edges.imds.enis(), "list this instance's ENIs"));
  std::vector<aws::Eni> enis;
  for (const auto& one : shown) {
    enis.push_back(eni_of(one, node.identity));
  }
  return classify_enis(std::move(enis), node, ListedBy::imds);
}

const Listings::List& Listings::fresh(Reading& reading, const Edges& edges, base::SteadyTime asked,
                                      const std::function<List()>& read) {
  if (!reading.list || reading.begun < asked) {
    reading.begun = edges.clock.now().steady;
    reading.list = read();
  }
  return *reading.list;
}

const Listings::List& Listings::listed(const Edges& edges, const Node& node,
                                       base::SteadyTime asked) {
  return fresh(listed_, edges, asked, [&] { return all_listed(edges.ec2, node); });
}

const Listings::List& Listings::shown(const Edges& edges, const Node& node,
                                      base::SteadyTime asked) {
  return fresh(shown_, edges, asked, [&] { return all_shown(edges, node); });
}

Result<ManagedEnis> managed_enis(const Edges& edges, const Node& node) {
  VPCCNI_TRY(auto all, all_listed(edges.ec2, node));
  return managed_on(std::move(all), node.card);
}

Result<ManagedEnis> shown_enis(const Edges& edges, const Node& node) {
  VPCCNI_TRY(auto all, all_shown(edges, node));
  return managed_on(std::move(all), node.card);
}

std::vector<podnet::HostPodRoute> pod_routes(const podnet::HostPods& pods,
                                             const std::string& veth_prefix) {
  std::vector<podnet::HostPodRoute> routes;
  for (const auto& route : pods.routes) {
    const bool ours = route.link.rfind("vlan", 0) == 0 || is_host_veth(route.link, veth_prefix);
    if (ours && !podnet::is_branch_route(pods, route)) {
      routes.push_back(route);
    }
  }
  return routes;
}

/// Does IMDS show just what the store has?
bool shows_the_same(const Node& node, const ipam::Observe& look, const Listings::List& shown) {
  if (!shown) {
    return false;
  }
  std::map<net::EniId, std::set<net::Cidr>> seen;
  for (const auto& eni : managed_on(*shown, node.card).enis) {
    if (!look.unmanaged.contains(eni.id)) {
      const auto blocks = pod_blocks(eni, node.family());
      seen[eni.id] = {blocks.begin(), blocks.end()};
    }
  }
  return seen == look.known;
}

ipam::Observed observe(const Edges& edges, const Node& node, const ipam::Observe& look,
                       Listings& listings, base::SteadyTime asked) {
  ipam::Observed observed;
  observed.generation = look.generation;
  const auto pods = edges.kernel.host_pods();
  if (!pods) {
    observed.enis = wrap(pods.error(), "look for pods in the kernel");
    return observed;
  }
  for (const auto& route : pod_routes(*pods, node.network.veth_prefix)) {
    observed.pod_routes.push_back(route.address);
  }
  observed.by_ec2 = !node.settings.imds_only;
  if (observed.by_ec2 && !look.ask_ec2 &&
      shows_the_same(node, look, listings.shown(edges, node, asked))) {
    observed.same = true;
    return observed;
  }
  const auto& all =
      observed.by_ec2 ? listings.listed(edges, node, asked) : listings.shown(edges, node, asked);
  if (!all) {
    observed.enis = all.error();
    return observed;
  }
  if (std::none_of(all->begin(), all->end(), [](const auto& one) { return is_managed(one.is); })) {
    observed.enis = Error{Errc::unavailable, "no ENI of this instance is listed"};
    return observed;
  }
  const auto managed = managed_on(*all, node.card);
  std::vector<ipam::ObservedEni> seen;
  for (const auto& eni : managed.enis) {
    seen.push_back({eni_facts(eni, {}, node), pod_blocks(eni, node.family())});
    tend_attachment(edges, node, eni);
  }
  for (const auto& one : managed.left_out) {
    observed.unmanaged.insert(one.eni.id);
  }
  observed.foreign_enis = managed.unmanaged;
  observed.enis = std::move(seen);
  return observed;
}

ipam::Event adopt(const Edges& edges, const Node& node, const ipam::ObservedEni& seen,
                  const std::stop_token& stop) {
  const auto set_up = [&]() -> Result<ipam::EniReady> {
    VPCCNI_TRY(const auto managed,
               node.settings.imds_only ? shown_enis(edges, node) : managed_enis(edges, node));
    for (const auto& eni : managed.enis) {
      if (eni.id == seen.facts.id) {
        tend_eni(edges, node, eni, stop);
        VPCCNI_TRY(const auto subnet, SubnetCidrs(edges, node).of(eni));
        return set_up_attached(edges, node, eni, subnet, stop);
      }
    }
    return Error{Errc::not_found, to_string(seen.facts.id) + " is not listed any more"};
  };
  auto ready = set_up();
  if (!ready) {
    return ipam::AdoptFailed{seen.facts.id, std::move(ready).error()};
  }
  return *std::move(ready);
}

}  // namespace vpccni::agent
