#include "aws/ec2_error.h"

#include <algorithm>
#include <array>

#include "aws/ec2_query.h"
#include "base/text.h"

namespace vpccni::aws {

namespace {

constexpr std::array<std::string_view, 14> kThrottles = {"Throttling",
                                                         "ThrottlingException",
                                                         "ThrottledException",
                                                         "RequestThrottledException",
                                                         "TooManyRequestsException",
                                                         "ProvisionedThroughputExceededException",
                                                         "TransactionInProgressException",
                                                         "RequestLimitExceeded",
                                                         "BandwidthLimitExceeded",
                                                         "LimitExceededException",
                                                         "RequestThrottled",
                                                         "SlowDown",
                                                         "PriorRequestNotComplete",
                                                         "EC2ThrottledException"};

constexpr std::array<std::string_view, 11> kDenied = {
    "UnauthorizedOperation", "AuthFailure",  "SignatureDoesNotMatch", "RequestExpired",
    "OptInRequired",         "Blocked",      "PendingVerification",   "InvalidClientTokenId",
    "AccessDenied",          "ExpiredToken", "ExpiredTokenException"};

constexpr std::array<std::string_view, 7> kExhausted = {"InsufficientFreeAddressesInSubnet",
                                                        "InsufficientCidrBlocks",
                                                        "PrivateIpAddressLimitExceeded",
                                                        "AttachmentLimitExceeded",
                                                        "NetworkInterfaceLimitExceeded",
                                                        "ResourceLimitExceeded",
                                                        "MaxPrefixCountExceeded"};

constexpr std::array<std::string_view, 2> kSubnetExhausted = {"InsufficientFreeAddressesInSubnet",
                                                              "InsufficientCidrBlocks"};

/// Of "There aren't sufficient free Ipv4 addresses or prefixes".
constexpr std::string_view kNoRoomText = "sufficient free Ipv4 addresses or prefixes";

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& codes, std::string_view code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

/// What a person can do about it; empty if the service's message says enough.
std::string advice(Errc code, std::string_view cause, std::string_view action) {
  switch (code) {
    case Errc::denied:
      if (cause == "UnauthorizedOperation" || cause == "AccessDenied") {
        return " (allow ec2:" + std::string(action) +
               " to the role of the node, or of the agent's service account)";
      }
      return is_skew(cause) || is_expired(cause) ? " (check the credentials, and the node's clock)"
                                                 : "";
    case Errc::exhausted:
      return " (the subnet or the instance type has no more room)";
    default:
      return "";
  }
}

}  // namespace

Errc class_of(std::string_view code, int status) {
  if (is_one_of(kThrottles, code)) {
    return Errc::throttled;
  }
  if (is_one_of(kDenied, code)) {
    return Errc::denied;
  }
  if (is_one_of(kExhausted, code)) {
    return Errc::exhausted;
  }
  if (code.ends_with(".NotFound")) {
    return Errc::not_found;
  }
  if (code.ends_with(".InUse") || code == "IncorrectState" || code == "IncorrectInstanceState") {
    return Errc::conflict;
  }
  if (code == "RequestTimeout" || code == "RequestTimeoutException") {
    return Errc::timeout;
  }
  if (status >= 500) {
    return Errc::unavailable;
  }
  if (code.starts_with("Invalid") || code.starts_with("Missing") || code == "UnknownParameter" ||
      code == "ValidationError" || code == "MalformedQueryString") {
    return Errc::invalid_argument;
  }
  if (code.empty()) {
    return status >= 400 && status < 500 ? Errc::invalid_argument : Errc::corrupt;
  }
  return Errc::internal;
}

Errc class_of(std::string_view code, int status, std::string_view message) {
  if (code == "InvalidParameterValue" && message.find(kNoRoomText) != std::string_view::npos) {
    return Errc::exhausted;
  }
  return class_of(code, status);
}

Error api_error(std::string_view action, int status, std::string_view body) {
  const auto named = parse_error(body);
  const std::string code = named ? named->code.substr(0, 128) : std::string();
  const Errc kind = class_of(code, status, named ? std::string_view(named->message) : "");
  std::string text = "ec2 " + std::string(action) + ": ";
  if (named) {
    text += code + ": " + named->message.substr(0, 1024);
  } else {
    text += "HTTP status " + std::to_string(status) + " without an error document";
  }
  text += advice(kind, code, action);
  if (named && !named->request_id.empty()) {
    text += " [request " + named->request_id.substr(0, 64) + "]";
  }
  return {kind, std::move(text), named ? code : "HTTP " + std::to_string(status)};
}

bool is_transient(const Error& error) {
  return error.code == Errc::throttled || error.code == Errc::unavailable ||
         error.code == Errc::timeout;
}

bool subnet_exhausted(const Error& error) {
  return error.code == Errc::exhausted &&
         (is_one_of(kSubnetExhausted, error.cause) || error.cause == "InvalidParameterValue");
}

bool is_skew(std::string_view code) {
  return code == "InvalidSignatureException" || code == "SignatureDoesNotMatch" ||
         code == "AuthFailure" || code == "RequestTimeTooSkewed" || code == "RequestExpired" ||
         code == "RequestInTheFuture";
}

std::string_view error_label(const Error& error) {
  // A cause may also be of errno ("ECONNREFUSED") or HTTP ("HTTP 503"), which have no lower-case
  // letter, while the API's codes do.
  constexpr std::size_t kLabelBytes = 64;
  const bool named = std::any_of(error.cause.begin(), error.cause.end(),
                                 [](char c) { return c >= 'a' && c <= 'z'; });
  return named ? base::utf8_prefix(error.cause, kLabelBytes) : std::string_view();
}

bool is_expired(std::string_view code) {
  return code == "RequestExpired" || code == "ExpiredToken" || code == "ExpiredTokenException" ||
         code == "AuthFailure" || code == "InvalidClientTokenId";
}

}  // namespace vpccni::aws
