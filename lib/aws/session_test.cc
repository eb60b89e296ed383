// Which environment variable wins and what is refused (spec aws.md 1.1, 4.1, 5.1), and a session
// composed against an IMDS on the loopback.
#include "aws/session.h"

#include <catch2/catch.hpp>
#include <thread>

#include "http/server.h"

namespace vpccni::aws {
namespace {

using std::chrono::seconds;
using Environment = std::map<std::string, std::string>;

/// The EC2 URL that a session in us-west-2 would use.
std::string ec2_url(const Environment& environment) {
  const auto options = session_options(environment);
  if (!options) {
    return "error: " + options.error().message;
  }
  const auto url = service_endpoint("ec2", "us-west-2", options->ec2_endpoint);
  return url ? *url : "error: " + url.error().message;
}

std::string sts_url(const Environment& environment) {
  const auto options = session_options(environment);
  REQUIRE(options);
  return *service_endpoint("sts", "us-west-2", options->sts_endpoint);
}

TEST_CASE("session: which endpoint of EC2 wins") {
  const std::pair<std::string, std::string> own{"AWS_EC2_ENDPOINT", "http://localhost:1"};
  const std::pair<std::string, std::string> service{"AWS_ENDPOINT_URL_EC2", "http://localhost:2"};
  const std::pair<std::string, std::string> all{"AWS_ENDPOINT_URL", "http://localhost:3"};
  const std::pair<std::string, std::string> ignore{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE"};
  const std::string rule = "https://ec2.us-west-2.amazonaws.com";
  CHECK(ec2_url({}) == rule);
  CHECK(ec2_url({own, service, all}) == "http://localhost:1");
  CHECK(ec2_url({service, all}) == "http://localhost:2");
  CHECK(ec2_url({all}) == "http://localhost:3");
  CHECK(ec2_url({service, all, ignore}) == rule);
  CHECK(ec2_url({own, service, all, ignore}) == "http://localhost:1");
  CHECK(ec2_url({{"AWS_EC2_ENDPOINT", ""}, all}) == "http://localhost:3");
  CHECK(ec2_url({all, {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false"}}) == "http://localhost:3");
}

TEST_CASE("session: which endpoint of STS wins, and IMDS is not redirected") {
  const Environment environment{{"AWS_ENDPOINT_URL", "http://localhost:3"},
                                {"AWS_ENDPOINT_URL_STS", "http://localhost:4"}};
  CHECK(sts_url({}) == "https://sts.us-west-2.amazonaws.com");
  CHECK(sts_url({{"AWS_EC2_ENDPOINT", "http://localhost:1"}}) ==
        "https://sts.us-west-2.amazonaws.com");
  CHECK(sts_url({{"AWS_ENDPOINT_URL", "http://localhost:3"}}) == "http://localhost:3");
  CHECK(sts_url(environment) == "http://localhost:4");
  CHECK(session_options(environment)->imds.endpoint == "http://169.254.169.254");
}

TEST_CASE("session: FIPS and dual-stack") {
  const std::pair<std::string, std::string> fips{"AWS_USE_FIPS_ENDPOINT", "True"};
  const std::pair<std::string, std::string> dual{"AWS_USE_DUALSTACK_ENDPOINT", "true"};
  CHECK(ec2_url({fips}) == "https://ec2-fips.us-west-2.amazonaws.com");
  CHECK(ec2_url({dual}) == "https://ec2.us-west-2.api.aws");
  CHECK(ec2_url({fips, dual}) == "https://ec2-fips.us-west-2.api.aws");
  CHECK(sts_url({fips}) == "https://sts-fips.us-west-2.amazonaws.com");
  CHECK(ec2_url({fips, {"AWS_EC2_ENDPOINT", "http://localhost:1"}}) == "http://localhost:1");
  CHECK(ec2_url({{"AWS_USE_FIPS_ENDPOINT", ""}}) == "https://ec2.us-west-2.amazonaws.com");
}

TEST_CASE("session: what cannot be used is an error that names the variable") {
  const std::pair<const char*, const char*> rows[] = {
      {"AWS_USE_FIPS_ENDPOINT", "1"},
      {"AWS_USE_FIPS_ENDPOINT", "yes"},
      {"AWS_USE_DUALSTACK_ENDPOINT", "on"},
      {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "2"},
      {"AWS_EC2_METADATA_V1_DISABLED", "maybe"},
      {"AWS_EC2_METADATA_SERVICE_ENDPOINT", "169.254.169.254"},
      {"AWS_EC2_METADATA_SERVICE_ENDPOINT", "ftp://169.254.169.254"},
      {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5"},
      {"AWS_EC2_ENDPOINT", "localhost:8080"},
      {"AWS_ENDPOINT_URL_EC2", "ftp://localhost"},
      {"AWS_ENDPOINT_URL_STS", "http://"},
      {"AWS_ENDPOINT_URL", "http://user@localhost"},
      {"AWS_MAX_ATTEMPTS", "three"},
      {"AWS_MAX_ATTEMPTS", "0"},
      {"AWS_MAX_ATTEMPTS", "-1"},
      {"AWS_MAX_ATTEMPTS", "99999999999"}};
  for (const auto& [name, value] : rows) {
    INFO(name << "=" << value);
    const auto options = session_options({{name, value}});
    REQUIRE_FALSE(options);
    CHECK(options.error().code == Errc::invalid_argument);
    CHECK(options.error().message.find(name) != std::string::npos);
  }
}

TEST_CASE("session: attempts and time-outs") {
  CHECK(session_options({})->attempts == 3);
  CHECK(session_options({{"AWS_MAX_ATTEMPTS", "1"}})->attempts == 1);
  CHECK(session_options({{"AWS_MAX_ATTEMPTS", "10"}})->attempts == 10);
  const std::pair<const char*, int> rows[] = {
      {"", 10},       {"10", 10},   {"11", 11},     {"60", 60},
      {"7200", 7200}, {"9", 10},    {"0", 10},      {"-20", 10},
      {"20s", 10},    {"20.5", 10}, {"twenty", 10}, {"99999999999999999999", 10}};
  for (const auto& [text, wanted] : rows) {
    INFO(text);
    CHECK(session_options({{"HTTP_TIMEOUT", text}})->timeout == seconds(wanted));
  }
  CHECK(session_options({})->timeout == seconds(10));
}

TEST_CASE("session: IMDS, credentials, trust and name") {
  CHECK(session_options({{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6"}})->imds.endpoint ==
        "http://[fd00:ec2::254]");
  CHECK(session_options({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://localhost:5"},
                         {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"}})
            ->imds.endpoint == "http://localhost:5");
  CHECK(session_options({{"AWS_EC2_METADATA_DISABLED", "TRUE"}})->imds.disabled);
  CHECK_FALSE(session_options({{"AWS_EC2_METADATA_DISABLED", "no"}})->imds.disabled);
  CHECK(session_options({{"AWS_EC2_METADATA_V1_DISABLED", "true"}})->imds.v1_disabled);

  const auto first = session_options({{"AWS_ACCESS_KEY_ID", "a"},
                                      {"AWS_ACCESS_KEY", "b"},
                                      {"AWS_SECRET_KEY", "c"},
                                      {"AWS_SESSION_TOKEN", "d"}});
  REQUIRE(first);
  CHECK(first->credentials.access_key == "a");
  CHECK(first->credentials.secret_key == "c");
  CHECK(first->credentials.session_token == "d");
  const auto second = session_options({{"AWS_ROLE_ARN", "e"},
                                       {"AWS_WEB_IDENTITY_TOKEN_FILE", "f"},
                                       {"AWS_ROLE_SESSION_NAME", "g"},
                                       {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "h"},
                                       {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "i"},
                                       {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "j"},
                                       {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "k"},
                                       {"AWS_CA_BUNDLE", "/ca.pem"},
                                       {"VPC_CNI_VERSION", "v1.2.3"}});
  REQUIRE(second);
  CHECK(second->credentials.role_arn == "e");
  CHECK(second->credentials.web_identity_token_file == "f");
  CHECK(second->credentials.role_session_name == "g");
  CHECK(second->credentials.container_full_uri == "h");
  CHECK(second->credentials.container_relative_uri == "i");
  CHECK(second->credentials.container_token_file == "j");
  CHECK(second->credentials.container_token == "k");
  CHECK(second->ca_file == "/ca.pem");
  CHECK(second->user_agent.find("amazon-vpc-cni-k8s/v1.2.3") == 0);
}

/// IMDS on the loopback that knows one document.
class LoopbackImds {
 public:
  explicit LoopbackImds(std::string region) {
    server_ = std::make_unique<http::Server>(
        loop_,
        [region](const http::ServerRequest& request, const std::shared_ptr<http::Responder>& to) {
          http::ServerReply reply;
          if (request.path == "/latest/api/token") {
            reply.headers = {{"x-aws-ec2-metadata-token-ttl-seconds", "300"}};
            reply.body = "T1";
          } else if (request.path == "/latest/meta-data/placement/region" ||
                     request.path == "/latest/dynamic/instance-identity/document") {
            const bool plain = request.path.ends_with("region");
            reply.body = plain ? region : "{\"region\":\"" + region + "\"}";
          } else {
            reply.status = 404;
          }
          to->reply(reply);
        });
    const auto port = server_->listen_tcp("127.0.0.1", 0);
    REQUIRE(port);
    url_ = "http://127.0.0.1:" + std::to_string(*port);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~LoopbackImds() {
    loop_.stop();
    thread_.join();
  }
  const std::string& url() const { return url_; }

 private:
  event::Loop loop_;
  std::unique_ptr<http::Server> server_;
  std::string url_;
  std::thread thread_;
};

struct JumpingClock final : base::Clock {
  base::Instant now() const override { return now_; }
  bool wait_until(base::SteadyTime until, std::stop_token) const override {
    now_ = now_ + (until - now_.steady);
    return true;
  }
  mutable base::Instant now_{};
};

TEST_CASE("session: opened, it knows its region and has its parts") {
  const LoopbackImds imds("eu-central-1\n");
  const JumpingClock clock;
  const auto options = session_options({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.url()},
                                        {"AWS_ACCESS_KEY_ID", "a"},
                                        {"AWS_SECRET_ACCESS_KEY", "b"}});
  REQUIRE(options);
  const auto plain = open_session(*options, clock, nullptr);
  REQUIRE(plain);
  CHECK((*plain)->region == "eu-central-1");
  CHECK((*plain)->credentials->get()->access_key == "a");
  CHECK_FALSE((*plain)->measured_ec2);
  CHECK(&(*plain)->ec2() == (*plain)->paced_ec2.get());
  metrics::Registry registry;
  const auto measured = open_session(*options, clock, &registry);
  REQUIRE(measured);
  CHECK((*measured)->measured_ec2);
}

/// IMDS with the role's keys, numbered from 1, and EC2, on one loopback port. EC2 takes the keys
/// number 1 once only, then says that they expired.
class LoopbackAws {
 public:
  LoopbackAws() {
    server_ = std::make_unique<http::Server>(
        loop_,
        [this](const http::ServerRequest& request, const std::shared_ptr<http::Responder>& to) {
          to->reply(request.path == "/" ? ec2(request) : imds(request));
        });
    const auto port = server_->listen_tcp("127.0.0.1", 0);
    REQUIRE(port);
    url = "http://127.0.0.1:" + std::to_string(*port);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~LoopbackAws() { end(); }
  /// Afterwards the members may be read.
  void end() {
    if (thread_.joinable()) {
      loop_.stop();
      thread_.join();
    }
  }

  std::string url;
  std::string deny;                 // an action that IAM does not allow
  int fetched = 0;                  // of the role's keys
  std::vector<std::string> keys;    // that EC2 saw, in order
  std::vector<std::string> agents;  // user agents that EC2 saw

 private:
  http::ServerReply imds(const http::ServerRequest& request) {
    const std::string role = "/latest/meta-data/iam/security-credentials/";
    http::ServerReply reply;
    if (request.path == "/latest/api/token") {
      reply.headers = {{"x-aws-ec2-metadata-token-ttl-seconds", "300"}};
      reply.body = "T1";
    } else if (request.path == "/latest/meta-data/placement/region") {
      reply.body = "us-west-2";
    } else if (request.path == role) {
      reply.body = "node";
    } else if (request.path == role + "node") {
      const std::string n = std::to_string(++fetched);
      reply.body = R"({"Code":"Success","AccessKeyId":"AKID)" + n +
                   R"(","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"})";
    } else {
      reply.status = 404;
    }
    return reply;
  }
  http::ServerReply ec2(const http::ServerRequest& request) {
    const std::string proof(http::header(request.headers, "Authorization"));
    const auto at = proof.find("Credential=") + 11;
    keys.push_back(proof.substr(at, proof.find('/', at) - at));
    agents.emplace_back(http::header(request.headers, "User-Agent"));
    const auto refuse = [](int status, const std::string& code) {
      return http::ServerReply{
          .status = status,
          .body = "<Response><Errors><Error><Code>" + code + "</Code></Error></Errors></Response>"};
    };
    if (keys.back() == "AKID1" && keys.size() > 1) {
      return refuse(400, "RequestExpired");
    }
    if (!deny.empty() && request.body.find("Action=" + deny + "&") != std::string::npos) {
      return refuse(403, "UnauthorizedOperation");
    }
    return {.body = "<AnyResponse><return>true</return></AnyResponse>"};
  }

  event::Loop loop_;
  std::unique_ptr<http::Server> server_;
  std::thread thread_;
};

TEST_CASE("session: keys that expire in the middle are fetched anew, nothing is lost") {
  LoopbackAws aws;
  const base::SystemClock clock;
  auto options = session_options(
      {{"AWS_EC2_METADATA_SERVICE_ENDPOINT", aws.url}, {"VPC_CNI_VERSION", "v1.21.1"}});
  REQUIRE(options);
  options->ec2_endpoint.explicit_url = aws.url;
  const auto session = open_session(*options, clock, nullptr);
  REQUIRE(session);
  for (int i = 0; i < 3; ++i) {
    REQUIRE((*session)->ec2().remove(net::EniId("eni-1")));
  }
  aws.end();
  CHECK(aws.fetched == 2);
  CHECK(aws.keys == std::vector<std::string>{"AKID1", "AKID1", "AKID2", "AKID2"});
  for (const auto& agent : aws.agents) {
    CHECK(agent.starts_with("amazon-vpc-cni-k8s/v1.21.1"));  // Q13
  }
}

TEST_CASE("session: who listens hears which action is denied") {
  LoopbackAws aws;
  aws.deny = "DetachNetworkInterface";
  const base::SystemClock clock;
  auto options = session_options({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", aws.url}});
  REQUIRE(options);
  options->ec2_endpoint.explicit_url = aws.url;
  std::vector<std::string> denied;
  options->listener.denied = [&](std::string_view action) { denied.emplace_back(action); };
  metrics::Registry registry;
  const auto session = open_session(*options, clock, &registry);
  REQUIRE(session);
  REQUIRE((*session)->ec2().remove(net::EniId("eni-1")));
  const auto result = (*session)->ec2().detach(net::AttachmentId("eni-attach-1"));
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Errc::denied);
  CHECK(denied == std::vector<std::string>{"DetachNetworkInterface"});
}

TEST_CASE("session: no usable region, no session") {
  const JumpingClock clock;
  for (const char* region : {"", " \n", "evil.example/", "a b"}) {
    INFO(region);
    const LoopbackImds imds(region);
    SessionOptions options;
    options.imds.endpoint = imds.url();
    CHECK_FALSE(open_session(options, clock, nullptr));
    // Nor with explicit endpoints: the region is part of every signature.
    options.ec2_endpoint.explicit_url = "http://localhost:1";
    options.sts_endpoint.explicit_url = "http://localhost:1";
    CHECK_FALSE(open_session(options, clock, nullptr));
  }
  SessionOptions nobody;
  nobody.imds.endpoint = "http://127.0.0.1:1";
  const auto session = open_session(nobody, clock, nullptr);
  REQUIRE_FALSE(session);
  CHECK(session.error().message.find("http://127.0.0.1:1") != std::string::npos);
}

}  // namespace
}  // namespace vpccni::aws
