// What EC2 answers: an XML document, whose reader the first byte chooses; behind the readers the
// Date header, endpoint URLs, times in tags, and files and rows of the instance limits.

#include <limits>

#include "agent/eni_tags.h"
#include "aws/ec2_error.h"
#include "aws/ec2_http.h"
#include "aws/ec2_query.h"
#include "aws/endpoints.h"
#include "aws/instance_limits.h"
#include "tests/fuzz/fuzz.h"

namespace vpccni {
namespace {

using fuzz::require;

void check(const aws::Eni& eni) {
  require(!eni.id.empty(), "an ENI has an id");
  require(!eni.attachment || !eni.attachment->id.empty(), "an attachment has an id");
  for (std::size_t i = 1; i < eni.addresses.size(); ++i) {
    require(!eni.addresses[i].primary || eni.addresses[0].primary, "the primary comes first");
  }
}

void check(const aws::InstanceLimits& limits) {
  require(limits.enis > 0 && limits.ipv4_per_eni > 0, "limits are positive");
}

void check_url(std::string_view text) {
  const auto parts = aws::split_url(text);
  if (!parts) {
    return;
  }
  require(!parts->authority.empty() && parts->path.starts_with('/'), "a URL has host and path");
  const auto again = aws::split_url(parts->scheme + "://" + parts->authority + parts->path);
  require(again && again->scheme == parts->scheme && again->authority == parts->authority &&
              again->path == parts->path,
          "a URL's parts are the same when split again");
}

void check_endpoint(std::string_view input) {
  const auto switches = fuzz::take_choice(input, 4);
  const std::string region(fuzz::take_until(input, "\n"));
  const aws::EndpointChoice choice{std::string(input), (switches & 1U) != 0, (switches & 2U) != 0};
  if (const auto url = aws::service_endpoint("ec2", region, choice)) {
    require(aws::split_url(*url).has_value(), "an endpoint is a URL");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  switch (fuzz::take_choice(input, 15)) {
    case 0:
      if (const auto page = aws::parse_network_interfaces(input)) {
        for (const auto& eni : page->enis) {
          check(eni);
        }
      }
      break;
    case 1:
      (void)aws::parse_instance_attachments(input);
      break;
    case 2:
      (void)aws::parse_subnets(input);
      break;
    case 3:
      if (const auto limits = aws::parse_instance_type(input)) {
        check(*limits);
      }
      break;
    case 4:
      if (const auto eni = aws::parse_created(input)) {
        check(*eni);
      }
      break;
    case 5:
      (void)aws::parse_attached(input);
      break;
    case 6:
      (void)aws::parse_assigned(input);
      break;
    case 7:
      (void)aws::parse_assigned_ipv6(input);
      break;
    case 8:
      (void)aws::parse_done(input);
      break;
    case 9:
      if (const auto error = aws::parse_error(input)) {
        require(!error->code.empty(), "an error has a code");
        (void)aws::is_transient(aws::api_error("DescribeInstances", 503, input));
        (void)aws::is_transient(aws::api_error("DescribeInstances", 400, input));
      }
      break;
    case 10:
      if (const auto at = aws::parse_http_date(input)) {
        require(*at >= base::WallTime{}, "a date is not before 1970");
      }
      break;
    case 11:
      check_url(input);
      break;
    case 12:
      check_endpoint(input);
      break;
    case 13:
      if (const auto limits = aws::limits_in(input, "m5.large"); limits && *limits) {
        check(**limits);
      }
      if (const auto limits = aws::parse_limits_row(input)) {
        check(*limits);
      }
      (void)aws::instance_limits(input);
      break;
    default:
      if (const auto at = agent::parse_created_at(input)) {
        require(*at > base::WallTime{} - std::chrono::hours(48), "a time is not before 1970");
      }
  }
  return 0;
}

}  // namespace vpccni
