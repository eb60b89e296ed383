#pragma once
// Where the services are (spec aws.md 1.1, 4.1): pure functions of region and settings.

#include <string>
#include <string_view>

#include "base/result.h"

namespace vpccni::aws {

struct EndpointChoice {
  std::string explicit_url;  // wins over the switches; empty = by rule
  bool fips = false;
  bool dual_stack = false;
};

/// URL of a regional service ("ec2", "sts"). Errors: invalid_argument for a region that is no host
/// label or an explicit URL that is not http(s)://host.
Result<std::string> service_endpoint(std::string_view service, std::string_view region,
                                     const EndpointChoice& choice);

/// Whether AWS's own list names a FIPS endpoint of that service there (spec fips.md 6). Elsewhere
/// the name is formed all the same, and may not resolve.
bool lists_fips_endpoint(std::string_view service, std::string_view region);

/// A URL's parts, as far as signing needs them.
struct UrlParts {
  std::string scheme;
  std::string authority;  // host[:port], port left out when it is the scheme's default
  std::string path;       // at least "/"
};
Result<UrlParts> split_url(std::string_view url);

}  // namespace vpccni::aws
