#pragma once
// Pods with a branch ENI (security groups for pods): what of ADD and DEL is different for them
// (spec dataplane.md 1.7 to 1.9).

#include <optional>

#include "cmd/cni_pod.h"
#include "podnet/branch.h"
#include "rpc/wire.pb.h"

namespace vpccni::cmd {

/// Wires the pod as the agent's reply says, whose PodVlanId is not 0.
Result<cni::Added> wire_branch_pod(const PodCall& call, const ::rpc::AddNetworkReply& reply);

/// What an ADD of ours wrote into prevResult; nullopt: this pod has no branch ENI, nobody wrote, or
/// it cannot be used, which the log says: a DEL that failed would fail for ever.
std::optional<podnet::BranchRoute> branch_of_result(const PodCall& call);
/// The same from the agent's answer to a DEL.
Result<podnet::BranchRoute> branch_of_reply(const PodCall& call,
                                            const ::rpc::DelNetworkReply& reply);

/// Without the pod's namespace there is nothing to do: its veth is gone, and the VLAN may be a
/// newer pod's of the same name.
Result<> unwire_branch_pod(const PodCall& call, const podnet::BranchRoute& route);

}  // namespace vpccni::cmd
