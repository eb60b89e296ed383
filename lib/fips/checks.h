#pragma once
// The checks of `vpccni fips-check`: does this process's cryptography come from the validated
// module? Each row carries out what it claims. Uses the default library context, as libssl and
// libcurl do. Not thread-safe; needs neither root nor network.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fips/manifest.h"
#include "fips/report.h"

struct ssl_ctx_st;

namespace vpccni::fips {

enum class Want { any, openssl, wolf };  // which provider must be active

struct Options {
  Want want = Want::any;
  bool quick = false;
  bool strict = false;
  std::vector<std::string> only;  // ids; empty = all
  std::optional<Manifest> manifest;
  std::string url;      // for tls.url; empty = not asked for
  std::string ca_file;  // PEM; empty = the system's roots
};

/// What the rows share during a run.
struct Run {
  const Options& options;
  Report& report;
  std::vector<Provider> providers;  // all active ones
};

struct Check {
  std::string_view id;
  Severity severity;
  bool quick;
  std::string_view explain;  // what an auditor reads from it
  Outcome (*run)(Run&);
};

std::span<const Check> checks();
/// OPENSSL_CONF and OPENSSL_MODULES must be set before, and before anything else used OpenSSL:
/// later changes are not seen.
Report run(const Options& options);

// The rows' functions, by file.
Outcome check_config(Run&);  // check_library.cc
Outcome check_version(Run&);
Outcome check_single(Run&);
Outcome check_foreign(Run&);
Outcome check_active(Run&);  // check_provider.cc
Outcome check_exclusive(Run&);
Outcome check_base(Run&);
Outcome check_module(Run&);
Outcome check_certificate(Run&);
Outcome check_properties(Run&);
Outcome check_approved(Run&);  // check_algorithms.cc
Outcome check_rejected(Run&);
Outcome check_sha256(Run&);
Outcome check_hmac(Run&);
Outcome check_aes_gcm(Run&);
Outcome check_ecdsa(Run&);
Outcome check_small_rsa(Run&);
Outcome check_implicit_md5(Run&);
Outcome check_random(Run&);  // check_random.cc
Outcome check_self_test(Run&);
Outcome check_wolf_self_test(Run&);
Outcome check_tls_config(Run&);  // check_tls.cc
Outcome check_tls_handshake(Run&);
Outcome check_tls_groups(Run&);
Outcome check_tls_reject(Run&);
Outcome check_curl(Run&);  // check_curl.cc
Outcome check_url(Run&);
Outcome check_kernel(Run&);  // check_environment.cc
Outcome check_endpoints(Run&);

/// What a TLS context may negotiate. `least_version` 0 = not set.
Outcome judge_tls(int least_version, int level, const std::vector<std::string>& ciphers);
Outcome judge_context(ssl_ctx_st* context);
bool approved_group(std::string_view name);

/// Active providers of the default library context, each with the file of its code.
std::vector<Provider> active_providers();

}  // namespace vpccni::fips
