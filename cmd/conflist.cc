// vpccni conflist: writes the network configuration that makes the runtime use our plugins, and the
// node Ready. By the entrypoint when the agent serves, or by hand.

#include "cni/conflist.h"

#include "aws/session.h"
#include "base/files.h"
#include "base/text.h"
#include "cmd/command.h"
#include "settings/entrypoint.h"

namespace vpccni::cmd {

namespace {

constexpr unsigned kMode = 0644;
constexpr std::size_t kTemplateLimit = std::size_t{1} << 20U;

struct Call {
  bool check = false;
  bool print = false;
  std::string source = std::string("/app/") + cni::kConflistName;
  std::string directory;  // "": HOST_CNI_CONFDIR_PATH
};

Result<Call> parse(const std::vector<std::string>& args) {
  Call call;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const auto& arg = args[i];
    if (arg == "--check" || arg == "--print") {
      (arg == "--check" ? call.check : call.print) = true;
    } else if ((arg == "--template" || arg == "--to") && i + 1 < args.size()) {
      (arg == "--template" ? call.source : call.directory) = args[++i];
    } else {
      return Error{Errc::invalid_argument,
                   "unknown or incomplete argument \"" + arg.substr(0, 64) + "\""};
    }
  }
  return call;
}

/// The node's address of that family as IMDS has it; "" when it has none.
Result<std::string> node_address(const Invocation& invocation, const std::string& path, bool v4) {
  VPCCNI_TRY(const auto options, aws::session_options(invocation.environment));
  const auto client = http::make_curl_client({.user_agent = options.user_agent});
  aws::ImdsHttp imds(*client, invocation.clock, options.imds);
  VPCCNI_TRY(const auto text, imds.get(path));
  if (!text) {
    return std::string();
  }
  const auto first = base::words(*text);
  if (first.empty()) {
    return std::string();
  }
  VPCCNI_TRY(const auto address, wrap(net::Ip::parse(first.front()), "IMDS " + path));
  if (address.is_v4() != v4) {
    return Error{Errc::corrupt,
                 "IMDS " + path + ": " + to_string(address) + " is of the other family"};
  }
  return to_string(address);
}

/// Fills in what depends on the node. An IPv6 cluster needs the address, also with egress off; an
/// IPv4 cluster goes without IPv6 egress when IMDS fails.
Result<> find_egress(const Invocation& invocation, const settings::Entrypoint& set,
                     cni::ConflistValues& values) {
  if (set.ipv6) {
    VPCCNI_TRY(values.node_ip, node_address(invocation, "meta-data/local-ipv4", true));
    if (values.node_ip.empty()) {
      return Error{Errc::not_found, "IMDS has no meta-data/local-ipv4"};
    }
    values.egress = set.v4_egress;
    return {};
  }
  if (!set.v6_egress) {
    return {};
  }
  const auto address = node_address(invocation, "meta-data/ipv6", false);
  if (!address) {
    invocation.err << invocation.program << ": IPv6 egress is off: " << address.error().message
                   << "\n";
    return {};
  }
  if (address->empty()) {
    invocation.err << invocation.program << ": IPv6 egress is off: the node has no IPv6 address\n";
  }
  values.node_ip = *address;
  values.egress = !address->empty();
  return {};
}

Result<std::string> render(const Invocation& invocation, const settings::Entrypoint& set,
                           const std::string& source) {
  VPCCNI_TRY(const auto text, base::read_file(source, kTemplateLimit));
  cni::ConflistValues values{
      .veth_prefix = set.veth_prefix,
      .mtu = set.pod_mtu,
      .enforcing_mode = set.enforcing_mode,
      .plugin_log_file = set.plugin_log_file,
      .plugin_log_level = set.plugin_log_level,
      .randomize_snat = set.randomize_snat,
      .egress_log_file = set.ipv6 ? set.egress_v4_log_file : set.egress_v6_log_file,
      .ipv6 = set.ipv6,
      .bandwidth = set.bandwidth,
      .pods_without_ipv6 = set.pods_without_ipv6,
      .checks = set.checks};
  VPCCNI_CHECK(find_egress(invocation, set, values));
  return wrap(cni::fill_in_conflist(text, values), source);
}

Result<> write(const Invocation& invocation, const settings::Entrypoint& set, const Call& call) {
  VPCCNI_TRY(const auto text, render(invocation, set, call.source));
  if (call.print) {
    invocation.out << text;
    return {};
  }
  // The temporary file is in the directory itself: a runtime overlooks one moved in from elsewhere.
  const auto path =
      (call.directory.empty() ? set.conf_dir : call.directory) + "/" + cni::kConflistName;
  VPCCNI_CHECK(base::write_file_durably(path, text, kMode));
  invocation.out << "Installed " << path << "\n";
  return {};
}

}  // namespace

int run_conflist(const Invocation& invocation) {
  const auto call = parse(invocation.args);
  if (!call) {
    invocation.err << invocation.program << ": " << call.error().message
                   << "; usage: vpccni conflist [--check | --print] [--template FILE] [--to DIR]\n";
    return kUsage;
  }
  const auto set = settings::load_entrypoint(invocation.environment);
  for (const auto& warning : set.warnings) {
    invocation.err << invocation.program << ": " << warning << "\n";
  }
  for (const auto& refusal : set.refusals) {
    invocation.err << invocation.program << ": " << refusal << "\n";
  }
  if (!set.refusals.empty()) {
    return kFailed;
  }
  if (call->check) {
    return kDone;
  }
  if (const auto done = write(invocation, set, *call); !done) {
    invocation.err << invocation.program << ": " << done.error().message << "\n";
    return kFailed;
  }
  return kDone;
}

}  // namespace vpccni::cmd
