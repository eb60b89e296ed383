#include "fips/gate.h"

#include "base/text.h"
#include "fips/checks.h"

namespace vpccni::fips {

Result<Report> require_module() {
  Options options;
  options.quick = true;
  VPCCNI_TRY(options.manifest, installed_manifest());
  Report report = run(options);
  if (report.passed()) {
    return report;
  }
  std::vector<std::string> failed;
  for (const auto& entry : report.entries) {
    if (entry.status == Status::fail) {
      failed.push_back(entry.id + ": " + entry.detail);
    }
  }
  return Error{Errc::unsupported,
               "VPCCNI_FIPS=require, and the cryptographic module is not in order (see vpccni "
               "fips-check): " +
                   base::join(failed, "; ")};
}

}  // namespace vpccni::fips
