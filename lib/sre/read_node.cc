#include "sre/read_node.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>
#include <future>

#include "base/files.h"
#include "cni/conflist.h"
#include "linux/iptables_variant.h"
#include "linux/sysctls.h"
#include "podnet/pod.h"
#include "settings/entrypoint.h"
#include "settings/settings.h"
#include "sre/host_files.h"
#include "sre/impatient.h"
#include "sre/pod_inside.h"
#include "sre/read_checkpoint.h"
#include "sre/read_cloud.h"

namespace vpccni::sre {

namespace {

constexpr auto kAgentPatience = std::chrono::milliseconds(1000);
constexpr std::size_t kPageLimit = std::size_t{16} << 20U;

class AgentPages {
 public:
  explicit AgentPages(std::string address)
      : client_(http::make_curl_client({.user_agent = "vpccni"}), kAgentPatience),
        address_(std::move(address)) {}

  Result<base::Json> get(const std::string& page) {
    constexpr std::string_view kUnix = "unix:";
    http::Request request;
    const bool local = address_.starts_with(kUnix);
    request.url = "http://" + (local ? "agent" : address_) + page;
    request.unix_socket = local ? address_.substr(kUnix.size()) : "";
    request.proxy = false;
    request.body_limit = kPageLimit;
    VPCCNI_TRY(const auto response, client_.send(request, {}));
    if (response.status != 200) {
      return Error{Errc::unavailable,
                   page + ": the agent answers " + std::to_string(response.status)};
    }
    return base::parse_json(response.body, {.bytes = kPageLimit});
  }

