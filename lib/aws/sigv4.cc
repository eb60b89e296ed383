#include "aws/sigv4.h"

#include <array>
#include <ctime>

#include "crypto/digest.h"

namespace vpccni::aws {

namespace {

/// Trimmed, inner runs of blanks as one.
std::string folded(std::string_view value) {
  std::string out;
  for (const char c : base::trim(value)) {
    if (c != ' ' || out.empty() || out.back() != ' ') {
      out += c;
    }
  }
  return out;
}

std::string signed_names(const http::Headers& headers) {
  std::string names;
  for (const auto& [name, value] : headers) {
    names += names.empty() ? name : ";" + name;
  }
  return names;
}

}  // namespace

std::string amz_date(base::WallTime at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
  const std::time_t time = static_cast<std::time_t>(seconds);
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::array<char, 20> buffer{};
  const auto n = std::strftime(buffer.data(), buffer.size(), "%Y%m%dT%H%M%SZ", &utc);
  return {buffer.data(), n};
}

Result<std::string> signature(std::string_view method, std::string_view path,
                              const http::Headers& headers, std::string_view body,
                              std::string_view secret_key, std::string_view amz_date,
                              std::string_view region, std::string_view service) {
  VPCCNI_TRY(const auto payload, crypto::sha256(body));
  std::string canonical = std::string(method) + "\n" + std::string(path) + "\n\n";
  for (const auto& [name, value] : headers) {
    canonical += name + ":" + folded(value) + "\n";
  }
  canonical += "\n" + signed_names(headers) + "\n" + base::hex(payload);
  VPCCNI_TRY(const auto hashed, crypto::sha256(canonical));
  const std::string date(amz_date.substr(0, 8));
  const std::string scope =
      date + "/" + std::string(region) + "/" + std::string(service) + "/aws4_request";
  const std::string to_sign =
      "AWS4-HMAC-SHA256\n" + std::string(amz_date) + "\n" + scope + "\n" + base::hex(hashed);
  VPCCNI_TRY(auto key, crypto::hmac_sha256("AWS4" + std::string(secret_key), date));
  for (const auto part :
       {region, service, std::string_view("aws4_request"), std::string_view(to_sign)}) {
    VPCCNI_TRY(key, crypto::hmac_sha256(key, part));
  }
  return base::hex(key);
}

Result<http::Headers> sign(const Signable& request, const Credentials& credentials,
                           std::string_view region, std::string_view service, base::WallTime at) {
  const std::string date = amz_date(at);
  http::Headers headers = {
      {"content-type", request.content_type}, {"host", request.host}, {"x-amz-date", date}};
  if (!credentials.session_token.empty()) {
    headers.emplace_back("x-amz-security-token", credentials.session_token);
  }
  VPCCNI_TRY(const auto proof, signature("POST", request.path, headers, request.body,
                                         credentials.secret_key, date, region, service));
  const std::string scope =
      date.substr(0, 8) + "/" + std::string(region) + "/" + std::string(service) + "/aws4_request";
  const std::string names = signed_names(headers);
  headers.emplace_back("Authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.access_key +
                                            "/" + scope + ", SignedHeaders=" + names +
                                            ", Signature=" + proof);
  return headers;
}

}  // namespace vpccni::aws
