#include <algorithm>
#include <array>
#include <ctime>
#include <pugixml.hpp>

#include "aws/credentials.h"
#include "aws/endpoints.h"
#include "base/files.h"
#include "base/json.h"
#include "base/retry.h"
#include "base/text.h"

namespace vpccni::aws {

namespace {

using std::chrono::seconds;

constexpr std::size_t kTokenLimit = 65536;
constexpr base::Backoff kAttempts{
    .first = seconds(1), .max = seconds(4), .jitter = 0.5, .multiple = 2, .tries = 3};

bool transient(const Error& error) {
  return error.code == Errc::unavailable || error.code == Errc::timeout ||
         error.code == Errc::throttled;
}

Errc code_of(int status) {
  return status >= 500                    ? Errc::unavailable
         : status == 429                  ? Errc::throttled
         : status == 401 || status == 403 ? Errc::denied
                                          : Errc::invalid_argument;
}

class StaticSource final : public CredentialSource {
 public:
  explicit StaticSource(Credentials keys) : keys_(std::move(keys)) {}
  Result<TimedCredentials> fetch() override { return TimedCredentials{keys_, std::nullopt}; }

 private:
  Credentials keys_;
};

class WebIdentitySource final : public CredentialSource {
 public:
  WebIdentitySource(const CredentialVariables& variables, std::string url, http::Client& client,
                    const base::Clock& clock, std::string ca_file)
      : variables_(variables),
        url_(std::move(url)),
        client_(client),
        clock_(clock),
        ca_file_(std::move(ca_file)) {}

  Result<TimedCredentials> fetch() override {
    if (variables_.role_arn.empty()) {
      return Error{Errc::invalid_argument, "IRSA: role ARN is not set (AWS_ROLE_ARN)"};
    }
    return base::retry(clock_, kAttempts, {}, transient, [&] { return ask(); });
  }

 private:
  Result<TimedCredentials> ask() {
    // Read anew each time: the kubelet rotates it.
    VPCCNI_TRY(const auto token,
               wrap(base::read_file(variables_.web_identity_token_file, kTokenLimit),
                    "IRSA token (AWS_WEB_IDENTITY_TOKEN_FILE)"));
    const std::string session = variables_.role_session_name.empty()
                                    ? std::to_string(clock_.now().wall.time_since_epoch().count())
                                    : variables_.role_session_name;
    http::Request request;
    request.method = "POST";
    request.url = url_;
    request.ca_file = ca_file_;
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    request.body =
        "Action=AssumeRoleWithWebIdentity&RoleArn=" + base::percent_encode(variables_.role_arn) +
        "&RoleSessionName=" + base::percent_encode(session) +
        "&Version=2011-06-15&WebIdentityToken=" + base::percent_encode(base::trim(token));
    VPCCNI_TRY(const auto answer, wrap(client_.send(request), "STS"));
    if (answer.status != 200) {
      pugi::xml_document document;
      document.load_buffer(answer.body.data(), answer.body.size());
      const auto error = document.child("ErrorResponse").child("Error");
      const std::string code = error.child_value("Code");
      const bool again = code == "InvalidIdentityToken" || code == "IDPCommunicationError";
      return Error{again ? Errc::unavailable : code_of(answer.status),
                   "STS AssumeRoleWithWebIdentity: HTTP " + std::to_string(answer.status) + " " +
                       code + ": " + std::string(error.child_value("Message")).substr(0, 300),
                   code};
    }
    return wrap(parse_web_identity(answer.body), "STS AssumeRoleWithWebIdentity");
  }

  CredentialVariables variables_;
  std::string url_;
  http::Client& client_;
  const base::Clock& clock_;
  std::string ca_file_;
};

class ContainerSource final : public CredentialSource {
 public:
  ContainerSource(const CredentialVariables& variables, http::Client& client,
                  const base::Clock& clock)
      : variables_(variables), client_(client), clock_(clock) {}

  Result<TimedCredentials> fetch() override {
    return base::retry(clock_, kAttempts, {}, transient, [&] { return ask(); });
  }

