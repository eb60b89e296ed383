// vpccni version: what this is, for people and for scripts.

#include "cmd/version.h"

#include "base/json.h"
#include "cmd/command.h"

namespace vpccni::cmd {

namespace {

#ifdef VPCCNI_HOST
constexpr std::string_view kFlavour = "host";
#else
constexpr std::string_view kFlavour = "full";
#endif

}  // namespace

int run_version(const Invocation& call) {
  if (call.args.empty()) {
    call.out << "vpccni " << kVersion << " (" << kFlavour << "; drop-in for AWS VPC CNI "
             << kUpstream << ")\n";
    return kDone;
  }
  if (call.args.size() == 1 && call.args[0] == "--json") {
    base::OrderedJson out;
    out["schema"] = "vpccni/v1";
    out["version"] = kVersion;
    out["flavour"] = kFlavour;
    out["upstream"] = kUpstream;
    call.out << base::dump_json(out) << '\n';
    return kDone;
  }
  call.err << "usage: vpccni version [--json]\n";
  return kUsage;
}

}  // namespace vpccni::cmd
