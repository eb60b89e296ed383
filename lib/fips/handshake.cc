#include "fips/handshake.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>

#include "base/owned.h"

namespace vpccni::fips {

namespace {

constexpr int kRounds = 32;             // a handshake takes three or four
constexpr long kCertificateLife = 600;  // seconds
constexpr std::string_view kName = "fips-check.invalid";

using Context = base::Owned<SSL_CTX, SSL_CTX_free>;
using Session = base::Owned<SSL, SSL_free>;
using Key = base::Owned<EVP_PKEY, EVP_PKEY_free>;
using Certificate = base::Owned<X509, X509_free>;

std::string last_error() {
  const auto code = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "no reason given" : reason;
}

Certificate self_signed(EVP_PKEY* key) {
  Certificate certificate(X509_new());
  if (!certificate) {
    return {};
  }
  auto* subject = X509_get_subject_name(certificate.get());
  const bool made =
      X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
      ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1) == 1 &&
      X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kCertificateLife) != nullptr &&
      X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kCertificateLife) != nullptr &&
      X509_set_pubkey(certificate.get(), key) == 1 &&
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>(kName.data()),  // NOLINT
                                 static_cast<int>(kName.size()), -1, 0) == 1 &&
      X509_set_issuer_name(certificate.get(), subject) == 1 &&
      X509_sign(certificate.get(), key, EVP_sha256()) > 0;
  return made ? std::move(certificate) : Certificate{};
}

bool configure(SSL_CTX* context, const Server& server) {
  const auto given = [](const std::string& text) { return !text.empty(); };
  return (server.version == 0 || (SSL_CTX_set_min_proto_version(context, server.version) == 1 &&
                                  SSL_CTX_set_max_proto_version(context, server.version) == 1)) &&
         (!given(server.ciphers) ||
          SSL_CTX_set_cipher_list(context, server.ciphers.c_str()) == 1) &&
         (!given(server.suites) || SSL_CTX_set_ciphersuites(context, server.suites.c_str()) == 1) &&
         (!given(server.groups) || SSL_CTX_set1_groups_list(context, server.groups.c_str()) == 1);
}

/// False when it failed; else true, also while it waits for the other side.
bool step(SSL* side) {
  const int result = SSL_do_handshake(side);
  const int why = SSL_get_error(side, result);
  return result == 1 || why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

std::string group_name(SSL* side, int id) {
  const char* name = SSL_group_to_name(side, id);
  return name == nullptr ? "group " + std::to_string(id) : name;
}

std::vector<std::string> groups_offered_to(SSL* server) {
  const auto count = SSL_get1_groups(server, nullptr);
  std::vector<int> ids(count > 0 ? static_cast<std::size_t>(count) : 0);
  std::vector<std::string> out;
  if (!ids.empty()) {
    SSL_get1_groups(server, ids.data());
  }
  for (const int id : ids) {
    out.push_back(group_name(server, id));
  }
  return out;
}

}  // namespace

Handshake shake_hands(const Server& server) {
  Handshake out;
  const Context listening(SSL_CTX_new(TLS_server_method()));
  const Context calling(SSL_CTX_new(TLS_client_method()));
  if (!listening || !calling) {
    out.error = last_error();
    return out;
  }
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = key ? self_signed(key.get()) : Certificate{};
  if (!certificate || SSL_CTX_use_certificate(listening.get(), certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(listening.get(), key.get()) != 1 ||
      X509_STORE_add_cert(SSL_CTX_get_cert_store(calling.get()), certificate.get()) != 1) {
    out.error = "no certificate on P-256: " + last_error();
    return out;
  }
  out.configured = configure(listening.get(), server);
  if (!out.configured) {
    out.error = last_error();
    return out;
  }
  SSL_CTX_set_verify(calling.get(), SSL_VERIFY_PEER, nullptr);
  const Session accepting(SSL_new(listening.get()));
  const Session connecting(SSL_new(calling.get()));
  BIO* near = nullptr;
  BIO* far = nullptr;
  if (!accepting || !connecting || BIO_new_bio_pair(&near, 0, &far, 0) != 1) {
    out.error = last_error();
    return out;
  }
  SSL_set_bio(connecting.get(), near, near);
  SSL_set_bio(accepting.get(), far, far);
  SSL_set_connect_state(connecting.get());
  SSL_set_accept_state(accepting.get());
  bool alive = true;
  for (int round = 0; alive && !out.done && round < kRounds; ++round) {
    alive = step(connecting.get()) && step(accepting.get());
    out.done =
        SSL_is_init_finished(connecting.get()) == 1 && SSL_is_init_finished(accepting.get()) == 1;
  }
  out.offered_groups = groups_offered_to(accepting.get());
  if (!alive || !out.done) {
    out.done = false;
    out.error = last_error();
    return out;
  }
  out.version = SSL_get_version(connecting.get());
  out.cipher = SSL_get_cipher_name(connecting.get());
  out.group =
      group_name(connecting.get(), static_cast<int>(SSL_get_negotiated_group(connecting.get())));
  out.extended_master_secret = SSL_get_extms_support(connecting.get()) == 1;
  return out;
}

}  // namespace vpccni::fips