 private:
  Result<std::string> authorization() const {
    std::string token = variables_.container_token;
    if (!variables_.container_token_file.empty()) {
      VPCCNI_TRY(token, wrap(base::read_file(variables_.container_token_file, kTokenLimit),
                             "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"));
    }
    if (token.find_first_of("\r\n") != std::string::npos) {
      return Error{Errc::invalid_argument, "the container authorization token has a line break"};
    }
    return token;
  }

  Result<TimedCredentials> ask() {
    http::Request request;
    request.url = variables_.container_full_uri.empty()
                      ? "http://169.254.170.2" + variables_.container_relative_uri
                      : variables_.container_full_uri;
    request.proxy = false;
    VPCCNI_CHECK(check_container_uri(request.url));
    VPCCNI_TRY(const auto token, authorization());
    request.headers = {{"Accept", "application/json"}};
    if (!token.empty()) {
      request.headers.emplace_back("Authorization", token);
    }
    VPCCNI_TRY(const auto answer, wrap(client_.send(request), "container credentials"));
    if (answer.status / 100 != 2) {
      return Error{code_of(answer.status),
                   "container credentials: HTTP " + std::to_string(answer.status)};
    }
    return wrap(parse_container_credentials(answer.body), "container credentials");
  }

  CredentialVariables variables_;
  http::Client& client_;
  const base::Clock& clock_;
};

class ImdsSource final : public CredentialSource {
 public:
  explicit ImdsSource(Imds& imds) : imds_(imds) {}

  Result<TimedCredentials> fetch() override {
    const std::string base = "meta-data/iam/security-credentials/";
    VPCCNI_TRY(const auto roles, imds_.get(base));
    const auto words = roles ? base::words(*roles) : std::vector<std::string_view>();
    if (words.empty()) {
      return Error{Errc::not_found,
                   "no EC2 IMDS role found: give the instance a role, or the pod "
                   "IRSA or pod identity"};
    }
    VPCCNI_TRY(const auto body, imds_.get(base + std::string(words.front())));
    if (!body) {
      return Error{Errc::not_found, "IMDS has no credentials for the instance's role"};
    }
    return wrap(parse_imds_credentials(*body), "credentials of the instance's role from IMDS");
  }

 private:
  Imds& imds_;
};

Result<TimedCredentials> complete(Credentials keys, const std::string& expiration) {
  if (keys.access_key.empty() || keys.secret_key.empty()) {
    return Error{Errc::corrupt, "credentials came without an access key or secret"};
  }
  const auto unfit = [](const std::string& text) {  // they go into headers
    return std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c > '~'; });
  };
  if (unfit(keys.access_key) || unfit(keys.secret_key) || unfit(keys.session_token)) {
    return Error{Errc::corrupt, "credentials came with blanks or control characters in them"};
  }
  TimedCredentials timed{std::move(keys), std::nullopt};
  if (!expiration.empty()) {
    VPCCNI_TRY(timed.expires, wrap(parse_time(expiration), "expiration of credentials"));
  }
  return timed;
}

/// Member by name in any letter case, as Go decodes.
std::string member(const base::Json& object, std::string_view name) {
  if (object.is_object()) {
    for (auto it = object.begin(); it != object.end(); ++it) {
      if (base::iequals(it.key(), name) && it.value().is_string()) {
        return it.value().get<std::string>();
      }
    }
  }
  return {};
}

}  // namespace

Result<base::WallTime> parse_time(std::string_view text) {
  std::tm utc{};
  const std::string copy(text.substr(0, 64));
  const char* end = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
  if (end != nullptr && *end == '.') {
    const std::string_view rest(end + 1);
    end += 1 + std::min(rest.find_first_not_of("0123456789"), rest.size());
  }
  if (end == nullptr || std::string_view(end) != "Z") {
    return Error{Errc::corrupt, "time expected (RFC 3339, UTC), got \"" + copy + "\""};
  }
  utc.tm_year = std::clamp(utc.tm_year, 70, 300);  // what nanoseconds since 1970 can hold
  return base::WallTime(seconds(timegm(&utc)));
}

