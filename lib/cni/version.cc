#include "cni/version.h"

#include <algorithm>

#include "base/json.h"

namespace vpccni::cni {

namespace {

auto position(std::string_view version) {
  return std::find(kVersions.begin(), kVersions.end(), version);
}

}  // namespace

bool is_supported(std::string_view version) {
  return position(version) != kVersions.end();
}

bool at_least(std::string_view version, std::string_view than) {
  return position(version) >= position(than);
}

std::string version_json() {
  base::OrderedJson out;
  out["cniVersion"] = kVersions.back();
  out["supportedVersions"] = kVersions;
  return base::dump_json(out);
}

}  // namespace vpccni::cni
