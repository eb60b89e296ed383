// What the sources of AWS credentials answer, and where they are said to be.

#include <algorithm>

#include "aws/credentials.h"
#include "aws/endpoints.h"
#include "tests/fuzz/fuzz.h"

namespace vpccni {
namespace {

using fuzz::require;

bool fits_a_header(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

void check(const Result<aws::TimedCredentials>& read) {
  if (read) {
    require(!read->keys.access_key.empty() && !read->keys.secret_key.empty(), "a pair of keys");
    require(fits_a_header(read->keys.access_key) && fits_a_header(read->keys.session_token),
            "credentials cannot break a header");
  }
}

/// Plain HTTP leads to this machine or to the known services, however the rest is read.
void check_uri(const std::string& uri) {
  if (!aws::check_container_uri(uri)) {
    return;
  }
  const auto parts = aws::split_url(uri);
  require(parts.has_value(), "an accepted address is a URL");
  if (parts->scheme != "http") {
    return;
  }
  const std::string& authority = parts->authority;
  const auto host = authority.starts_with('[') ? authority.find(']') + 1 : authority.find(':');
  const std::string rest = authority.substr(std::min(host, authority.size()));
  require(rest.empty() ||
              (rest.front() == ':' && rest.find_first_not_of("0123456789", 1) == std::string::npos),
          "behind a known host comes nothing but a port");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  switch (fuzz::take_choice(input, 5)) {
    case 0:
      check(aws::parse_container_credentials(input));
      break;
    case 1:
      check(aws::parse_imds_credentials(input));
      break;
    case 2:
      check(aws::parse_web_identity(input));
      break;
    case 3:
      if (const auto at = aws::parse_time(input)) {
        require(*at > base::WallTime{} - std::chrono::hours(24), "a time is not before 1970");
      }
      break;
    default:
      check_uri(std::string(input));
  }
  return 0;
}

}  // namespace vpccni
