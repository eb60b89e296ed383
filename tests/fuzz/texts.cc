// Texts of operators and of logs: what goes into a bundle ('0'), a module's manifest ('1'), and a
// template of the conflist ('2': values by the entrypoint's settings, an empty line, the template).

#include "base/json.h"
#include "cni/conflist.h"
#include "fips/manifest.h"
#include "settings/entrypoint.h"
#include "sre/redact.h"
#include "tests/fuzz/fuzz.h"

namespace vpccni {
namespace {

using fuzz::require;

void check_redact(std::string_view text) {
  const auto once = sre::redact(text);
  require(sre::redact(once) == once, "what was redacted holds no more secrets");
}

void check_manifest(std::string_view text) {
  const auto manifest = fips::parse_manifest(text);
  if (manifest) {
    require(manifest->module_sha256.size() == 64, "a manifest names its module's file");
  }
}

void check_conflist(std::string_view input) {
  const auto set = settings::load_entrypoint(fuzz::take_environment(input));
  cni::ConflistValues values;
  values.veth_prefix = set.veth_prefix;
  values.mtu = set.pod_mtu;
  values.plugin_log_file = set.plugin_log_file;
  values.bandwidth = set.bandwidth;
  values.pods_without_ipv6 = set.pods_without_ipv6;
  values.checks = set.checks;
  const auto list = cni::fill_in_conflist(input, values);
  if (list) {
    const auto json = base::parse_json(*list);
    require(json && base::find_member(*json, "plugins") != nullptr, "what is written is a list");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  switch (fuzz::take_choice(input, 3)) {
    case 0:
      check_redact(input);
      break;
    case 1:
      check_manifest(input);
      break;
    default:
      check_conflist(input);
  }
  return 0;
}

}  // namespace vpccni
