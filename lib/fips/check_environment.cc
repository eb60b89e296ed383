#include <array>
#include <cstdlib>

#include "aws/endpoints.h"
#include "base/files.h"
#include "base/text.h"
#include "fips/checks.h"

namespace vpccni::fips {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): no other thread
  return value == nullptr ? "" : value;
}

}  // namespace

Outcome check_kernel(Run& run) {
  const auto text = base::read_file("/proc/sys/crypto/fips_enabled", 16);
  if (!text) {
    return {Finding::bad, "the kernel has no crypto.fips_enabled"};
  }
  run.report.kernel_fips = base::trim(*text) == "1" ? 1 : 0;
  return {run.report.kernel_fips == 1 ? Finding::good : Finding::bad,
          "crypto.fips_enabled=" + std::to_string(*run.report.kernel_fips)};
}

Outcome check_endpoints(Run& /*run*/) {
  if (!base::iequals(variable("AWS_USE_FIPS_ENDPOINT"), "true")) {
    return {Finding::not_applicable,
            "AWS_USE_FIPS_ENDPOINT is not true: the agent calls the ordinary endpoints"};
  }
  const auto region = variable("AWS_REGION");
  if (region.empty()) {
    return {Finding::good, "FIPS endpoints; the region comes from IMDS when the agent starts"};
  }
  std::vector<std::string> hosts;
  bool listed = true;
  for (const char* service : {"ec2", "sts"}) {
    const auto url = aws::service_endpoint(service, region, {.explicit_url = "", .fips = true});
    if (!url) {
      return {Finding::bad, url.error().message};
    }
    const bool known = aws::lists_fips_endpoint(service, region);
    listed = listed && known;
    hosts.push_back(*url + (known ? "" : " (not listed by AWS)"));
  }
  return {listed ? Finding::good : Finding::bad, base::join(hosts, " ")};
}

}  // namespace vpccni::fips