Result<TimedCredentials> parse_container_credentials(std::string_view json) {
  VPCCNI_TRY(const auto document, base::parse_json(json, {.bytes = kTokenLimit, .depth = 8}));
  return complete({member(document, "AccessKeyId"), member(document, "SecretAccessKey"),
                   member(document, "Token")},
                  member(document, "Expiration"));
}

Result<TimedCredentials> parse_imds_credentials(std::string_view json) {
  VPCCNI_TRY(const auto document, base::parse_json(json, {.bytes = kTokenLimit, .depth = 8}));
  const std::string code = member(document, "Code");
  if (!base::iequals(code, "Success")) {
    return Error{Errc::denied, "IMDS gives no credentials: " + code.substr(0, 64) + " " +
                                   member(document, "Message").substr(0, 300)};
  }
  return parse_container_credentials(json);
}

Result<TimedCredentials> parse_web_identity(std::string_view xml) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size())) {
    return Error{Errc::corrupt, "STS answers something that is no XML"};
  }
  const auto keys = document.child("AssumeRoleWithWebIdentityResponse")
                        .child("AssumeRoleWithWebIdentityResult")
                        .child("Credentials");
  return complete({keys.child_value("AccessKeyId"), keys.child_value("SecretAccessKey"),
                   keys.child_value("SessionToken")},
                  keys.child_value("Expiration"));
}

Result<> check_container_uri(const std::string& uri) {
  VPCCNI_TRY(const auto parts, wrap(split_url(uri), "AWS_CONTAINER_CREDENTIALS_FULL_URI"));
  if (parts.scheme == "https") {
    return {};
  }
  // Split strictly: behind the host comes a port or nothing, whatever the HTTP client would make of
  // anything else.
  const std::string_view authority = parts.authority;
  const bool bracketed = authority.front() == '[';
  const auto end = std::min(authority.find(bracketed ? ']' : ':'), authority.size());
  const std::string host(bracketed ? authority.substr(1, end - 1) : authority.substr(0, end));
  const auto rest = authority.substr(std::min(end + (bracketed ? 1U : 0U), authority.size()));
  const bool closed = !bracketed || end < authority.size();
  const bool only_port =
      rest.empty() || (rest.front() == ':' && rest.find_first_not_of("0123456789", 1) == rest.npos);
  constexpr std::array<std::string_view, 5> kKnown = {"169.254.170.2", "169.254.170.23",
                                                      "fd00:ec2::23", "localhost", "::1"};
  const auto ip = net::Ip::parse(host);
  const bool loopback = ip && ip->is_v4() && (ip->to_v4() >> 24U) == 127;
  const bool known = loopback || std::find(kKnown.begin(), kKnown.end(), host) != kKnown.end();
  if (known && closed && only_port) {
    return {};
  }
  return Error{Errc::denied,
               "AWS_CONTAINER_CREDENTIALS_FULL_URI: plain http is allowed only to "
               "loopback and the EKS and ECS addresses, not to " +
                   parts.authority};
}

std::unique_ptr<CredentialSource> make_source(const CredentialVariables& variables,
                                              std::string sts_url, http::Client& client, Imds& imds,
                                              const base::Clock& clock,
                                              const std::string& ca_file) {
  if (!variables.access_key.empty() && !variables.secret_key.empty()) {
    return std::make_unique<StaticSource>(
        Credentials{variables.access_key, variables.secret_key, variables.session_token});
  }
  if (!variables.web_identity_token_file.empty()) {
    return std::make_unique<WebIdentitySource>(variables, std::move(sts_url), client, clock,
                                               ca_file);
  }
  if (!variables.container_full_uri.empty() || !variables.container_relative_uri.empty()) {
    return std::make_unique<ContainerSource>(variables, client, clock);
  }
  return std::make_unique<ImdsSource>(imds);
}

}  // namespace vpccni::aws
