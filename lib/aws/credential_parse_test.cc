// What the sources of credentials answer, as foreign bytes, and where plain http may go (spec
// aws.md section 3).
#include <catch2/catch.hpp>

#include "aws/credentials.h"

namespace vpccni::aws {
namespace {

using std::chrono::seconds;

constexpr std::string_view kSecret = "secretEXAMPLE";
constexpr std::string_view kToken = "tokenEXAMPLE";
const std::string kContainer =
    R"({"AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"secretEXAMPLE","Token":"tokenEXAMPLE","AccountId":"111122223333","Expiration":"2025-12-17T18:00:00Z"})";
const std::string kImds =
    R"({"Code":"Success","LastUpdated":"2025-12-17T11:55:00Z","Type":"AWS-HMAC","AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"secretEXAMPLE","Token":"tokenEXAMPLE","Expiration":"2025-12-17T18:10:00Z"})";
const std::string kSts =
    R"(<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
 <AssumeRoleWithWebIdentityResult><SubjectFromWebIdentityToken>system:serviceaccount:kube-system:aws-node</SubjectFromWebIdentityToken><Audience>sts.amazonaws.com</Audience>
  <AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/aws-node/1765972800000000000</Arn><AssumedRoleId>AROAEXAMPLE:1765972800000000000</AssumedRoleId></AssumedRoleUser>
  <Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>secretEXAMPLE</SecretAccessKey><SessionToken>tokenEXAMPLE</SessionToken><Expiration>2025-12-17T13:00:00Z</Expiration></Credentials>
  <Provider>arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/EXAMPLE</Provider>
 </AssumeRoleWithWebIdentityResult><ResponseMetadata><RequestId>b1</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>)";

std::string_view code_of(const auto& result) {
  return result ? std::string_view("success") : to_string(result.error().code);
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("credentials: plain http only to loopback and the known hosts") {
  for (const char* good :
       {"http://169.254.170.23/v1/credentials", "http://[fd00:ec2::23]/v1/credentials",
        "http://169.254.170.2/x", "http://127.0.0.1:8080/", "http://127.9.9.9/", "http://[::1]:1/",
        "http://LOCALHOST/", "https://example.com/", "https://10.0.0.1:8443/x"}) {
    INFO(good);
    CHECK(check_container_uri(good));
  }
  for (const char* bad :
       {"", "/v1", "http://", "ftp://127.0.0.1/", "http://example.com/", "http://10.0.0.1/",
        "http://169.254.169.254/", "http://169.254.170.2.example.com/",
        "http://127.0.0.1.example.com/", "http://127.0.0.1@example.com/", "http://localhost.x/",
        "http://2130706433/", "http://[/", "http://[]/", "http://:80/", "http://[fd00:ec2::254]/",
        "file:///etc/passwd"}) {
    INFO(bad);
    CHECK_FALSE(check_container_uri(bad));
  }
  for (const char* behind : {"127.0.0.1:8{}0", "[::1].example.com", "[::1", "localhost:80:x"}) {
    INFO(behind);
    CHECK_FALSE(check_container_uri(std::string("http://") + behind + "/"));
  }
}

TEST_CASE("credentials: answers cut at every byte, or hostile") {
  REQUIRE(parse_container_credentials(kContainer));
  REQUIRE(parse_imds_credentials(kImds));
  REQUIRE(parse_web_identity(kSts));
  const auto cut = [](const std::string& whole, auto parse) {
    for (std::size_t n = 0; n < whole.size(); ++n) {
      const std::string part(whole, 0, n);
      const auto result = parse(part);
      if (result) {
        FAIL("taken for whole: " << part);
      }
      if (contains(result.error().message, kSecret) || contains(result.error().message, kToken)) {
        FAIL("tells a secret: " << result.error().message);
      }
    }
  };
  cut(kContainer, parse_container_credentials);
  cut(kImds, parse_imds_credentials);
  cut(kSts, parse_web_identity);
  std::string deep;
  for (int i = 0; i < 100000; ++i) {
    deep += "<a>";
  }
  CHECK(code_of(parse_web_identity(deep)) == "corrupt");
  CHECK(code_of(parse_web_identity(std::string(1 << 20, '<'))) == "corrupt");
  CHECK(code_of(parse_container_credentials(std::string(1 << 20, '['))) == "corrupt");
  for (const char* text : {"{}", "[]", "null", "7", R"({"AccessKeyId":1,"SecretAccessKey":2})",
                           R"({"AccessKeyId":"a"})", R"({"AccessKeyId":"a","SecretAccessKey":""})",
                           R"({"AccessKeyId":"a","SecretAccessKey":"b","Expiration":"soon"})",
                           // These would become headers of their own.
                           R"({"AccessKeyId":"a","SecretAccessKey":"b","Token":"c\r\nX-Evil: 1"})",
                           R"({"AccessKeyId":"a\nb","SecretAccessKey":"b"})"}) {
    INFO(text);
    CHECK(code_of(parse_container_credentials(text)) == "corrupt");
  }
  const auto forever = parse_container_credentials(R"({"AccessKeyId":"a","SecretAccessKey":"b"})");
  REQUIRE(forever);
  CHECK_FALSE(forever->expires);
}

TEST_CASE("credentials: times") {
  const base::WallTime noon(seconds(1765972800));
  CHECK(*parse_time("2025-12-17T12:00:00Z") == noon);
  CHECK(*parse_time("2025-12-17T12:00:00.123Z") == noon);
  for (const char* bad :
       {"", "now", "2025-12-17", "2025-12-17T12:00:00", "2025-12-17T12:00:00+01:00",
        "2025-13-17T12:00:00Z", "2025-12-17T12:00:00Zz", "2025-12-17T12:00:00."}) {
    INFO(bad);
    CHECK(code_of(parse_time(bad)) == "corrupt");
  }
  CHECK(code_of(parse_time(std::string(1 << 20, '2'))) == "corrupt");
  // Beyond what nanoseconds can hold: far away, still on the right side.
  const auto late = parse_time("9999-12-31T23:59:59Z");
  REQUIRE(late);
  CHECK(*late > noon + std::chrono::hours(24 * 365 * 100));
  const auto early = parse_time("0001-01-01T00:00:00Z");
  REQUIRE(early);
  CHECK(*early < noon);
}

}  // namespace
}  // namespace vpccni::aws
