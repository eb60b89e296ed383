#include "agent/rpc_service.h"

#include "linux/socket_owner.h"
#include "podnet/pod.h"

namespace vpccni::agent {

namespace {

void set_address(::rpc::IPAllocationMetadata& out, const net::Ip& address) {
  (address.is_v4() ? *out.mutable_ipv4addr() : *out.mutable_ipv6addr()) = to_string(address);
}

void fill(::rpc::IPAllocationMetadata& out, const ipam::Lease& lease) {
  set_address(out, lease.address);
  out.set_devicenumber(lease.device.value());
  out.set_routetableid(static_cast<std::int32_t>(lease.table.value()));
}

/// What does not depend on the pod.
void fill(::rpc::AddNetworkReply& reply, const ReplyFacts& facts, bool v6) {
  reply.set_useexternalsnat(facts.external_snat && !v6);
  for (const auto& cidr : facts.vpc_cidrs) {
    v6 ? reply.add_vpcv6cidrs(to_string(cidr)) : reply.add_vpcv4cidrs(to_string(cidr));
  }
  if (!facts.external_snat && !v6) {
    for (const auto& cidr : facts.snat_exclusions) {
      reply.add_vpcv4cidrs(to_string(cidr));
    }
  }
  reply.set_networkpolicymode(facts.network_policy_mode);
}

}  // namespace

Result<ipam::PodAdd> to_event(const ::rpc::AddNetworkRequest& request, ipam::Token token,
                              const ReplyFacts& facts) {
  if (request.requiresmultinicattachment() && !facts.multi_nic) {
    return Error{Errc::unsupported,
                 "MULTI_NIC_OFF: the pod asks for multi-nic-attachment, which is not enabled"};
  }
  if (request.containerid().empty() || request.ifname().empty() || request.networkname().empty()) {
    return Error{Errc::invalid_argument,
                 "INVALID_REQUEST: ContainerID, IfName and NetworkName are required"};
  }
  ipam::PodAdd event;
  event.token = token;
  event.key = {request.networkname(), request.containerid(), request.ifname()};
  event.pod = {request.k8s_pod_namespace(), request.k8s_pod_name(), 1};
  return event;
}

ipam::PodDel to_event(const ::rpc::DelNetworkRequest& request, ipam::Token token,
                      const ReplyFacts& facts) {
  ipam::PodDel event;
  event.token = token;
  event.key = {request.networkname(), request.containerid(), request.ifname()};
  for (int i = 0; i < facts.network_cards && !request.k8s_pod_name().empty(); ++i) {
    auto veth = podnet::host_veth_name(facts.veth_prefix, request.k8s_pod_namespace(),
                                       request.k8s_pod_name(), i);
    const auto mac = podnet::host_veth_mac(request.containerid(),
                                           podnet::container_link_name(request.ifname(), i));
    event.host_links.push_back(veth + "/" + to_string(mac));
    event.host_links.push_back(std::move(veth));
  }
  return event;
}

::rpc::AddNetworkReply failure(const std::string& reason) {
  ::rpc::AddNetworkReply reply;
  reply.set_success(false);
  reply.set_failurereason(reason);
  return reply;
}

::rpc::AddNetworkReply to_reply(const ipam::PodAdded& answer, const ReplyFacts& facts) {
  if (const auto* none = std::get_if<ipam::AddFailure>(&answer.answer)) {
    return failure(none->reason + ": " + none->detail);
  }
  ::rpc::AddNetworkReply reply;
  reply.set_success(true);
  const auto& leases = std::get<std::vector<ipam::Lease>>(answer.answer);
  for (const auto& lease : leases) {
    fill(*reply.add_ipallocationmetadata(), lease);
  }
  fill(reply, facts, !leases.front().address.is_v4());
  return reply;
}

::rpc::AddNetworkReply to_reply(const BranchEni& eni, net::IfIndex trunk, const ReplyFacts& facts) {
  ::rpc::AddNetworkReply reply;
  reply.set_success(true);
  auto& entry = *reply.add_ipallocationmetadata();
  set_address(entry, eni.address);
  entry.set_devicenumber(-1);
  fill(reply, facts, !eni.address.is_v4());
  reply.set_podvlanid(eni.vlan.value());
  reply.set_podenimac(to_string(eni.mac));
  reply.set_podenisubnetgw(to_string(eni.gateway));
  reply.set_parentifindex(trunk.value());
  return reply;
}

/// Upstream leaves the address out in an IPv6 cluster (Q20).
::rpc::DelNetworkReply to_del_reply(const BranchEni& eni, const ReplyFacts& facts) {
  ::rpc::DelNetworkReply reply;
  reply.set_success(true);
  set_address(*reply.add_ipallocationmetadata(), eni.address);
  reply.set_podvlanid(eni.vlan.value());
  reply.set_networkpolicymode(facts.network_policy_mode);
  return reply;
}

DelAnswer to_reply(const ipam::PodDeleted& answer, const ReplyFacts& facts) {
  DelAnswer out;
  if (!answer.answer) {
    out.status = {rpc::Code::unknown,
                  "1 error occurred:\n\t* " + answer.answer.error().message + "\n\n"};
    return out;
  }
  out.reply.set_success(true);
  for (const auto& lease : *answer.answer) {
    fill(*out.reply.add_ipallocationmetadata(), lease);
  }
  out.reply.set_networkpolicymode(facts.network_policy_mode);
  return out;
}

rpc::Status may_change(int fd) {
  const auto owner = linux::tcp_peer_owner(fd);
  if (!owner) {
    return {rpc::Code::permission_denied,
            "only root may add and delete pods over TCP, and who calls cannot be found out: " +
                owner.error().message};
  }
  if (*owner && **owner != 0) {
    return {rpc::Code::permission_denied, "only root may add and delete pods over TCP, not uid " +
                                              std::to_string(**owner) +
                                              "; VPCCNI_RPC_PEERS=any lets everybody"};
  }
  return {};
}

}  // namespace vpccni::agent
