#include "tests/vpc/ec2_auth.h"

#include <algorithm>
#include <ctime>

#include "aws/sigv4.h"
#include "base/text.h"

namespace vpccni::vpc {

namespace {

constexpr auto kTolerance = std::chrono::minutes(5);

Error not_validated() {
  return refusal("AuthFailure", "AWS was not able to validate the provided access credentials");
}

struct Authorization {
  std::string key;
  std::string date;
  std::string region;
  std::string service;
  std::vector<std::string> signed_headers;
  std::string signature;
};

std::optional<Authorization> parse_authorization(std::string_view header) {
  constexpr std::string_view kScheme = "AWS4-HMAC-SHA256 ";
  if (!header.starts_with(kScheme)) {
    return std::nullopt;
  }
  Authorization out;
  for (auto part : base::split(header.substr(kScheme.size()), ',')) {
    part = base::trim(part);
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) {
      return std::nullopt;
    }
    const auto name = part.substr(0, equals);
    const auto value = part.substr(equals + 1);
    if (name == "Credential") {
      const auto scope = base::split(value, '/');
      if (scope.size() != 5 || scope[4] != "aws4_request") {
        return std::nullopt;
      }
      out.key = scope[0];
      out.date = scope[1];
      out.region = scope[2];
      out.service = scope[3];
    } else if (name == "SignedHeaders") {
      for (const auto one : base::split(value, ';')) {
        out.signed_headers.emplace_back(one);
      }
    } else if (name == "Signature") {
      out.signature = value;
    }
  }
  if (out.key.empty() || out.signature.empty() || out.signed_headers.empty()) {
    return std::nullopt;
  }
  return out;
}

std::optional<base::WallTime> parse_amz_date(std::string_view text) {
  std::tm utc{};
  const std::string copy(text);
  const char* end = strptime(copy.c_str(), "%Y%m%dT%H%M%SZ", &utc);
  if (end == nullptr || *end != '\0') {
    return std::nullopt;
  }
  return base::WallTime(std::chrono::seconds(timegm(&utc)));
}

/// Host and every x-amz-* header that was sent must be signed.
bool signs_enough(const http::ServerRequest& request, const std::vector<std::string>& names) {
  const auto is_signed = [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return is_signed("host") && std::is_sorted(names.begin(), names.end()) &&
         std::all_of(request.headers.begin(), request.headers.end(), [&](const auto& header) {
           const auto name = base::to_lower(header.first);
           return !name.starts_with("x-amz-") || is_signed(name);
         });
}

}  // namespace

std::string claimed_key(const http::ServerRequest& request) {
  const auto proof = parse_authorization(http::header(request.headers, "authorization"));
  return proof ? proof->key : "";
}

Result<AccessKey> authenticate(const http::ServerRequest& request, const Model& model,
                               base::WallTime now) {
  const auto proof = parse_authorization(http::header(request.headers, "authorization"));
  const auto date_text = http::header(request.headers, "x-amz-date");
  const auto date = parse_amz_date(date_text);
  const auto* key = proof ? model.find_key(proof->key) : nullptr;
  if (!proof || !date || key == nullptr || proof->service != "ec2" ||
      proof->region != model.options().region || proof->date != date_text.substr(0, 8)) {
    return not_validated();
  }
  if (*date - now > kTolerance || now - *date > kTolerance) {
    return refusal("RequestExpired", "Request has expired.");
  }
  if (http::header(request.headers, "x-amz-security-token") != key->token) {
    return not_validated();
  }
  if (!signs_enough(request, proof->signed_headers)) {
    return refusal("SignatureDoesNotMatch",
                   "'Host' and every 'X-Amz-*' header must be a 'SignedHeader' in the "
                   "AWS Authorization, sorted.");
  }
  http::Headers headers;
  for (const auto& name : proof->signed_headers) {
    headers.emplace_back(name, http::header(request.headers, name));
  }
  VPCCNI_TRY(const auto expected,
             aws::signature(request.method, request.path, headers, request.body, key->secret,
                            date_text, proof->region, proof->service));
  if (expected != proof->signature) {
    return not_validated();
  }
  if (key->expires && *key->expires <= now) {
    return refusal("RequestExpired", "Request has expired.");
  }
  return *key;
}

}  // namespace vpccni::vpc
