// Sources of credentials (spec aws.md section 3) against services in memory, and the cache.
#include "aws/credentials.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>

namespace vpccni::aws {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view kSecret = "secretEXAMPLE";
constexpr std::string_view kToken = "tokenEXAMPLE";
constexpr std::string_view kWebToken = "eyJ.WEB.TOKEN";
const std::string kSts = "https://sts.us-west-2.amazonaws.com";
const std::string kPodIdentity = "http://169.254.170.23/v1/credentials";
const std::string kRoles = "meta-data/iam/security-credentials/";

class FakeClock final : public base::Clock {
 public:
  base::Instant now() const override { return now_; }
  bool wait_until(base::SteadyTime until, std::stop_token) const override {
    now_ = now_ + (until - now_.steady);
    return true;
  }

 private:
  mutable base::Instant now_{base::SteadyTime(seconds(1000)),
                             base::WallTime(seconds(1765972800))};  // 2025-12-17T12:00:00Z
};

/// STS or the container endpoint: answers as told, and as usual when nothing is told.
struct FakeService final : http::Client {
  std::string usual;
  std::deque<http::Response> next;
  bool silent = false;
  std::vector<http::Request> requests;

  Result<http::Response> send(const http::Request& request, const std::stop_token&) override {
    requests.push_back(request);
    if (silent) {
      return Error{Errc::timeout, request.url + ": no answer"};
    }
    http::Response answer{200, {}, usual};
    if (!next.empty()) {
      answer = next.front();
      next.pop_front();
    }
    return answer;
  }
  Result<http::Response> stream(const http::Request&, const http::Chunk&,
                                const std::stop_token&) override {
    return Error{Errc::unsupported, "no stream"};
  }
};

struct FakeImds final : Imds {
  std::map<std::string, std::string> tree;
  bool down = false;
  Result<InstanceIdentity> identity() override { return Error{}; }
  Result<std::vector<ImdsEni>> enis() override { return Error{}; }
  Result<std::vector<net::Cidr>> vpc_ipv4_cidrs(const net::Mac&) override { return Error{}; }
  Result<std::vector<net::Cidr>> vpc_ipv6_cidrs(const net::Mac&) override { return Error{}; }
  Result<std::vector<net::SecurityGroupId>> security_groups(const net::Mac&) override {
    return Error{};
  }
  Result<std::optional<std::string>> get(const std::string& path) override {
    if (down) {
      return Error{Errc::unavailable, "read " + path + ": no answer"};
    }
    const auto found = tree.find(path);
    return found == tree.end() ? std::optional<std::string>() : std::optional(found->second);
  }
};

class Directory {
 public:
  Directory() {
    char name[] = "/tmp/credentials_test.XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

std::string json(const std::string& id, const std::string& expiration) {
  return R"({"AccessKeyId":")" + id + R"(","SecretAccessKey":")" + std::string(kSecret) +
         R"(","Token":")" + std::string(kToken) + R"(","AccountId":"111122223333","Expiration":")" +
         expiration + "\"}";
}

std::string imds_json(const std::string& code) {
  return R"({"Code":")" + code + R"(","Message":"why",)" +
         json("ASIAIMDS", "2025-12-17T18:10:00Z").substr(1);
}

std::string sts_xml(const std::string& id) {
  return "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
         "<AssumeRoleWithWebIdentityResult><Audience>sts.amazonaws.com</Audience><Credentials>"
         "<AccessKeyId>" +
         id + "</AccessKeyId><SecretAccessKey>" + std::string(kSecret) +
         "</SecretAccessKey><SessionToken>" + std::string(kToken) +
         "</SessionToken><Expiration>2025-12-17T13:00:00Z</Expiration></Credentials>"
         "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
}

http::Response sts_error(int status, const std::string& code) {
  return {status,
          {},
          "<ErrorResponse><Error><Type>Sender</Type><Code>" + code +
              "</Code><Message>m</Message></Error></ErrorResponse>"};
}

struct Site {
  Site() { imds.tree = {{kRoles, "node-role"}, {kRoles + "node-role", imds_json("Success")}}; }

  CredentialVariables irsa() const {
    CredentialVariables out;
    out.role_arn = "arn:aws:iam::111122223333:role/aws-node";
    out.web_identity_token_file = directory.write("web", kWebToken);
    return out;
  }
  static CredentialVariables pod_identity() {
    CredentialVariables out;
    out.container_full_uri = kPodIdentity;
    out.container_token = "authorization";
    return out;
  }
  std::unique_ptr<CredentialSource> source(const CredentialVariables& variables) {
    return make_source(variables, kSts, service, imds, clock, "/ca.pem");
  }
  Result<TimedCredentials> fetch(const CredentialVariables& variables) {
    return source(variables)->fetch();
  }

