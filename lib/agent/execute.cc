#include "agent/execute.h"

#include <algorithm>
#include <set>

namespace vpccni::agent {

namespace {

constexpr auto kNoManageTag = "node.k8s.amazonaws.com/no_manage";
constexpr auto kAddressLimit = "PrivateIpAddressLimitExceeded";

struct Perform {
  const Edges& edges;
  const Node& node;
  const std::stop_token& stop;

  Result<ipam::Outcome> operator()(const ipam::AssignAddresses& action) const {
    auto added = edges.ec2.assign_addresses(action.eni, action.count);
    if (!added && added.error().cause != kAddressLimit && action.count > 1 &&
        added.error().code == Errc::exhausted) {
      added = edges.ec2.assign_addresses(action.eni, 1);  // what is left of the subnet
    }
    // At the limit our count was wrong. That is a failure: the core then looks at what EC2 lists,
    // and knows which of it may be an old answer.
    VPCCNI_TRY(auto got, wrap(std::move(added), "assign " + std::to_string(action.count) +
                                                    " addresses to " + to_string(action.eni)));
    return ipam::Outcome(ipam::Grown{action.eni, std::move(got.addresses)});
  }

  Result<ipam::Outcome> operator()(const ipam::ReleaseAddresses& action) const {
    // The store says that no pod has these. The kernel has the last word before EC2 is told.
    VPCCNI_TRY(const auto pods, wrap(edges.kernel.host_pods(), "look for pods in the kernel"));
    for (const auto& route : pods.routes) {
      if (std::find(action.which.begin(), action.which.end(), route.address) !=
          action.which.end()) {
        return Error{Errc::conflict, "not released: the kernel routes " + to_string(route.address) +
                                         " to " + route.link};
      }
    }
    VPCCNI_CHECK(wrap(edges.ec2.unassign_addresses(action.eni, action.which),
                      "unassign addresses of " + to_string(action.eni)));
    return ipam::Outcome(ipam::Released{});
  }

  Result<ipam::Outcome> operator()(const ipam::CreateEni& action) const {
    VPCCNI_TRY(auto ready, create_eni(edges, node, action.addresses, stop));
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

ManagedEnis select_managed(std::vector<aws::Eni> enis, const Node& node) {
  ManagedEnis managed;
  for (auto& eni : enis) {
    const bool attached = eni.attachment && eni.attachment->instance == node.identity.id &&
                          eni.attachment->status != "detaching" &&
                          eni.attachment->status != "detached";
    if (!attached || eni.attachment->card != node.card || eni.kind == aws::EniKind::branch) {
      continue;
    }
    const auto tag = eni.tags.find(kNoManageTag);
    const bool primary = eni.attachment->device.value() == 0;
    const bool left_out =
        eni.kind == aws::EniKind::efa_only || (tag != eni.tags.end() && tag->second == "true");
    if (left_out && !primary) {
      ++managed.unmanaged;
      continue;
    }
    managed.enis.push_back(std::move(eni));
  }
  std::sort(managed.enis.begin(), managed.enis.end(), [](const auto& a, const auto& b) {
    return a.attachment->device < b.attachment->device;
  });
  return managed;
}

Result<ManagedEnis> managed_enis(const Edges& edges, const Node& node) {
  aws::EniFilter filter;
  filter.filters = {{"attachment.instance-id", {to_string(node.identity.id)}}};
  VPCCNI_TRY(auto enis, wrap(edges.ec2.network_interfaces(filter), "list this instance's ENIs"));
  return select_managed(std::move(enis), node);
}

std::vector<podnet::HostPodRoute> pod_routes(const podnet::HostPods& pods,
                                             const std::string& veth_prefix) {
  std::vector<podnet::HostPodRoute> routes;
  for (const auto& route : pods.routes) {
    const bool ours =
        route.link.rfind("vlan", 0) == 0 ||
        (route.link.size() == veth_prefix.size() + 11 && route.link.rfind(veth_prefix, 0) == 0);
    if (ours) {
      routes.push_back(route);
    }
  }
  return routes;
}

ipam::Observed observe(const Edges& edges, const Node& node, std::uint64_t generation) {
  ipam::Observed observed;
  observed.generation = generation;
  const auto pods = edges.kernel.host_pods();
  if (!pods) {
    observed.enis = wrap(pods.error(), "look for pods in the kernel");
    return observed;
  }
  for (const auto& route : pod_routes(*pods, node.network.veth_prefix)) {
    observed.pod_routes.push_back(route.address);
  }
  const auto managed = managed_enis(edges, node);
  if (!managed) {
    observed.enis = managed.error();
    return observed;
  }
  std::vector<ipam::ObservedEni> seen;
  for (const auto& eni : managed->enis) {
    seen.push_back({eni_facts(eni, {}), secondary_addresses(eni)});
  }
  observed.enis = std::move(seen);
  return observed;
}

ipam::Event adopt(const Edges& edges, const Node& node, const ipam::ObservedEni& seen,
                  const std::stop_token& stop) {
  const auto set_up = [&]() -> Result<ipam::EniReady> {
    aws::EniFilter filter;
    filter.ids = {seen.facts.id};
    VPCCNI_TRY(const auto enis, edges.ec2.network_interfaces(filter));
    if (enis.empty()) {
      return Error{Errc::not_found, "EC2 lists no " + to_string(seen.facts.id)};
    }
    VPCCNI_TRY(const auto subnet, subnet_cidr(edges, node, enis.front()));
    return set_up_attached(edges, node, enis.front(), subnet, stop);
  };
  auto ready = set_up();
  if (!ready) {
    return ipam::AdoptFailed{seen.facts.id, std::move(ready).error()};
  }
  return *std::move(ready);
}

}  // namespace vpccni::agent
