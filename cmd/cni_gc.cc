#include "base/files.h"
#include "cmd/cni_pod.h"
#include "ipam/checkpoint.h"
#include "podnet/pod.h"
#include "rpc/release_journal.h"

namespace vpccni::cmd {

namespace {

/// The default of AWS_VPC_K8S_CNI_BACKING_STORE; the plugin sees nothing of the agent's settings.
constexpr std::string_view kCheckpoint = "/var/run/aws-node/ipam.json";

/// An ADD may be under way although the runtime's list does not name it yet. The kubelet
/// gives a sandbox twice its runtimeRequestTimeout: 4 minutes as it comes.
constexpr auto kYoung = std::chrono::minutes(5);

/// What the checkpoint holds for this network, and the runtime does not know.
std::vector<ipam::Assignment> unknown_to_runtime(const std::vector<ipam::Assignment>& held,
                                                 const std::string& network,
                                                 const std::set<cni::Attachment>& valid,
                                                 base::WallTime now) {
  std::vector<ipam::Assignment> out;
  for (const auto& one : held) {
    const bool settled = one.since <= now && now - one.since > kYoung;
    if (one.key.network == network && settled && !one.pod.name.empty() &&
        !valid.contains({one.key.container, one.key.ifname})) {
      out.push_back(one);
    }
  }
  return out;
}

::rpc::DelNetworkRequest del_of(const ipam::Assignment& one) {
  ::rpc::DelNetworkRequest out;
  out.set_k8s_pod_name(one.pod.name);
  out.set_k8s_pod_namespace(one.pod.name_space);
  out.set_k8s_pod_infra_container_id(one.key.container);
  out.set_reason("GarbageCollected");
  out.set_ifname(one.key.ifname);
  out.set_networkname(one.key.network);
  out.set_containerid(one.key.container);
  return out;
}

}  // namespace

Result<> collect_garbage(const cni::Request& request, const base::Log& log, base::WallTime now) {
  VPCCNI_TRY(const auto valid, cni::parse_valid_attachments(request.config));
  const auto bytes = base::read_file(std::string(kCheckpoint));
  if (!bytes && bytes.error().code == Errc::not_found) {
    return {};
  }
  VPCCNI_CHECK(bytes);
  VPCCNI_TRY(const auto held, wrap(ipam::parse_checkpoint(*bytes), std::string(kCheckpoint)));
  const auto unknown = unknown_to_runtime(held, request.network_name, valid, now);
  std::vector<podnet::PodTrace> traces;
  for (const auto& one : unknown) {
    traces.push_back({one.address, one.pod.name_space, one.pod.name,
                      podnet::host_veth_mac(one.key.container, one.key.ifname)});
  }
  VPCCNI_TRY(const auto gone, podnet::vanished(traces));
  const rpc::ReleaseJournal journal;
  for (const std::size_t i : gone) {
    log.info("a pod that the runtime does not know is gone; its address goes back",
             {{"pod", traces[i].name_space + "/" + traces[i].name},
              {"containerID", unknown[i].key.container},
              {"address", to_string(traces[i].address)}});
    VPCCNI_CHECK(journal.put(del_of(unknown[i])));
  }
  return {};
}

}  // namespace vpccni::cmd