  Directory directory;
  FakeClock clock;
  FakeService service;
  FakeImds imds;
};

std::string_view code_of(const auto& result) {
  return result ? std::string_view("success") : to_string(result.error().code);
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("credentials: the first configured source is the source") {
  Site site;
  CredentialVariables all = site.irsa();
  all.access_key = "AKIASTATIC";
  all.secret_key = kSecret;
  all.container_full_uri = kPodIdentity;
  all.container_relative_uri = "/v2/credentials";

  const auto fixed = site.fetch(all);
  REQUIRE(fixed);
  CHECK(fixed->keys.access_key == "AKIASTATIC");
  CHECK_FALSE(fixed->expires);
  CHECK(site.service.requests.empty());

  all.secret_key.clear();  // half a pair is none
  site.service.usual = sts_xml("ASIASTS");
  CHECK(site.fetch(all)->keys.access_key == "ASIASTS");
  CHECK(site.service.requests.back().url == kSts);

  all.web_identity_token_file.clear();
  site.service.usual = json("ASIAPOD", "2025-12-17T18:00:00Z");
  CHECK(site.fetch(all)->keys.access_key == "ASIAPOD");
  CHECK(site.service.requests.back().url == kPodIdentity);

  all.container_full_uri.clear();
  CHECK(site.fetch(all));
  CHECK(site.service.requests.back().url == "http://169.254.170.2/v2/credentials");

  all.container_relative_uri.clear();
  CHECK(site.fetch(all)->keys.access_key == "ASIAIMDS");
}

TEST_CASE("credentials: a source that fails has no successor") {
  Site site;
  site.service.next.assign(9, sts_error(403, "AccessDenied"));
  CHECK(code_of(site.fetch(site.irsa())) == "denied");
  CHECK(site.service.requests.size() == 1);
}

TEST_CASE("credentials: IRSA asks as the SDK does") {
  Site site;
  site.service.usual = sts_xml("ASIAEXAMPLE");
  CredentialVariables variables = site.irsa();
  const auto keys = site.fetch(variables);
  REQUIRE(keys);
  CHECK(keys->keys.access_key == "ASIAEXAMPLE");
  CHECK(keys->keys.secret_key == kSecret);
  CHECK(keys->keys.session_token == kToken);
  REQUIRE(keys->expires);
  CHECK(*keys->expires == base::WallTime(seconds(1765972800 + 3600)));
  const http::Request& request = site.service.requests.at(0);
  CHECK(request.method == "POST");
  CHECK(request.ca_file == "/ca.pem");
  CHECK(http::header(request.headers, "Content-Type") == "application/x-www-form-urlencoded");
  CHECK(http::header(request.headers, "Authorization").empty());
  CHECK(request.body ==
        "Action=AssumeRoleWithWebIdentity&"
        "RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Faws-node&"
        "RoleSessionName=1765972800000000000&Version=2011-06-15&WebIdentityToken=eyJ.WEB.TOKEN");
  // The token is rotated under us; a session may have a name.
  site.directory.write("web", "rotated");
  variables.role_session_name = "node@1";
  REQUIRE(site.fetch(variables));
  CHECK(contains(site.service.requests.back().body, "&WebIdentityToken=rotated"));
  CHECK(contains(site.service.requests.back().body, "&RoleSessionName=node%401&"));
}

TEST_CASE("credentials: IRSA retries and errors") {
  struct Row {
    http::Response answer;
    const char* code;
    std::size_t requests;
  };
  const Row rows[] = {{sts_error(400, "InvalidIdentityToken"), "unavailable", 3},
                      {sts_error(400, "IDPCommunicationError"), "unavailable", 3},
                      {sts_error(500, "InternalFailure"), "unavailable", 3},
                      {{503, {}, "gateway"}, "unavailable", 3},
                      {sts_error(403, "AccessDenied"), "denied", 1},
                      {sts_error(403, "IDPRejectedClaim"), "denied", 1},
                      {{400, {}, ""}, "invalid_argument", 1},
                      {{200, {}, ""}, "corrupt", 1},
                      {{200, {}, "garbage"}, "corrupt", 1},
                      {{200, {}, "<AssumeRoleWithWebIdentityResponse/>"}, "corrupt", 1}};
  for (const Row& row : rows) {
    INFO(row.answer.status << " " << row.answer.body);
    Site site;
    site.service.next.assign(9, row.answer);
    const auto keys = site.fetch(site.irsa());
    CHECK(code_of(keys) == row.code);
    CHECK(site.service.requests.size() == row.requests);
  }
  Site site;
  site.service.usual = sts_xml("ASIAEXAMPLE");
  site.service.next = {sts_error(400, "InvalidIdentityToken"), sts_error(503, "Unavailable")};
  CHECK(site.fetch(site.irsa()));
  CredentialVariables no_role = site.irsa();
  no_role.role_arn.clear();
  const auto without = site.fetch(no_role);
  REQUIRE_FALSE(without);
  CHECK(contains(without.error().message, "role ARN is not set"));
  CredentialVariables no_file = site.irsa();
  no_file.web_identity_token_file += ".missing";
  const auto unread = site.fetch(no_file);
  REQUIRE_FALSE(unread);
  CHECK(contains(unread.error().message, "AWS_WEB_IDENTITY_TOKEN_FILE"));
}

TEST_CASE("credentials: the container endpoint gets the token as it is in the file now") {
  Site site;
  site.service.usual = json("ASIAEXAMPLE", "2025-12-17T18:00:00Z");
  CredentialVariables variables = Site::pod_identity();
  variables.container_token_file = site.directory.write("pod", "first");
  const auto keys = site.fetch(variables);
  REQUIRE(keys);
  CHECK(keys->keys.secret_key == kSecret);
  CHECK(keys->keys.session_token == kToken);
  CHECK(keys->expires == base::WallTime(seconds(1765972800 + 6 * 3600)));
  site.directory.write("pod", "second");
  REQUIRE(site.fetch(variables));
  variables.container_token_file.clear();
  REQUIRE(site.fetch(variables));
  const char* tokens[] = {"first", "second", "authorization"};  // the file wins, no "Bearer"
  REQUIRE(site.service.requests.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const http::Request& request = site.service.requests[i];
    CHECK(request.method == "GET");
    CHECK(http::header(request.headers, "Authorization") == tokens[i]);
    CHECK(http::header(request.headers, "Accept") == "application/json");
    CHECK_FALSE(request.proxy);
  }
  for (const char* split : {"a\nb", "a\r", "a\n"}) {
    variables.container_token_file = site.directory.write("pod", split);
    CHECK(code_of(site.fetch(variables)) == "invalid_argument");
  }
  variables.container_token_file += ".missing";
  const auto unread = site.fetch(variables);
  REQUIRE_FALSE(unread);
  CHECK(contains(unread.error().message, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"));
  CHECK(site.service.requests.size() == 3);
}

TEST_CASE("credentials: the container endpoint's refusals") {
  const std::pair<int, std::size_t> rows[] = {{500, 3}, {503, 3}, {429, 3}, {400, 1},
                                              {401, 1}, {404, 1}, {302, 1}};
  for (const auto& [status, requests] : rows) {
    INFO(status);
    Site site;
    site.service.next.assign(9, {status, {}, R"({"code":"x","message":"y"})"});
    CHECK_FALSE(site.fetch(Site::pod_identity()));
    CHECK(site.service.requests.size() == requests);
  }
}

TEST_CASE("credentials: a relative URI cannot lead elsewhere") {
  Site site;
  for (const char* relative : {"@example.com/", ".example.com/", "4/x", ":80@example.com/"}) {
    CredentialVariables variables;
    variables.container_relative_uri = relative;
    CHECK_FALSE(site.fetch(variables));
  }
  CHECK(site.service.requests.empty());
}

TEST_CASE("credentials: the instance's role from IMDS") {
  Site site;
  for (const char* code : {"Success", "success"}) {
    site.imds.tree[kRoles + "node-role"] = imds_json(code);
    const auto keys = site.fetch({});
    REQUIRE(keys);
    CHECK(keys->keys.access_key == "ASIAIMDS");
    CHECK(keys->expires == base::WallTime(seconds(1765972800 + 6 * 3600 + 600)));
  }
  site.imds.tree[kRoles] = "node-role\nother";
  CHECK(site.fetch({}));
  site.imds.tree[kRoles + "node-role"] =
      R"({"code":"Success","accesskeyid":"a","SECRETACCESSKEY":"b","token":"c"})";
  CHECK(site.fetch({})->keys.session_token == "c");
  site.imds.tree[kRoles + "node-role"] = imds_json("AssumeRoleUnauthorizedAccess");
  const auto refused = site.fetch({});
  CHECK(code_of(refused) == "denied");
  CHECK(contains(refused.error().message, "AssumeRoleUnauthorizedAccess"));
  site.imds.tree.erase(kRoles + "node-role");
  CHECK(code_of(site.fetch({})) == "not_found");
  site.imds.tree[kRoles] = "\n";
  CHECK(code_of(site.fetch({})) == "not_found");
  site.imds.tree.erase(kRoles);
  const auto none = site.fetch({});
  REQUIRE_FALSE(none);
  CHECK(contains(none.error().message, "no EC2 IMDS role found"));
  site.imds.down = true;
  CHECK(code_of(site.fetch({})) == "unavailable");
}

struct CacheSite : Site {
  CacheSite() : cache(source(pod_identity()), clock) {
    service.usual = json("ASIAFIRST", "2025-12-17T13:00:00Z");  // in an hour
  }
  void pass(base::Duration time) const { clock.wait_for(time, {}); }
  std::string access_key() {
    const auto keys = cache.get();
    return keys ? keys->access_key : std::string(to_string(keys.error().code));
  }
  std::size_t fetched() const { return service.requests.size(); }
  CredentialCache cache;
};

TEST_CASE("credential cache: refreshed five minutes ahead") {
  CacheSite site;
  CHECK(site.access_key() == "ASIAFIRST");
  site.pass(minutes(54));
  CHECK(site.access_key() == "ASIAFIRST");
  CHECK(site.fetched() == 1);
  site.service.usual = json("ASIASECOND", "2025-12-17T14:00:00Z");
  site.pass(minutes(1));
  CHECK(site.access_key() == "ASIASECOND");
  CHECK(site.access_key() == "ASIASECOND");
  CHECK(site.fetched() == 2);
}

TEST_CASE("credential cache: an unexpired value outlives a failed refresh") {
  CacheSite site;
  CHECK(site.access_key() == "ASIAFIRST");
  site.pass(minutes(56));
  site.service.usual = "broken";
  for (int i = 0; i < 10; ++i) {
    CHECK(site.access_key() == "ASIAFIRST");
  }
  CHECK(site.fetched() == 2);  // not asked at each call
  site.pass(seconds(31));
  CHECK(site.access_key() == "ASIAFIRST");
  CHECK(site.fetched() == 3);
  site.pass(minutes(4));
  const auto expired = site.cache.get();
  CHECK(code_of(expired) == "corrupt");
  CHECK(contains(expired.error().message, "AWS credentials"));
  site.service.usual = json("ASIASECOND", "2025-12-17T14:00:00Z");
  CHECK(site.access_key() == "ASIASECOND");
}

TEST_CASE("credential cache: drop") {
  CacheSite site;
  CHECK(site.access_key() == "ASIAFIRST");
  site.service.usual = json("ASIASECOND", "2025-12-17T13:00:00Z");
  site.cache.drop();
  CHECK(site.access_key() == "ASIASECOND");
  site.cache.drop();
  site.service.usual = "broken";
  CHECK(site.access_key() == "corrupt");  // what was dropped does not come back
}

TEST_CASE("credential cache: an error names its source and no secret") {
  for (const auto* wanted : {"STS", "container credentials", "IMDS"}) {
    for (const int status : {0, 200, 400, 403, 503}) {
      Site site;
      const std::string name = wanted;
      site.service.silent = status == 0;
      site.service.next.assign(9, {status, {}, "{\"SecretAccessKey\":\"secretEXAMPLE\"}"});
      site.imds.tree[kRoles + "node-role"] = R"({"Code":"Failed","Token":"tokenEXAMPLE"})";
      CredentialVariables variables = name == "STS"    ? site.irsa()
                                      : name == "IMDS" ? CredentialVariables()
                                                       : Site::pod_identity();
      CredentialCache cache(site.source(variables), site.clock);
      const auto keys = cache.get();
      REQUIRE_FALSE(keys);
      const std::string& text = keys.error().message;
      INFO(status << " " << text);
      CHECK(contains(text, "AWS credentials"));
      CHECK(contains(text, name));
      for (const auto secret : {kSecret, kToken, kWebToken, std::string_view("authorization")}) {
        CHECK_FALSE(contains(text, secret));
      }
    }
  }
  Site site;
  site.imds.tree.clear();
  CredentialCache cache(site.source({}), site.clock);
  CHECK(code_of(cache.get()) == "denied");  // no role is a matter of permission
}

}  // namespace
}  // namespace vpccni::aws
