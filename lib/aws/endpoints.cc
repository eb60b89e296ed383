#include "aws/endpoints.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"

namespace vpccni::aws {

namespace {

struct Partition {
  std::string_view name;
  std::string_view prefixes;  // of the region, comma-separated; the rest is word-digits
  std::string_view suffix;
  std::string_view dual_stack_suffix;
};

// The longer prefixes first: us-gov-west-1 also begins with "us-".
constexpr std::array<Partition, 8> kPartitions = {{
    {"aws-us-gov", "us-gov-", "amazonaws.com", "api.aws"},
    {"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
    {"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
    {"aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
    {"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
    {"aws-eusc", "eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
    {"aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
    {"aws", "", "amazonaws.com", "api.aws"},
}};

const Partition& partition_of(std::string_view region) {
  return *std::find_if(kPartitions.begin(), kPartitions.end(),
                       [&](const Partition& one) { return region.rfind(one.prefixes, 0) == 0; });
}

bool is_host_label(std::string_view text) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' &&
         std::all_of(text.begin(), text.end(), good);
}

}  // namespace

Result<UrlParts> split_url(std::string_view url) {
  const auto colon = url.find("://");
  const Error bad{Errc::invalid_argument, "URL expected (http://host or https://host), got \"" +
                                              std::string(url.substr(0, 128)) + "\""};
  if (colon == std::string_view::npos) {
    return bad;
  }
  UrlParts parts;
  parts.scheme = base::to_lower(url.substr(0, colon));
  const auto rest = url.substr(colon + 3);
  const auto slash = std::min(rest.find('/'), rest.size());
  parts.authority = base::to_lower(rest.substr(0, slash));
  parts.path = slash < rest.size() ? std::string(rest.substr(slash)) : "/";
  const std::string_view standard = parts.scheme == "https" ? ":443" : ":80";
  if (parts.authority.ends_with(standard)) {
    parts.authority.resize(parts.authority.size() - standard.size());
  }
  const bool odd = std::any_of(parts.authority.begin(), parts.authority.end(), [](char c) {
    return c <= ' ' || c == '@' || c == '?' || c == '#' || c == '"';
  });
  if ((parts.scheme != "http" && parts.scheme != "https") || parts.authority.empty() || odd) {
    return bad;
  }
  return parts;
}

Result<std::string> service_endpoint(std::string_view service, std::string_view region,
                                     const EndpointChoice& choice) {
  if (!is_host_label(region)) {
    return Error{Errc::invalid_argument,
                 "region expected, got \"" + std::string(region.substr(0, 64)) + "\""};
  }
  if (!choice.explicit_url.empty()) {
    VPCCNI_TRY([[maybe_unused]] const auto parts,
               wrap(split_url(choice.explicit_url), "endpoint of " + std::string(service)));
    return choice.explicit_url;
  }
  const Partition& partition = partition_of(region);
  // The plain endpoint of GovCloud is the FIPS one.
  const bool fips_name = choice.fips && !(partition.name == "aws-us-gov" && !choice.dual_stack);
  const auto suffix = choice.dual_stack ? partition.dual_stack_suffix : partition.suffix;
  return "https://" + std::string(service) + (fips_name ? "-fips." : ".") + std::string(region) +
         "." + std::string(suffix);
}

bool lists_fips_endpoint(std::string_view service, std::string_view region) {
  constexpr std::array<std::string_view, 6> kRegions = {"us-east-1", "us-east-2",    "us-west-1",
                                                        "us-west-2", "ca-central-1", "ca-west-1"};
  // Of STS only those of the United States.
  const bool known = std::find(kRegions.begin(), kRegions.end(), region) != kRegions.end();
  return region.starts_with("us-gov-") ||
         (known && (service == "ec2" || (service == "sts" && region.starts_with("us-"))));
}

}  // namespace vpccni::aws
