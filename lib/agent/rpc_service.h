#pragma once
// The agent's RPC contract: wire messages to core events and back. Pure conversions, and the table
// of methods. Quirks that clients depend on are here (spec agent.md section 6).

#include <string>
#include <vector>

#include "agent/branch_eni.h"
#include "ipam/pools.h"
#include "net/ip.h"
#include "rpc/status.h"
#include "rpc/wire.pb.h"

namespace vpccni::agent {

/// Facts that go into every reply.
struct ReplyFacts {
  std::vector<net::Cidr> vpc_cidrs;
  std::vector<net::Cidr> snat_exclusions;
  bool external_snat = false;
  std::string network_policy_mode;
  std::string veth_prefix = "eni";
  bool multi_nic = false;
  int network_cards = 1;  // that are managed
};

/// Errors are failure replies (Success=false, status OK) with the reason.
Result<ipam::PodAdd> to_event(const ::rpc::AddNetworkRequest& request, ipam::Token token,
                              const ReplyFacts& facts);
ipam::PodDel to_event(const ::rpc::DelNetworkRequest& request, ipam::Token token,
                      const ReplyFacts& facts);

::rpc::AddNetworkReply to_reply(const ipam::PodAdded& reply, const ReplyFacts& facts);
::rpc::AddNetworkReply failure(const std::string& reason);

/// Of a pod with a branch ENI on the trunk whose link this is.
::rpc::AddNetworkReply to_reply(const BranchEni& eni, net::IfIndex trunk, const ReplyFacts& facts);
::rpc::DelNetworkReply to_del_reply(const BranchEni& eni, const ReplyFacts& facts);

/// An unknown pod is an RPC error whose text holds "datastore: unknown pod": plugins look for it.
struct DelAnswer {
  rpc::Status status;
  ::rpc::DelNetworkReply reply;
};
DelAnswer to_reply(const ipam::PodDeleted& reply, const ReplyFacts& facts);

/// The peer check of methods that change something: a Unix socket has its mode for that; over TCP
/// the peer's socket has to be of uid 0. `fd` is our end.
rpc::Status may_change(int fd);

}  // namespace vpccni::agent
