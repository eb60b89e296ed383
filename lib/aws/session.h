#pragma once
// Everything that a process needs to talk to AWS, composed from its environment: HTTP client, IMDS,
// credentials, EC2. Which variable wins is in spec aws.md 1.1 and 3.1.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "aws/credentials.h"
#include "aws/ec2_http.h"
#include "aws/endpoints.h"
#include "aws/imds_http.h"
#include "aws/measured_ec2.h"
#include "aws/measured_imds.h"
#include "aws/paced_ec2.h"

namespace vpccni::aws {

struct SessionOptions {
  ImdsOptions imds;
  EndpointChoice ec2_endpoint;
  EndpointChoice sts_endpoint;
  CredentialVariables credentials;
  std::string ca_file;
  int attempts = 3;
  base::Duration timeout = std::chrono::seconds(10);
  std::string user_agent = "vpccni";
  Ec2Listener listener;  // of the measured EC2
  std::stop_token stop;  // ends waits for EC2's rate limit
  /// Wraps the HTTP client of everything, when set.
  std::function<std::unique_ptr<http::Client>(std::unique_ptr<http::Client>)> wrap_client = {};
};

/// Errors: invalid_argument, naming the variable that cannot be used.
Result<SessionOptions> session_options(const std::map<std::string, std::string>& environment);

struct Session {
  std::unique_ptr<http::Client> http;
  std::unique_ptr<ImdsHttp> imds;
  std::string region;
  std::unique_ptr<CredentialCache> credentials;
  std::unique_ptr<Ec2Http> plain_ec2;
  std::unique_ptr<MeasuredEc2> measured_ec2;  // null without a registry
  std::unique_ptr<PacedEc2> paced_ec2;        // outermost: its waits are no time of EC2's

  Ec2& ec2() const { return *paced_ec2; }
};

/// Asks IMDS for the region; nothing else is called. `metrics` may be null.
Result<std::unique_ptr<Session>> open_session(const SessionOptions& options,
                                              const base::Clock& clock, metrics::Registry* metrics);

}  // namespace vpccni::aws
