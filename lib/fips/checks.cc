#include "fips/checks.h"

#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <chrono>

namespace vpccni::fips {

namespace {

using enum Severity;

constexpr Check kChecks[] = {
    // NOLINT(modernize-avoid-c-arrays)
    {"env.config", required, true,
     "OPENSSL_CONF names a readable file. With a wrong path OpenSSL silently uses its default "
     "provider.",
     check_config},
    {"lib.version", required, true, "The libcrypto that runs is the one this program was made for.",
     check_version},
    {"lib.single", required, true,
     "One libcrypto and at most one libssl are in the process: nothing computes beside them.",
     check_single},
    {"lib.foreign", warning, true, "No other cryptographic library is in the process.",
     check_foreign},
    {"lib.curl", required, true,
     "libcurl's only TLS is this OpenSSL; the manifest's file, if that names one.", check_curl},
    {"provider.active", required, true,
     "The module is loaded and says that it is in its running state.", check_active},
    {"provider.exclusive", required, true, "No other provider offers algorithms beside the module.",
     check_exclusive},
    {"provider.base", required, true,
     "Encoders and decoders of keys are there (OpenSSL's module needs the base provider).",
     check_base},
    {"provider.module", required, true,
     "The module's file, found from its code in memory, is not writable by others; its SHA-256.",
     check_module},
    {"provider.certificate", warning, true,
     "The certificate whose validated version the module's version string matches; look the number "
     "up at the CMVP. The string alone proves no validation.",
     check_certificate},
    {"props.default", required, true,
     "Every fetch of this process, libssl's too, asks for fips=yes.", check_properties},
    {"fetch.approved", required, true,
     "Digests, ciphers, MAC, KDFs, key types and the DRBG that TLS and SigV4 use come from the "
     "module.",
     check_approved},
    {"fetch.rejected", required, true,
     "Algorithms that are not approved cannot be had, not even by asking for them.",
     check_rejected},
    {"rand.provider", required, true,
     "Random numbers come from the module's DRBGs, which are instantiated.", check_random},
    {"tls.config", required, true,
     "TLS 1.2 at least, security level 2, approved cipher suites only: what every client of this "
     "process offers.",
     check_tls_config},
    {"kat.sha256", required, false, "SHA-256 of \"abc\" is FIPS 180-4's value.", check_sha256},
    {"kat.hmac", required, false, "HMAC-SHA-256 gives RFC 4231's value.", check_hmac},
    {"kat.aesgcm", required, false, "AES-256-GCM gives NIST's value, and refuses an altered tag.",
     check_aes_gcm},
    {"op.ecdsa", required, false, "ECDSA on P-256 signs, verifies, refuses altered data.",
     check_ecdsa},
    {"op.rsa-small", required, false, "An RSA key of 1,024 bits is refused.", check_small_rsa},
    {"op.md5-legacy", required, false, "MD5 by the old interface is refused.", check_implicit_md5},
    {"selftest.run", required, false,
     "The module's self tests and its integrity test, run now, all passed.", check_self_test},
    {"selftest.wolf", required, false,
     "wolfCrypt says that it is in its FIPS state, and its algorithm self tests, run now, passed.",
     check_wolf_self_test},
    {"tls.handshake", required, false,
     "What TLS 1.3 and 1.2 negotiate with a server of this process: version, cipher, group.",
     check_tls_handshake},
    {"tls.groups", required, false, "The groups that a server is offered are approved curves.",
     check_tls_groups},
    {"tls.reject", required, false,
     "Servers with only ChaCha20-Poly1305, only X25519 or only TLS 1.1 are refused.",
     check_tls_reject},
    {"tls.url", required, false,
     "What was negotiated with the server of --url, through libcurl as the agent uses it.",
     check_url},
    {"kernel.fips", information, false,
     "Whether the kernel is in FIPS mode. The module does not need it unless its Security Policy "
     "says so.",
     check_kernel},
    {"aws.endpoints", warning, false,
     "Whether AWS's FIPS endpoints are called, and exist in this region.", check_endpoints},
};

bool wanted(const Check& check, const Options& options) {
  if (!options.only.empty()) {
    return std::find(options.only.begin(), options.only.end(), check.id) != options.only.end();
  }
  return check.quick || !options.quick;
}

}  // namespace

std::span<const Check> checks() {
  return kChecks;
}

Report run(const Options& options) {
  Report report;
  OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, nullptr);
  ERR_clear_error();
  Run run{options, report, active_providers()};
  for (const auto& provider : run.providers) {
    const bool openssl = kind_of(provider) == Kind::openssl && options.want != Want::wolf;
    const bool wolf = kind_of(provider) == Kind::wolf && options.want != Want::openssl;
    if (report.kind == Kind::none && (openssl || wolf)) {
      report.kind = kind_of(provider);
      report.provider = provider;
    }
  }
  report.openssl_runtime = OpenSSL_version(OPENSSL_VERSION);
  report.openssl_headers = OPENSSL_VERSION_TEXT;
  report.default_properties_fips = EVP_default_properties_is_fips_enabled(nullptr) == 1;
  for (const auto& check : checks()) {
    if (!wanted(check, options)) {
      continue;
    }
    const auto start = std::chrono::steady_clock::now();
    const auto outcome = check.run(run);
    ERR_clear_error();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    report.entries.push_back({std::string(check.id), check.severity,
                              judge(outcome.finding, check.severity, options.strict),
                              outcome.detail, took.count()});
  }
  return report;
}

}  // namespace vpccni::fips
