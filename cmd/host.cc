// vpccni host: what the image does to its node. `install` copies programs where the runtime looks
// for plugins; `init` is the init container: the reference plugins, then kernel parameters.

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "aws/session.h"
#include "base/files.h"
#include "cmd/command.h"
#include "linux/links.h"
#include "linux/sysctls.h"
#include "settings/entrypoint.h"

namespace vpccni::cmd {

namespace {

constexpr unsigned kPermissions = 0777;
constexpr std::size_t kProgramLimit = std::size_t{256} << 20U;
constexpr const char* kInitProgram = "aws-vpc-cni-init";
constexpr const char* kUsageText =
    "usage: vpccni host install [--from DIR] [--to DIR]\n"
    "       vpccni host init [--from DIR] [--to DIR]\n";

struct Call {
  bool init = false;
  std::string from;
  std::string to;
};

std::optional<Call> parse(const Invocation& invocation) {
  Call call;
  auto args = invocation.args;
  // By its upstream name, without arguments.
  if (invocation.program == kInitProgram) {
    args.insert(args.begin(), "init");
  }
  if (args.empty() || (args[0] != "install" && args[0] != "init")) {
    return std::nullopt;
  }
  call.init = args[0] == "init";
  for (std::size_t i = 1; i < args.size(); i += 2) {
    if ((args[i] != "--from" && args[i] != "--to") || i + 1 == args.size()) {
      return std::nullopt;
    }
    (args[i] == "--from" ? call.from : call.to) = args[i + 1];
  }
  return call;
}

/// Its permissions; nullopt if it is no regular file.
std::optional<unsigned> regular_file(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return std::nullopt;
  }
  return status.st_mode & kPermissions;
}

/// With the source's mode. Mode first, then rename: at no moment is there a program that cannot be
/// run, or half a one.
Result<> install(std::ostream& out, const std::string& source, const std::string& target) {
  const auto mode = regular_file(source);
  if (!mode) {
    return Error{Errc::not_found, source + " is no regular file"};
  }
  VPCCNI_TRY(const auto bytes, base::read_file(source, kProgramLimit));
  VPCCNI_CHECK(base::write_file_durably(target, bytes, *mode));
  out << "Installed " << target << "\n";
  return {};
}

Result<> install_plugins(std::ostream& out, const Call& call) {
  for (const char* name : {"aws-cni", "egress-cni"}) {
    VPCCNI_CHECK(install(out, call.from + "/vpccni-host", call.to + "/" + name));
  }
  return {};
}

/// Every regular file but the init program itself, in the order of names.
Result<> install_all(std::ostream& out, const Call& call) {
  std::error_code failed;
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(call.from, failed)) {
    if (regular_file(entry.path().string()) && entry.path().filename() != kInitProgram) {
      names.push_back(entry.path().filename().string());
    }
  }
  if (failed) {
    return Error{Errc::not_found, call.from + ": " + failed.message()};
  }
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    VPCCNI_CHECK(install(out, call.from + "/" + name, call.to + "/" + name));
  }
  return {};
}

/// The link of the MAC that IMDS names.
Result<std::string> primary_link(const Invocation& invocation) {
  VPCCNI_TRY(const auto options, aws::session_options(invocation.environment));
  const auto client = http::make_curl_client({.user_agent = options.user_agent});
  aws::ImdsHttp imds(*client, invocation.clock, options.imds);
  VPCCNI_TRY(const auto text, wrap(imds.get("meta-data/mac"), "IMDS"));
  VPCCNI_TRY(const auto mac, wrap(net::Mac::parse(text.value_or("")), "IMDS mac"));
  VPCCNI_TRY(auto netlink, linux::Netlink::open());
  VPCCNI_TRY(const auto link, wrap(linux::get_link(netlink, mac), "the link of " + to_string(mac)));
  return link.name;
}

/// Forwarding before accept_ra: it would turn router advertisements off that 2 keeps.
Result<> set_parameters(const settings::Entrypoint& set, const std::string& link) {
  VPCCNI_CHECK(linux::set_sysctl("net/ipv4/conf/" + link + "/rp_filter", "2"));
  VPCCNI_CHECK(
      linux::set_sysctl_if_present("net/ipv4/tcp_early_demux", set.no_early_demux ? "0" : "1"));
  if (set.ipv6) {
    VPCCNI_CHECK(linux::set_sysctl("net/ipv6/conf/all/disable_ipv6", "0"));
  }
  if (set.ipv6 || set.v6_egress) {
    VPCCNI_CHECK(linux::set_sysctl("net/ipv6/conf/all/forwarding", "1"));
    VPCCNI_CHECK(linux::set_sysctl("net/ipv6/conf/" + link + "/accept_ra", "2"));
  }
  return {};
}

Result<> init(const Invocation& invocation, const settings::Entrypoint& set, const Call& call) {
  VPCCNI_CHECK(install_all(invocation.out, call));
  VPCCNI_TRY(const auto link, primary_link(invocation));
  VPCCNI_CHECK(set_parameters(set, link));
  invocation.out << "Kernel parameters of " << link << " are set\n";
  return {};
}

}  // namespace

int run_host(const Invocation& invocation) {
  auto call = parse(invocation);
  if (!call) {
    invocation.err << kUsageText;
    return kUsage;
  }
  const auto set = settings::load_entrypoint(invocation.environment);
  if (call->from.empty()) {
    call->from = call->init ? "/init" : "/app";
  }
  if (call->to.empty()) {
    call->to = set.bin_dir;
  }
  const auto done =
      call->init ? init(invocation, set, *call) : install_plugins(invocation.out, *call);
  if (!done) {
    invocation.err << invocation.program << ": " << done.error().message << "\n";
    return kFailed;
  }
  return kDone;
}

}  // namespace vpccni::cmd
