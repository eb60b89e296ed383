#include "cmd/cni_pod.h"

#include <array>

#include "base/files.h"
#include "base/startup_file.h"
#include "base/text.h"
#include "cmd/cni_branch.h"
#include "linux/netns.h"
#include "podnet/pod.h"
#include "rpc/client.h"
#include "rpc/release_journal.h"
#include "rpc/wire.pb.h"

namespace vpccni::cmd {

namespace {

using std::chrono::seconds;

// 1.23's address first: it says by itself whether an agent is there. 1.21's second.
constexpr std::array<std::string_view, 2> kAgents = {"unix:///var/run/aws-node/ipamd.sock",
                                                     "127.0.0.1:50051"};
constexpr std::string_view kRunDirectory = "/var/run/aws-node/";
constexpr std::string_view kAddNetwork = "/rpc.CNIBackend/AddNetwork";
constexpr std::string_view kDelNetwork = "/rpc.CNIBackend/DelNetwork";
constexpr std::string_view kPolicyAgent = "unix:///var/run/aws-node/npa.sock";
constexpr std::string_view kEnforcePolicy = "/rpc.NPBackend/EnforceNpToPod";
constexpr std::string_view kDeletePolicy = "/rpc.NPBackend/DeletePodNp";
constexpr std::string_view kUnknownPod = "datastore: unknown pod";

/// Upstream sets no deadline; the runtime gives up after minutes. An agent that answers at all
/// answers within a checkpoint write.
rpc::CallOptions call_options() {
  return {.connect_timeout = seconds(5), .deadline = seconds(30)};
}

/// Where the agent's start is or how it ended, as it says itself; "" if it says nothing.
std::string last_word_of_agent() {
  const auto bytes =
      base::read_file(std::string(kRunDirectory) + std::string(base::kStartupFileName), 65536);
  const auto file = bytes ? base::parse_startup(*bytes) : std::nullopt;
  return file ? "; last startup step: " + to_sentence(*file) : std::string();
}

/// One unary call at the first address where somebody listens.
template <class Reply, class Request>
Result<Reply> ask_agent(std::string_view method, const Request& request) {
  const std::string bytes = request.SerializeAsString();
  std::optional<Error> refused;
  for (const auto address : kAgents) {
    auto answer = rpc::call(std::string(address), std::string(method), bytes, call_options());
    if (!answer) {
      refused = std::move(answer).error();
      if (refused->cause == "ENOENT" || refused->cause == "ECONNREFUSED" ||
          refused->cause == "ENETUNREACH") {
        continue;
      }
      return *std::move(refused);
    }
    if (answer->status.code != rpc::Code::ok) {
      return Error{Errc::internal, answer->status.message};
    }
    Reply reply;
    if (!reply.ParseFromString(answer->bytes)) {
      return Error{Errc::corrupt, "the agent's reply is no protobuf message of its type"};
    }
    return reply;
  }
  return Error{Errc::unavailable,
               "AGENT_DOWN: nobody listens at " + std::string(kAgents[0]) + " or " +
                   std::string(kAgents[1]) + last_word_of_agent() +
                   "; see the aws-node pod of this node (" +
                   (refused ? refused->message : std::string()) + ")",
               "AGENT_DOWN"};
}

::rpc::AddNetworkRequest add_request(const PodCall& call) {
  ::rpc::AddNetworkRequest out;
  out.set_k8s_pod_name(call.args.pod);
  out.set_k8s_pod_namespace(call.args.name_space);
  out.set_k8s_pod_infra_container_id(call.args.infra_container_id);
  out.set_netns(call.request.netns);
  out.set_ifname(call.request.ifname);
  out.set_networkname(call.request.network_name);
  out.set_containerid(call.request.container_id);
  out.set_requiresmultinicattachment(call.config.multi_nic);
  out.set_k8s_pod_uid(call.args.uid);
  return out;
}

::rpc::DelNetworkRequest del_request(const PodCall& call, std::string_view reason) {
  ::rpc::DelNetworkRequest out;
  out.set_k8s_pod_name(call.args.pod);
  out.set_k8s_pod_namespace(call.args.name_space);
  out.set_k8s_pod_infra_container_id(call.args.infra_container_id);
  out.set_reason(std::string(reason));
  out.set_ifname(call.request.ifname);
  out.set_networkname(call.request.network_name);
  out.set_containerid(call.request.container_id);
  return out;
}

std::string host_veth(const PodCall& call, int index) {
  return podnet::host_veth_name(call.config.veth_prefix, call.args.name_space, call.args.pod,
                                index);
}

Result<net::Ip> entry_address(const ::rpc::IPAllocationMetadata& entry) {
  const std::string& text = entry.ipv4addr().empty() ? entry.ipv6addr() : entry.ipv4addr();
  return wrap(net::Ip::parse(text), "the agent's reply");
}

/// Table 0 and 1 mean main, as old agents said it.
net::TableId entry_table(int table) {
  return table > 1 ? net::TableId(static_cast<std::uint32_t>(table)) : net::kMainTable;
}

Result<std::vector<podnet::PodLink>> pod_links(const PodCall& call,
                                               const ::rpc::AddNetworkReply& reply) {
  if (reply.ipallocationmetadata().empty()) {
    return Error{Errc::corrupt, "the agent's reply holds no address"};
  }
  std::vector<podnet::PodLink> links;
  for (const auto& entry : reply.ipallocationmetadata()) {
    podnet::PodLink link;
    link.index = static_cast<int>(links.size());
    VPCCNI_TRY(link.address, entry_address(entry));
    link.host_veth = host_veth(call, link.index);
    link.container_link = podnet::container_link_name(call.request.ifname, link.index);
    link.host_mac = podnet::host_veth_mac(call.request.container_id, link.container_link);
    link.mtu = call.config.mtu;
    link.table = entry_table(entry.routetableid());
    links.push_back(std::move(link));
  }
  return links;
}

Result<cni::Added> wire_pod(const PodCall& call, const ::rpc::AddNetworkReply& reply) {
  VPCCNI_TRY(const auto links, pod_links(call, reply));
  VPCCNI_CHECK(podnet::attach_pod(call.request.netns, links));
  cni::Added added;
  for (const auto& link : links) {
    added.interfaces.push_back(
        {link.host_veth, link.container_link, call.request.netns, link.address, link.table});
  }
  added.dummy = podnet::dummy_name(call.args.name_space, call.args.pod);
  added.device = reply.ipallocationmetadata(0).devicenumber();
  return added;
}

void give_back(const PodCall& call) {
  auto reply = ask_agent<::rpc::DelNetworkReply>(kDelNetwork, del_request(call, "SetupNSFailed"));
  if (!reply) {
    call.log.warn("the agent could not take the address back; the runtime's DEL will",
                  {{"error", reply.error().message}});
  }
}

/// 1.10: what an ADD of ours wrote into the result is enough to take rules and route away.
std::vector<podnet::PodRoute> routes_of_result(const PodCall& call) {
  std::vector<podnet::PodRoute> routes;
  if (!call.prev_result) {
    return routes;
  }
  const auto& result = *call.prev_result;
  const auto dummy =
      find_interface(result, podnet::dummy_name(call.args.name_space, call.args.pod));
  if (!dummy || result.interfaces[*dummy].mac != "0") {
    return routes;
  }
  const std::string& device = result.interfaces[*dummy].sandbox;
  for (int index = 0;; ++index) {
    const auto at = find_interface(result, podnet::container_link_name(call.request.ifname, index));
    if (!at) {
      return routes;
    }
    // 1.19 and older wrote the ENI's device number beside the dummy, and no table.
    const std::string& table = result.interfaces[*at].mac;
    const auto number = base::parse_integer<int>(table.empty() ? device : table);
    if (!number || *number < 0) {
      call.log.warn("prevResult: not a route table", {{"mac", table}, {"sandbox", device}});
      return routes;
    }
    const int id = table.empty() ? (*number == 0 ? 254 : *number + 1) : *number;
    for (const auto& ip : result.ips) {
      if (ip.interface && static_cast<std::size_t>(*ip.interface) == *at) {
        routes.push_back({ip.address, entry_table(id), host_veth(call, index)});
      }
    }
  }
}

/// Hands the pod to the network policy agent before its first packet (spec dataplane.md 1.5, step
/// 7). On failure nothing is undone: the runtime's DEL does that.
Result<> enforce_policy(const PodCall& call, const ::rpc::AddNetworkReply& reply) {
  ::rpc::EnforceNpRequest request;
  request.set_k8s_pod_name(call.args.pod);
  request.set_k8s_pod_namespace(call.args.name_space);
  request.set_network_policy_mode(reply.networkpolicymode());
  request.set_interfacecount(reply.ipallocationmetadata_size());
  const auto answer = rpc::call(std::string(kPolicyAgent), std::string(kEnforcePolicy),
                                request.SerializeAsString(), {.connect_timeout = seconds(2)});
  ::rpc::EnforceNpReply done;
  if (answer && answer->status.code == rpc::Code::ok && done.ParseFromString(answer->bytes) &&
      done.success()) {
    return {};
  }
  return Error{Errc::unavailable,
               "add cmd: failed to setup network policy: " +
                   (!answer ? answer.error().message
                            : "the policy agent refuses: " + answer->status.message)};
}

/// Step 6 of DEL: only a policy agent that cannot be reached is an error.
Result<> delete_policy(const PodCall& call) {
  ::rpc::DeleteNpRequest request;
  request.set_k8s_pod_name(call.args.pod);
  request.set_k8s_pod_namespace(call.args.name_space);
  const auto answer = rpc::call(std::string(kPolicyAgent), std::string(kDeletePolicy),
                                request.SerializeAsString(), {.connect_timeout = seconds(2)});
  if (!answer) {
    return wrap(answer.error(), "del cmd: failed to connect to network policy agent");
  }
  if (answer->status.code != rpc::Code::ok) {
    call.log.warn("the policy agent did not forget the pod", {{"error", answer->status.message}});
  }
  return {};
}

Result<> all_there(const std::vector<std::string>& missing) {
  if (!missing.empty()) {
    return Error{Errc::not_found, "missing: " + base::join(missing, "; ")};
  }
  return {};
}

}  // namespace

Result<cni::Added> add_pod(const PodCall& call) {
  // Before an address is taken: a sandbox that is gone is the runtime's fault and common.
  if (auto netns = linux::Netns::open(call.request.netns); !netns) {
    return wrap(std::move(netns).error(), "add cmd: network namespace of the pod");
  }
  // A DEL of this sandbox that the agent has not seen yet must not take the address away again.
  VPCCNI_CHECK(wrap(rpc::ReleaseJournal().forget(call.request.container_id, call.request.ifname),
                    "add cmd: an older DEL of this sandbox stays in the release journal"));
  auto reply = ask_agent<::rpc::AddNetworkReply>(kAddNetwork, add_request(call));
  if (!reply) {
    const bool down = reply.error().cause == "AGENT_DOWN";
    return wrap(std::move(reply).error(),
                down ? "add cmd: failed to connect to backend server"
                     : "add cmd: Error received from AddNetwork gRPC call");
  }
  if (!reply->success()) {
    const std::string& reason = reply->failurereason();
    return Error{Errc::exhausted, "add cmd: failed to assign an IP address to container" +
                                      (reason.empty() ? std::string() : ": " + reason)};
  }
  auto added = reply->podvlanid() != 0 ? wire_branch_pod(call, *reply) : wire_pod(call, *reply);
  if (!added) {
    give_back(call);
    return wrap(std::move(added).error(), "add command: failed to setup network");
  }
  if (!reply->networkpolicymode().empty()) {
    VPCCNI_CHECK(enforce_policy(call, *reply));
  }
  return added;
}

Result<> check_pod(const PodCall& call) {
  if (const auto branch = branch_of_result(call)) {
    VPCCNI_TRY(const auto missing,
               podnet::missing_of_branch_pod(call.request.netns, call.request.ifname, *branch));
    return all_there(missing);
  }
  const auto routes = routes_of_result(call);
  if (routes.empty()) {
    return Error{Errc::invalid_argument, "no prevResult of an ADD of this plugin"};
  }
  VPCCNI_TRY(const auto missing,
             podnet::missing_of_pod(call.request.netns, call.request.ifname, routes));
  return all_there(missing);
}

Result<> agent_serves() {
  VPCCNI_TRY(const auto answer, (ask_agent<::rpc::HealthCheckResponse>(
                                    "/grpc.health.v1.Health/Check", ::rpc::HealthCheckRequest())));
  if (answer.status() != ::rpc::HealthCheckResponse::SERVING) {
    return Error{Errc::unavailable, "the agent does not serve yet"};
  }
  return {};
}

Result<> del_pod(const PodCall& call) {
  // The branch ENI is the resource controller's: no agent has to be told.
  if (const auto known = branch_of_result(call)) {
    return wrap(unwire_branch_pod(call, *known), "del cmd: failed to delete with prevResult");
  }
  auto request = del_request(call, "PodDeleted");
  request.set_k8s_pod_uid(call.args.uid);
  auto reply = ask_agent<::rpc::DelNetworkReply>(kDelNetwork, request);
  if (!reply) {
    if (reply.error().message.find(kUnknownPod) != std::string::npos) {
      call.log.info("the agent does not know the pod: nothing to delete");
      return {};
    }
    // Before anything is taken away: should this process die here, the runtime calls again.
    if (auto written = rpc::ReleaseJournal().put(request); !written) {
      call.log.error(
          "the DEL is not in the release journal; the agent frees the address when it "
          "starts and finds the pod's link gone",
          {{"error", written.error().message}});
    }
    const auto routes = routes_of_result(call);
    call.log.warn("the agent does not answer; rules and routes go by prevResult",
                  {{"error", reply.error().message}, {"addresses", std::to_string(routes.size())}});
    if (auto gone = podnet::detach_pod(routes); !gone) {
      call.log.error("rules or routes are left", {{"error", gone.error().message}});
    }
    return {};
  }
  if (!reply->success()) {
    return Error{Errc::internal, "del cmd: failed to process delete request"};
  }
  const std::string tear_down = "del cmd: failed on tear down pod network";
  if (reply->podvlanid() != 0) {
    VPCCNI_TRY(const auto branch, wrap(branch_of_reply(call, *reply), tear_down));
    VPCCNI_CHECK(wrap(unwire_branch_pod(call, branch), tear_down));
    return reply->networkpolicymode().empty() ? Result<>() : delete_policy(call);
  }
  std::vector<podnet::PodRoute> routes;
  for (const auto& entry : reply->ipallocationmetadata()) {
    if (auto address = entry_address(entry)) {
      routes.push_back({*address, entry_table(entry.routetableid()),
                        host_veth(call, static_cast<int>(routes.size()))});
    }
  }
  if (routes.empty()) {
    call.log.warn("the agent named no address");
  }
  VPCCNI_CHECK(wrap(podnet::detach_pod(routes), tear_down));
  return reply->networkpolicymode().empty() ? Result<>() : delete_policy(call);
}

}  // namespace vpccni::cmd
