#pragma once
// Signature Version 4 for POST form requests (spec aws.md section 2). Pure: same input, same
// headers. HMAC and digest are crypto's, so signing stays in the validated module.

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"

namespace vpccni::aws {

struct Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // empty for long-term keys
};

/// The bytes that are signed are the bytes that must be sent.
struct Signable {
  std::string host;  // with the port if it is not the scheme's default
  std::string path = "/";
  std::string content_type = "application/x-www-form-urlencoded; charset=utf-8";
  std::string_view body;
};

/// Host, Content-Type, X-Amz-Date, X-Amz-Security-Token (if there is one) and Authorization.
Result<http::Headers> sign(const Signable& request, const Credentials& credentials,
                           std::string_view region, std::string_view service, base::WallTime at);

/// The signature alone, for checking somebody else's request: `headers` are the signed ones, lower
/// case and sorted.
Result<std::string> signature(std::string_view method, std::string_view path,
                              const http::Headers& headers, std::string_view body,
                              std::string_view secret_key, std::string_view amz_date,
                              std::string_view region, std::string_view service);

/// YYYYMMDDTHHMMSSZ
std::string amz_date(base::WallTime at);

}  // namespace vpccni::aws
