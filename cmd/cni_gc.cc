#include <algorithm>
#include <filesystem>

#include "base/files.h"
#include "cmd/cni_pod.h"
#include "ipam/checkpoint.h"
#include "ipam/checkpoint_files.h"
#include "podnet/pod.h"
#include "rpc/release_journal.h"

namespace vpccni::cmd {

namespace {

/// The default of AWS_VPC_K8S_CNI_BACKING_STORE; the plugin sees nothing of the agent's settings.
constexpr std::string_view kCheckpoint = "/var/run/aws-node/ipam.json";

/// An ADD may be under way although the runtime's list does not name it yet. The kubelet
/// gives a sandbox twice its runtimeRequestTimeout: 4 minutes as it comes.
constexpr auto kYoung = std::chrono::minutes(5);

/// A pod of the checkpoints: its entries, at most one of each network card, by card.
using Held = std::map<ipam::PodKey, std::vector<ipam::Assignment>>;

/// What the checkpoints of all network cards hold; nothing where there are none. One that cannot be
/// read is an error: it may name another interface of any pod.
Result<Held> read_checkpoints() {
  const std::filesystem::path first(kCheckpoint);
  const ipam::CheckpointFiles names{first.filename().string()};
  std::map<net::NetworkCard, std::string> files;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(first.parent_path(), none)) {
    if (const auto card = names.card_of(entry.path().filename().string())) {
      files[*card] = entry.path().string();
    }
  }
  Held held;
  for (const auto& [card, file] : files) {
    VPCCNI_TRY(const auto bytes, base::read_file(file));
    VPCCNI_TRY(const auto entries, wrap(ipam::parse_checkpoint(bytes), file));
    for (const auto& one : entries) {
      held[one.key].push_back(one);
    }
  }
  return held;
}

/// Is it of this network, and unknown to the runtime, with all its entries?
bool unknown_to_runtime(const std::vector<ipam::Assignment>& entries, const std::string& network,
                        const std::set<cni::Attachment>& valid, base::WallTime now) {
  return std::all_of(entries.begin(), entries.end(), [&](const ipam::Assignment& one) {
    const bool settled = one.since <= now && now - one.since > kYoung;
    return one.key.network == network && settled && !one.pod.name.empty() &&
           !valid.contains({one.key.container, one.key.ifname});
  });
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
  VPCCNI_TRY(auto held, read_checkpoints());
  std::erase_if(held, [&](const auto& pod) {
    return !unknown_to_runtime(pod.second, request.network_name, valid, now);
  });
  std::vector<podnet::PodTrace> traces;
  std::vector<ipam::PodKey> whose;
  for (const auto& [key, entries] : held) {
    for (const auto& one : entries) {
      traces.push_back({one.address, one.pod.name_space, one.pod.name,
                        podnet::host_veth_mac(key.container, key.ifname)});
      whose.push_back(key);
    }
  }
  VPCCNI_TRY(const auto gone, podnet::vanished(traces));
  std::map<ipam::PodKey, std::size_t> interfaces_gone;
  for (const std::size_t i : gone) {
    ++interfaces_gone[whose[i]];
  }
  const rpc::ReleaseJournal journal;
  for (const auto& [key, entries] : held) {
    if (interfaces_gone[key] < entries.size()) {
      continue;  // something of it is still there
    }
    const auto& one = entries.front();
    log.info("a pod that the runtime does not know is gone; its address goes back",
             {{"pod", one.pod.name_space + "/" + one.pod.name},
              {"containerID", key.container},
              {"address", to_string(one.address)}});
    VPCCNI_CHECK(journal.put(del_of(one)));
  }
  return {};
}

}  // namespace vpccni::cmd
