#pragma once
// Where AWS credentials come from (spec aws.md section 3): the first configured source is the
// source; if it fails, the call fails. Secrets never enter an error's text.

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "aws/imds.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "http/client.h"

namespace vpccni::aws {

struct TimedCredentials {
  Credentials keys;
  std::optional<base::WallTime> expires;  // nullopt = never
};

/// One source. `fetch` blocks, with deadlines.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  virtual Result<TimedCredentials> fetch() = 0;
};

struct CredentialVariables {
  std::string access_key, secret_key, session_token;                 // environment
  std::string role_arn, web_identity_token_file, role_session_name;  // IRSA
  std::string container_full_uri, container_relative_uri;            // EKS pod identity, ECS
  std::string container_token_file, container_token;
};

/// Chooses by the order of 3.1. `sts_url` is where IRSA asks.
std::unique_ptr<CredentialSource> make_source(const CredentialVariables& variables,
                                              std::string sts_url, http::Client& client, Imds& imds,
                                              const base::Clock& clock, const std::string& ca_file);

/// Caches one value; refreshes 5 min before it expires, keeps an unexpired one if that fails.
/// Thread-safe; one refresh at a time.
class CredentialCache {
 public:
  CredentialCache(std::unique_ptr<CredentialSource> source, const base::Clock& clock)
      : source_(std::move(source)), clock_(clock) {}
  Result<Credentials> get();
  /// The service says that they expired: the next get() fetches.
  void drop();

 private:
  std::unique_ptr<CredentialSource> source_;
  const base::Clock& clock_;
  std::mutex value_mutex_;
  std::optional<TimedCredentials> value_;  // guarded by value_mutex_
  base::SteadyTime not_before_{};          // guarded by value_mutex_: after a failed refresh
};

// The parsers of what the sources answer: pure, foreign bytes.
Result<TimedCredentials> parse_container_credentials(std::string_view json);
Result<TimedCredentials> parse_imds_credentials(std::string_view json);
Result<TimedCredentials> parse_web_identity(std::string_view xml);
/// RFC 3339 in UTC, "2025-12-17T13:00:00Z".
Result<base::WallTime> parse_time(std::string_view text);
/// http only for loopback and the known link-local hosts, https for any (3.3).
Result<> check_container_uri(const std::string& uri);

}  // namespace vpccni::aws