 private:
  Impatient client_;
  std::string address_;
};

PodRow row_of(const base::Json& page) {
  PodRow row;
  row.held.pod = {base::string_member(page, "namespace"), base::string_member(page, "name"), 1};
  row.held.key = {"aws-cni", base::string_member(page, "containerID"),
                  base::string_member(page, "ifName")};
  if (const auto address = net::Ip::parse(base::string_member(page, "address"))) {
    row.held.address = *address;
  }
  row.eni = net::EniId(base::string_member(page, "eni"));
  row.table =
      net::TableId(static_cast<std::uint32_t>(base::integer_member(page, "table").value_or(254)));
  row.quarantined = base::bool_member(page, "quarantined").value_or(false);
  row.interface = static_cast<int>(base::integer_member(page, "interface").value_or(0));
  row.in_agent = true;
  return row;
}

void read_agent(const settings::Settings& set, NodeView& view) {
  AgentPages pages(set.introspection_bind_address);
  auto pods = pages.get("/v1/pods");
  if (!pods) {
    view.agent_trouble = pods.error().message;
    return;
  }
  if (pods->is_array()) {
    for (const auto& one : *pods) {
      view.pods.push_back(row_of(one));
    }
  }
  if (const auto enis = pages.get("/v1/enis")) {
    for (const auto& card : *enis) {
      if (const auto* all = base::find_member(card, "ENIs")) {
        for (const auto& [id, eni] : all->items()) {
          view.agent_enis.insert(net::EniId(id));
          if (base::bool_member(eni, "IsTrunk").value_or(false)) {
            view.trunks.insert(net::EniId(id));
          }
        }
      }
    }
  }
  const auto get = [&](const char* page) { return pages.get(page).value_or(base::Json()); };
  view.plan = get("/v1/plan");
  view.failures = get("/v1/failures");
  view.targets = get("/v1/targets");
  view.fips = get("/v1/fips");
  const auto network = get("/v1/networkutils-env-settings");
  auto& wanted = view.wanted.network;
  wanted.external_snat = base::bool_member(network, "AWS_VPC_K8S_CNI_EXTERNALSNAT").value_or(false);
  wanted.node_port_support =
      base::bool_member(network, "AWS_VPC_CNI_NODE_PORT_SUPPORT").value_or(true);
  if (const auto prefix = base::string_member(network, "AWS_VPC_K8S_CNI_VETHPREFIX");
      !prefix.empty()) {
    wanted.veth_prefix = prefix;
  }
}

void read_startup(const settings::Settings& set, NodeView& view) {
  const auto path = std::filesystem::path(set.backing_store).parent_path() / base::kStartupFileName;
  if (const auto bytes = base::read_file(path.string())) {
    view.startup = base::parse_startup(*bytes);
  }
}

/// The ENI's address and subnet in the pods' family; nullopt: it has none, or IMDS does not show
/// it.
std::optional<std::pair<net::Ip, net::Cidr>> place_of(const aws::ImdsEni& eni, net::Family family) {
  const auto& addresses = family == net::Family::v6 ? eni.ipv6_addresses : eni.addresses;
  const auto& subnet = family == net::Family::v6 ? eni.subnet_ipv6 : eni.subnet_ipv4;
  return addresses.empty() || !subnet ? std::nullopt
                                      : std::optional(std::pair(addresses.front(), *subnet));
}

/// What the kernel should hold, from pods and ENIs.
void derive_wanted(const settings::Settings& set, NodeView& view) {
  auto& wanted = view.wanted;
  // The pods know it, also where this environment is not the agent's.
  wanted.network.family = !view.pods.empty() ? view.pods.front().held.address.family()
                          : set.enable_ipv6  ? net::Family::v6
                                             : net::Family::v4;
  wanted.network.mark = set.connmark;
  std::map<net::EniId, net::TableId> tables;
  for (const auto& eni : view.enis) {
    const auto place = place_of(eni, wanted.network.family);
    if (eni.mac == view.primary_mac || !place) {
      continue;
    }
    if (view.agent_answers() && !view.agent_enis.contains(eni.id)) {
      continue;  // not managed, or not yet set up
    }
    const auto table = podnet::route_table(eni.card, place->first, eni.device, 64);
    if (!table) {
      continue;
    }
    tables[eni.id] = table->table;
    wanted.enis.push_back({.mac = eni.mac,
                           .ip = place->first,
                           .subnet = place->second,
                           .table = table->table,
                           .mtu = set.eni_mtu,
                           .trunk = view.trunks.contains(eni.id),
                           .rule_exists = table->rule_exists});
  }
  for (auto& row : view.pods) {
    const auto* eni = eni_of(view.enis, row.held.address);
    if (!row.in_agent && eni != nullptr) {
      row.eni = eni->id;
      const auto table = tables.find(eni->id);
      row.table = table == tables.end() ? net::kMainTable : table->second;
    }
    row.host_veth = podnet::host_veth_name(wanted.network.veth_prefix, row.held.pod.name_space,
                                           row.held.pod.name, row.interface);
    wanted.pods.push_back({row.held.address, row.table, row.host_veth});
  }
}

void read_kernel(NodeView& view) {
  auto seen = podnet::read_host(view.wanted);
  if (seen) {
    view.kernel = *std::move(seen);
  } else {
    view.kernel_trouble = seen.error().message;
  }
  const auto variant = linux::detect_variant();
  const auto iptables = linux::iptables_of(variant, view.wanted.network.family);
  view.iptables_variant = to_string(variant);
  view.other_nat = linux::nat_of_other(variant, view.wanted.network.family);
  auto nat = iptables.save("nat");
  auto mangle = iptables.save("mangle");
  if (nat && mangle) {
    view.nat = *std::move(nat);
    view.mangle = *std::move(mangle);
  } else {
    view.iptables_trouble = nat ? mangle.error().message : nat.error().message;
  }
  std::vector<std::string> names = {
      "net/ipv4/ip_forward",
      "net/ipv4/conf/all/rp_filter",
      "net/ipv4/neigh/default/gc_thresh3",
      "net/ipv4/tcp_early_demux",
      "net/netfilter/nf_conntrack_count",
      "net/netfilter/nf_conntrack_max",
      "net/netfilter/nf_conntrack_tcp_timeout_syn_sent",
  };
  for (const auto& link : view.kernel.links) {
    if (link.mac == view.primary_mac) {
      names.push_back("net/ipv4/conf/" + link.name + "/rp_filter");
    }
  }
  for (const auto& name : names) {
    if (const auto value = linux::sysctl(name)) {
      view.parameters[name] = *value;
    }
  }
}

void read_files(const Sources& sources, NodeView& view) {
  const auto set = settings::load_entrypoint(sources.environment);
  view.conflist_path = set.conf_dir + "/" + cni::kConflistName;
  std::error_code failed;
  view.has_conf_dir = std::filesystem::is_directory(set.conf_dir, failed);
  if (const auto text = base::read_file(view.conflist_path, std::size_t{1} << 20U)) {
    view.conflist = *text;
  }
  for (const auto& entry : std::filesystem::directory_iterator(set.conf_dir, failed)) {
    const auto extension = entry.path().extension();
    if (extension == ".conf" || extension == ".conflist" || extension == ".json") {
      const auto name = entry.path().filename().string();
      if (view.first_conflist.empty() || name < view.first_conflist) {
        view.first_conflist = name;
      }
    }
  }
  view.node_root = sources.node_root;
  view.networkd_keeps_rules = networkd_keeps_rules(sources.node_root);
  view.plugin_trouble = compare_plugin(set.bin_dir);
  struct statvfs disk {};
  const auto directory = std::filesystem::path(view.checkpoint_path).parent_path().string();
  view.disk_used_percent = -1;
  if (statvfs(directory.c_str(), &disk) == 0 && disk.f_blocks > 0) {
    view.disk_used_percent =
        static_cast<int>(100 - disk.f_bavail * 100 / static_cast<unsigned long>(disk.f_blocks));
  }
}

}  // namespace

NodeView read_node(const Sources& sources) {
  NodeView view;
  std::vector<settings::Note> notes;
  const auto set = settings::load(sources.environment, notes);
  view.wanted.network.external_snat = set.external_snat;
  view.wanted.network.node_port_support = set.node_port_support;
  view.wanted.network.veth_prefix = set.veth_prefix;
  view.wanted.network.strict_branches = set.strict_branches();
  view.cooldown_seconds = set.ip_cooldown_seconds;
  auto api = sources.api_server ? std::async(std::launch::async, [&] { return ask_api(sources); })
                                : std::future<ApiSeen>();
  read_agent(set, view);
  read_checkpoint(set.backing_store, view);
  read_startup(set, view);
  if (sources.imds) {
    read_imds(sources, view);
    ask_ec2(sources, view);
  } else {
    view.imds_trouble = "not asked";
  }
  std::sort(view.pods.begin(), view.pods.end(), [](const PodRow& a, const PodRow& b) {
    return std::tie(a.held.pod.name_space, a.held.pod.name, a.held.address) <
           std::tie(b.held.pod.name_space, b.held.pod.name, b.held.address);
  });
  derive_wanted(set, view);
  read_kernel(view);
  look_into_pods(view);
  read_files(sources, view);
  if (api.valid()) {
    const auto seen = api.get();
    view.api_trouble = seen.trouble;
    view.api_by_proxy = seen.by_proxy;
    view.missing_eni_config = seen.missing_eni_config;
  }
  return view;
}

}  // namespace vpccni::sre
