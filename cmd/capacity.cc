// vpccni capacity: how many pods an instance type can have in each mode; without the network when
// the type is named.

#include "aws/instance_limits.h"
#include "aws/session.h"
#include "base/json.h"
#include "cmd/columns.h"
#include "cmd/command.h"
#include "cmd/screen.h"

namespace vpccni::cmd {

namespace {

constexpr int kHostNetwork = 2;  // pods on the host's network that upstream's table counts
constexpr int kAddressesOfPrefix = 16;

Result<std::string> own_type(const Invocation& invocation) {
  VPCCNI_TRY(const auto options, aws::session_options(invocation.environment));
  const auto client = http::make_curl_client({.user_agent = options.user_agent});
  aws::ImdsHttp imds(*client, invocation.clock, options.imds);
  VPCCNI_TRY(const auto type, wrap(imds.get("meta-data/instance-type"), "no --type, and IMDS"));
  return type.value_or("");
}

struct Mode {
  const char* name;
  int enis;       // that hold pods
  int addresses;  // of each slot
};

}  // namespace

int run_capacity(const Invocation& invocation) {
  auto args = invocation.args;
  const bool json = std::erase(args, "--json") > 0;
  const bool named = args.size() == 2 && args[0] == "--type";
  if (!named && !args.empty()) {
    invocation.err << "usage: vpccni capacity [--type INSTANCE_TYPE] [--json]\n";
    return kUsage;
  }
  const auto type = named ? Result<std::string>(args[1]) : own_type(invocation);
  if (!type) {
    invocation.err << invocation.program << ": " << type.error().message << "\n";
    return kFailed;
  }
  const auto limits = aws::instance_limits(*type);
  if (!limits) {
    invocation.err << invocation.program << ": the type \"" << type->substr(0, 64)
                   << "\" is not in the table\n";
    return kFailed;
  }
  const int slots = limits->ipv4_per_eni - 1;
  std::vector<Mode> modes = {{"secondary addresses", limits->enis, 1},
                             {"secondary addresses, custom networking", limits->enis - 1, 1}};
  if (limits->prefixes_supported()) {
    modes.push_back({"prefixes", limits->enis, kAddressesOfPrefix});
    modes.push_back({"prefixes, custom networking", limits->enis - 1, kAddressesOfPrefix});
  }
  Columns table({"MODE", "PODS"});
  base::OrderedJson list = base::OrderedJson::array();
  for (const auto& mode : modes) {
    const int pods = mode.enis * slots * mode.addresses + kHostNetwork;
    table.add({mode.name, std::to_string(pods)});
    list.push_back({{"mode", mode.name}, {"pods", pods}});
  }
  if (json) {
    invocation.out << base::dump_json(base::OrderedJson{{"schema", "vpccni/v1"},
                                                        {"type", *type},
                                                        {"enis", limits->enis},
                                                        {"addressesPerEni", limits->ipv4_per_eni},
                                                        {"modes", list}},
                                      2)
                   << "\n";
    return kDone;
  }
  invocation.out << *type << ": " << limits->enis << " ENIs of " << limits->ipv4_per_eni
                 << " addresses\n"
                 << table.text(find_screen(invocation.environment).width)
                 << "EKS recommends at most 110 pods, or 250 with 30 vCPUs and more.\n";
  return kDone;
}

}  // namespace vpccni::cmd
