#include <openssl/ssl.h>

#include <algorithm>
#include <array>

#include "base/owned.h"
#include "base/text.h"
#include "fips/checks.h"
#include "fips/handshake.h"

namespace vpccni::fips {

namespace {

constexpr std::array<std::string_view, 10> kForbidden = {
    "CHACHA", "RC4", "3DES", "DES-CBC", "CAMELLIA", "ARIA", "CCM_8", "NULL", "PSK", "SRP"};
constexpr std::array<std::string_view, 8> kGroups = {"secp256r1", "secp384r1", "secp521r1",
                                                     "ffdhe2048", "ffdhe3072", "ffdhe4096",
                                                     "ffdhe6144", "ffdhe8192"};
constexpr int kLevel = 2;  // 112 bits

template <class List>
bool holds(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

bool forbidden(std::string_view cipher) {
  return std::any_of(kForbidden.begin(), kForbidden.end(), [&](std::string_view part) {
    return cipher.find(part) != std::string_view::npos;
  });
}

std::string tell(const Handshake& done) {
  return done.version + " " + done.cipher + " " + done.group +
         (done.version == "TLSv1.2" && done.extended_master_secret ? " extended-master-secret"
                                                                   : "");
}

}  // namespace

Outcome judge_tls(int least_version, int level, const std::vector<std::string>& ciphers) {
  if (least_version < TLS1_2_VERSION) {
    return {Finding::bad, "MinProtocol is not set to TLSv1.2 or later"};
  }
  if (level < kLevel) {
    return {Finding::bad, "security level " + std::to_string(level) + ", not 2"};
  }
  for (const auto& cipher : ciphers) {
    if (forbidden(cipher)) {
      return {Finding::bad, "offers " + cipher};
    }
  }
  return {ciphers.empty() ? Finding::bad : Finding::good,
          "TLS 1.2 and later, security level " + std::to_string(level) + ", " +
              std::to_string(ciphers.size()) + " cipher suites"};
}

Outcome judge_context(SSL_CTX* context) {
  std::vector<std::string> ciphers;
  const auto* list = SSL_CTX_get_ciphers(context);
  for (int i = 0; i < sk_SSL_CIPHER_num(list); ++i) {
    ciphers.emplace_back(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(list, i)));
  }
  return judge_tls(static_cast<int>(SSL_CTX_get_min_proto_version(context)),
                   SSL_CTX_get_security_level(context), ciphers);
}

Outcome check_tls_config(Run& /*run*/) {
  const base::Owned<SSL_CTX, SSL_CTX_free> context(SSL_CTX_new(TLS_client_method()));
  return context ? judge_context(context.get()) : Outcome{Finding::bad, "libssl has no ciphers"};
}

bool approved_group(std::string_view name) {
  return holds(kGroups, name);
}

Outcome check_tls_handshake(Run& /*run*/) {
  std::vector<std::string> seen;
  for (const int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    Server server;
    server.version = version;
    const auto done = shake_hands(server);
    const std::string name = version == TLS1_3_VERSION ? "TLS 1.3" : "TLS 1.2";
    if (!done.done) {
      return {Finding::bad, name + ": " + done.error};
    }
    const bool gcm = done.cipher.find("GCM") != std::string::npos && !forbidden(done.cipher);
    const bool bound = version == TLS1_3_VERSION || done.extended_master_secret;
    if (!gcm || !approved_group(done.group) || !bound) {
      return {Finding::bad, "negotiated " + tell(done)};
    }
    seen.push_back(tell(done));
  }
  return {Finding::good, base::join(seen, "; ")};
}

Outcome check_tls_groups(Run& /*run*/) {
  const auto done = shake_hands({});
  std::vector<std::string> others;
  for (const auto& group : done.offered_groups) {
    if (!approved_group(group)) {
      others.push_back(group);
    }
  }
  if (done.offered_groups.empty()) {
    return {Finding::bad, "no groups were seen: " + done.error};
  }
  return {others.empty() ? Finding::good : Finding::bad,
          (others.empty() ? "the server saw " : "the server was offered ") +
              base::join(others.empty() ? done.offered_groups : others, " ")};
}

Outcome check_tls_reject(Run& /*run*/) {
  struct Row {
    const char* name;
    Server server;
  };
  const std::array<Row, 3> rows = {
      {{"ChaCha20-Poly1305", {TLS1_3_VERSION, "", "TLS_CHACHA20_POLY1305_SHA256", ""}},
       {"X25519", {0, "", "", "X25519"}},
       {"TLS 1.1", {TLS1_1_VERSION, "ALL:@SECLEVEL=0", "", ""}}}};
  std::vector<std::string> seen;
  for (const auto& row : rows) {
    const auto result = shake_hands(row.server);
    if (result.done) {
      return {Finding::bad, std::string(row.name) + " was accepted: " + tell(result)};
    }
    if (result.error.find("certificate") != std::string::npos) {
      return {Finding::bad, std::string(row.name) + ": " + result.error};
    }
    seen.push_back(std::string(row.name) +
                   (result.configured ? " refused (" : " cannot be served here (") + result.error +
                   ")");
  }
  return {Finding::good, base::join(seen, ", ")};
}

}  // namespace vpccni::fips
