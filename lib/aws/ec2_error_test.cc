// EC2's refusals: the table of spec aws.md 1.4 and the retry rules of 5.1.
#include "aws/ec2_error.h"

#include <catch2/catch.hpp>

#include "aws/ec2_http.h"
#include "aws/ec2_query.h"

namespace vpccni::aws {
namespace {

std::string document(const std::string& code, const std::string& message) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>" + code +
         "</Code><Message>" + message +
         "</Message></Error></Errors><RequestID>5e3ee9b5-0a48</RequestID></Response>";
}

TEST_CASE("ec2 error: classes of the codes") {
  struct Row {
    const char* code;
    int status;
    Errc kind;
  };
  const Row rows[] = {{"RequestLimitExceeded", 503, Errc::throttled},
                      {"Throttling", 400, Errc::throttled},
                      {"ThrottlingException", 400, Errc::throttled},
                      {"ThrottledException", 400, Errc::throttled},
                      {"RequestThrottledException", 400, Errc::throttled},
                      {"TooManyRequestsException", 429, Errc::throttled},
                      {"ProvisionedThroughputExceededException", 400, Errc::throttled},
                      {"TransactionInProgressException", 400, Errc::throttled},
                      {"BandwidthLimitExceeded", 400, Errc::throttled},
                      {"LimitExceededException", 400, Errc::throttled},
                      {"RequestThrottled", 400, Errc::throttled},
                      {"SlowDown", 503, Errc::throttled},
                      {"PriorRequestNotComplete", 400, Errc::throttled},
                      {"EC2ThrottledException", 400, Errc::throttled},
                      {"RequestTimeout", 400, Errc::timeout},
                      {"RequestTimeoutException", 400, Errc::timeout},
                      {"InternalError", 500, Errc::unavailable},
                      {"InternalFailure", 500, Errc::unavailable},
                      {"Unavailable", 503, Errc::unavailable},
                      {"ServiceUnavailable", 503, Errc::unavailable},
                      {"", 500, Errc::unavailable},
                      {"", 502, Errc::unavailable},
                      {"", 503, Errc::unavailable},
                      {"", 504, Errc::unavailable},
                      {"AuthFailure", 401, Errc::denied},
                      {"UnauthorizedOperation", 403, Errc::denied},
                      {"RequestExpired", 400, Errc::denied},
                      {"SignatureDoesNotMatch", 403, Errc::denied},
                      {"OptInRequired", 401, Errc::denied},
                      {"ExpiredToken", 400, Errc::denied},
                      {"InsufficientFreeAddressesInSubnet", 400, Errc::exhausted},
                      {"InsufficientCidrBlocks", 400, Errc::exhausted},
                      {"PrivateIpAddressLimitExceeded", 400, Errc::exhausted},
                      {"AttachmentLimitExceeded", 400, Errc::exhausted},
                      {"NetworkInterfaceLimitExceeded", 400, Errc::exhausted},
                      {"InvalidNetworkInterfaceID.NotFound", 400, Errc::not_found},
                      {"InvalidInstanceID.NotFound", 400, Errc::not_found},
                      {"InvalidAttachmentID.NotFound", 400, Errc::not_found},
                      {"InvalidNetworkInterface.InUse", 400, Errc::conflict},
                      {"IncorrectState", 400, Errc::conflict},
                      {"InvalidNetworkInterfaceId.Malformed", 400, Errc::invalid_argument},
                      {"InvalidParameterValue", 400, Errc::invalid_argument},
                      {"InvalidParameterCombination", 400, Errc::invalid_argument},
                      {"InvalidAction", 400, Errc::invalid_argument},
                      {"MissingParameter", 400, Errc::invalid_argument},
                      {"UnknownParameter", 400, Errc::invalid_argument},
                      {"MalformedQueryString", 404, Errc::invalid_argument},
                      {"", 400, Errc::invalid_argument},
                      {"", 302, Errc::corrupt}};
  for (const Row& row : rows) {
    INFO(row.code << " " << row.status);
    CHECK(to_string(class_of(row.code, row.status)) == to_string(row.kind));
  }
}

TEST_CASE("ec2 error: what is worth another try") {
  for (const Errc code : {Errc::throttled, Errc::unavailable, Errc::timeout}) {
    CHECK(is_transient({code, ""}));
  }
  for (const Errc code : {Errc::invalid_argument, Errc::not_found, Errc::exhausted, Errc::denied,
                          Errc::conflict, Errc::corrupt, Errc::internal}) {
    CHECK_FALSE(is_transient({code, ""}));
  }
  CHECK_FALSE(is_transient(api_error("X", 429, "")));  // only with a listed code
}

TEST_CASE("ec2 error: skew and expired credentials") {
  for (const char* code : {"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed",
                           "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure"}) {
    CHECK(is_skew(code));
  }
  for (const char* code : {"RequestExpired", "ExpiredToken", "ExpiredTokenException"}) {
    CHECK(is_expired(code));
  }
  for (const char* code : {"", "UnauthorizedOperation", "RequestLimitExceeded"}) {
    CHECK_FALSE(is_skew(code));
    CHECK_FALSE(is_expired(code));
  }
}

TEST_CASE("ec2 error: text and cause") {
  const Error error = api_error(
      "DeleteNetworkInterface", 400,
      document("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID 'eni-1' is no more"));
  CHECK(error.code == Errc::not_found);
  CHECK(error.cause == "InvalidNetworkInterfaceID.NotFound");
  CHECK(error.message ==
        "ec2 DeleteNetworkInterface: InvalidNetworkInterfaceID.NotFound: The networkInterface ID "
        "'eni-1' is no more [request 5e3ee9b5-0a48]");
  CHECK(api_error("X", 400, document("", "no code")).cause == "UnknownError");
}

TEST_CASE("ec2 error: a denial says what to allow, or what to check") {
  const auto text = [](const char* code) {
    return api_error("AttachNetworkInterface", 403, document(code, "No")).message;
  };
  for (const char* code : {"UnauthorizedOperation", "AccessDenied"}) {
    CHECK(text(code).find(" (allow ec2:AttachNetworkInterface to the role of the node, or of the "
                          "agent's service account)") != std::string::npos);
  }
  for (const char* code : {"AuthFailure", "RequestExpired", "ExpiredToken"}) {
    CHECK(text(code).find(" (check the credentials, and the node's clock)") != std::string::npos);
  }
  CHECK(text("OptInRequired").find('(') == std::string::npos);
}

TEST_CASE("ec2 error: a subnet without room has three forms, a full ENI is none of them") {
  const std::string prefixes = "There aren't sufficient free Ipv4 addresses or prefixes";
  const std::pair<std::string, std::string> forms[] = {
      {"InsufficientFreeAddressesInSubnet", "The specified subnet does not have enough"},
      {"InsufficientCidrBlocks", "The specified subnet does not have enough free cidr blocks"},
      {"InvalidParameterValue", prefixes}};
  for (const auto& [code, message] : forms) {
    INFO(code);
    const Error error = api_error("AssignPrivateIpAddresses", 400, document(code, message));
    CHECK(error.code == Errc::exhausted);
    CHECK(error.cause == code);
    CHECK(subnet_exhausted(wrap(error, "assign 4 prefixes")));
  }
  for (const char* code : {"PrivateIpAddressLimitExceeded", "AttachmentLimitExceeded",
                           "NetworkInterfaceLimitExceeded", "RequestLimitExceeded"}) {
    INFO(code);
    CHECK_FALSE(subnet_exhausted(api_error("X", 400, document(code, prefixes))));
  }
  const Error other = api_error("X", 400, document("InvalidParameterValue", "currently in use."));
  CHECK(other.code == Errc::invalid_argument);
  CHECK_FALSE(subnet_exhausted(other));
}

TEST_CASE("ec2 error: bodies that are no error document") {
  for (const char* body : {"", "gateway", "<html/>", "<Response>", "<Response/>",
                           "<Response><Errors/></Response>", "{\"code\":\"x\"}"}) {
    INFO(body);
    const Error error = api_error("CreateTags", 503, body);
    CHECK(error.code == Errc::unavailable);
    CHECK(error.cause == "HTTP 503");
    CHECK(error.message.find("CreateTags") != std::string::npos);
  }
}

TEST_CASE("ec2 error: the first error counts, texts are bounded") {
  const auto first = parse_error(
      "<Response><Errors><Error><Code>A</Code><Message>a</Message></Error><Error><Code>B</Code>"
      "</Error></Errors><RequestID>r</RequestID></Response>");
  REQUIRE(first);
  CHECK(first->code == "A");
  CHECK(first->message == "a");
  CHECK(first->request_id == "r");
  CHECK(api_error("X", 400, document("Invalid", std::string(1 << 20, 'x'))).message.size() < 4096);
  CHECK(api_error("X", 400, document(std::string(1 << 20, 'c'), "x")).message.size() < 4096);
  CHECK_FALSE(parse_error("<DescribeSubnetsResponse><subnetSet/></DescribeSubnetsResponse>"));
}

TEST_CASE("http date") {
  const auto at = parse_http_date("Wed, 17 Dec 2025 12:00:00 GMT");
  REQUIRE(at);
  CHECK(*at == base::WallTime(std::chrono::seconds(1765972800)));
  for (const char* text : {"", "now", "Wed, 17 Dec 2025 12:00:00", "2025-12-17T12:00:00Z",
                           "Wed, 17 Dec 2025 12:00:00 GMT trailing",
                           // Outside what nanoseconds since 1970 can hold.
                           "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT"}) {
    INFO(text);
    CHECK_FALSE(parse_http_date(text));
  }
  CHECK_FALSE(parse_http_date(std::string(1 << 20, 'W')));
}

}  // namespace
}  // namespace vpccni::aws
