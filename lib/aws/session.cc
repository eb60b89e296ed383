#include "aws/session.h"

namespace vpccni::aws {

namespace {

using Environment = std::map<std::string, std::string>;

constexpr std::string_view kImdsV6 = "http://[fd00:ec2::254]";

std::string variable(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

/// "true" or "false" in any case, unset or empty is false.
Result<bool> flag(const Environment& environment, const std::string& name) {
  const std::string text = variable(environment, name);
  if (text.empty() || base::iequals(text, "false")) {
    return false;
  }
  if (base::iequals(text, "true")) {
    return true;
  }
  return Error{Errc::invalid_argument, name + " must be true or false, not \"" + text + "\""};
}

/// The first of the variables that is set, or "". Errors name it.
Result<std::string> url(const Environment& environment, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (auto text = variable(environment, name); !text.empty()) {
      VPCCNI_TRY([[maybe_unused]] const auto parts, wrap(split_url(text), name));
      return text;
    }
  }
  return std::string();
}

std::string first_of(std::initializer_list<std::string> texts) {
  for (const auto& text : texts) {
    if (!text.empty()) {
      return text;
    }
  }
  return {};
}

Result<> read_endpoints(const Environment& environment, SessionOptions& options) {
  VPCCNI_TRY(const bool ignored, flag(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"));
  VPCCNI_TRY(const bool fips, flag(environment, "AWS_USE_FIPS_ENDPOINT"));
  VPCCNI_TRY(const bool dual_stack, flag(environment, "AWS_USE_DUALSTACK_ENDPOINT"));
  const Environment configured = ignored ? Environment() : environment;
  VPCCNI_TRY(auto ec2, url(environment, {"AWS_EC2_ENDPOINT"}));
  if (ec2.empty()) {
    VPCCNI_TRY(ec2, url(configured, {"AWS_ENDPOINT_URL_EC2", "AWS_ENDPOINT_URL"}));
  }
  VPCCNI_TRY(auto sts, url(configured, {"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"}));
  options.ec2_endpoint = {std::move(ec2), fips, dual_stack};
  options.sts_endpoint = {std::move(sts), fips, dual_stack};
  return {};
}

Result<> read_imds(const Environment& environment, SessionOptions& options) {
  const std::string url = variable(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
  const std::string mode = variable(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
  if (!url.empty()) {
    if (auto parts = split_url(url); !parts) {
      return wrap(std::move(parts).error(), "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    }
    options.imds.endpoint = url;
  } else if (base::iequals(mode, "IPv6")) {
    options.imds.endpoint = kImdsV6;
  } else if (!mode.empty() && !base::iequals(mode, "IPv4")) {
    return Error{
        Errc::invalid_argument,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE must be IPv4 or IPv6, not \"" + mode + "\""};
  }
  options.imds.disabled = base::iequals(variable(environment, "AWS_EC2_METADATA_DISABLED"), "true");
  VPCCNI_TRY(options.imds.v1_disabled, flag(environment, "AWS_EC2_METADATA_V1_DISABLED"));
  return {};
}

CredentialVariables read_credentials(const Environment& environment) {
  const auto text = [&](const std::string& name) { return variable(environment, name); };
  CredentialVariables out;
  out.access_key = first_of({text("AWS_ACCESS_KEY_ID"), text("AWS_ACCESS_KEY")});
  out.secret_key = first_of({text("AWS_SECRET_ACCESS_KEY"), text("AWS_SECRET_KEY")});
  out.session_token = text("AWS_SESSION_TOKEN");
  out.role_arn = text("AWS_ROLE_ARN");
  out.web_identity_token_file = text("AWS_WEB_IDENTITY_TOKEN_FILE");
  out.role_session_name = text("AWS_ROLE_SESSION_NAME");
  out.container_full_uri = text("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  out.container_relative_uri = text("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  out.container_token_file = text("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  out.container_token = text("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  return out;
}

}  // namespace

Result<SessionOptions> session_options(const Environment& environment) {
  SessionOptions options;
  VPCCNI_CHECK(read_endpoints(environment, options));
  VPCCNI_CHECK(read_imds(environment, options));
  options.credentials = read_credentials(environment);
  options.ca_file = variable(environment, "AWS_CA_BUNDLE");
  if (const auto attempts = variable(environment, "AWS_MAX_ATTEMPTS"); !attempts.empty()) {
    VPCCNI_TRY(options.attempts, wrap(base::parse_integer<int>(attempts), "AWS_MAX_ATTEMPTS"));
    if (options.attempts < 1 || options.attempts > 20) {
      return Error{Errc::invalid_argument, "AWS_MAX_ATTEMPTS must be 1 to 20"};
    }
  }
  const auto seconds = base::parse_integer<int>(variable(environment, "HTTP_TIMEOUT"));
  if (seconds && *seconds >= 10) {
    options.timeout = std::chrono::seconds(*seconds);
  }
  if (const auto version = variable(environment, "VPC_CNI_VERSION"); !version.empty()) {
    options.user_agent = "amazon-vpc-cni-k8s/" + version + " vpccni";
  }
  return options;
}

Result<std::unique_ptr<Session>> open_session(const SessionOptions& options,
                                              const base::Clock& clock,
                                              metrics::Registry* metrics) {
  auto session = std::make_unique<Session>();
  session->http = http::make_curl_client({.user_agent = options.user_agent});
  if (options.wrap_client) {
    session->http = options.wrap_client(std::move(session->http));
  }
  if (metrics != nullptr) {
    session->imds = std::make_unique<MeasuredImds>(*session->http, clock, options.imds, *metrics);
  } else {
    session->imds = std::make_unique<ImdsHttp>(*session->http, clock, options.imds);
  }
  VPCCNI_TRY(auto region, wrap(session->imds->get("meta-data/placement/region"),
                               "read the region from IMDS at " + options.imds.endpoint));
  if (!region || region->empty()) {
    return Error{Errc::corrupt, "IMDS at " + options.imds.endpoint + " names no region"};
  }
  session->region = base::trim(*region);
  VPCCNI_TRY(auto sts, service_endpoint("sts", session->region, options.sts_endpoint));
  VPCCNI_TRY(auto ec2, service_endpoint("ec2", session->region, options.ec2_endpoint));
  session->credentials = std::make_unique<CredentialCache>(
      make_source(options.credentials, std::move(sts), *session->http, *session->imds, clock,
                  options.ca_file),
      clock);
  Ec2Options ec2_options;
  ec2_options.endpoint = std::move(ec2);
  ec2_options.region = session->region;
  ec2_options.ca_file = options.ca_file;
  ec2_options.attempts = options.attempts;
  ec2_options.timeout = options.timeout;
  session->plain_ec2 = std::make_unique<Ec2Http>(*session->http, *session->credentials, clock,
                                                 std::move(ec2_options));
  if (metrics != nullptr) {
    session->measured_ec2 =
        std::make_unique<MeasuredEc2>(*session->plain_ec2, *metrics, clock, options.listener);
  }
  Ec2& inner = session->measured_ec2 ? static_cast<Ec2&>(*session->measured_ec2)
                                     : static_cast<Ec2&>(*session->plain_ec2);
  PacedOptions pace;
  pace.stop = options.stop;
  pace.metrics = metrics;
  session->paced_ec2 = std::make_unique<PacedEc2>(inner, clock, std::move(pace));
  return session;
}

}  // namespace vpccni::aws
