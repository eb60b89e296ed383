#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include <array>

#include "base/owned.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "fips/checks.h"

namespace vpccni::fips {

namespace {

/// The provider of a fetched algorithm, "" when there is none.
template <auto Fetch, auto Free, auto GetProvider>
std::string provider_of(const char* name, const char* properties) {
  auto* fetched = Fetch(nullptr, name, properties);
  if (fetched == nullptr) {
    return "";
  }
  std::string out = OSSL_PROVIDER_get0_name(GetProvider(fetched));
  Free(fetched);
  return out;
}

struct Algorithm {
  const char* name;
  std::string (*provider)(const char* name, const char* properties);
};

constexpr auto kDigest = provider_of<EVP_MD_fetch, EVP_MD_free, EVP_MD_get0_provider>;
constexpr auto kCipher = provider_of<EVP_CIPHER_fetch, EVP_CIPHER_free, EVP_CIPHER_get0_provider>;
constexpr auto kMac = provider_of<EVP_MAC_fetch, EVP_MAC_free, EVP_MAC_get0_provider>;
constexpr auto kKdf = provider_of<EVP_KDF_fetch, EVP_KDF_free, EVP_KDF_get0_provider>;
constexpr auto kKey = provider_of<EVP_KEYMGMT_fetch, EVP_KEYMGMT_free, EVP_KEYMGMT_get0_provider>;
constexpr auto kRandom = provider_of<EVP_RAND_fetch, EVP_RAND_free, EVP_RAND_get0_provider>;

constexpr std::array<Algorithm, 13> kApproved = {{{"SHA2-256", kDigest},
                                                  {"SHA2-384", kDigest},
                                                  {"SHA2-512", kDigest},
                                                  {"AES-128-GCM", kCipher},
                                                  {"AES-256-GCM", kCipher},
                                                  {"AES-256-CBC", kCipher},
                                                  {"HMAC", kMac},
                                                  {"TLS13-KDF", kKdf},
                                                  {"TLS1-PRF", kKdf},
                                                  {"HKDF", kKdf},
                                                  {"RSA", kKey},
                                                  {"EC", kKey},
                                                  {"CTR-DRBG", kRandom}}};
struct Refused {
  Algorithm algorithm;
  bool wolf_may;  // a build for old certificates offers it: a warning there
};
constexpr std::array<Refused, 13> kRefused = {{{{"MD5", kDigest}, true},
                                               {{"MD5-SHA1", kDigest}, true},
                                               {{"MD4", kDigest}, false},
                                               {{"RIPEMD160", kDigest}, false},
                                               {{"SM3", kDigest}, false},
                                               {{"BLAKE2B-512", kDigest}, false},
                                               {{"RC4", kCipher}, false},
                                               {{"DES-CBC", kCipher}, false},
                                               {{"BF-CBC", kCipher}, false},
                                               {{"CAMELLIA-256-CBC", kCipher}, false},
                                               {{"CHACHA20-POLY1305", kCipher}, false},
                                               {{"SM4-CBC", kCipher}, false},
                                               {{"SM2", kKey}, false}}};

}  // namespace

Outcome check_approved(Run& run) {
  std::vector<std::string> bad;
  for (const auto& algorithm : kApproved) {
    for (const char* properties : {static_cast<const char*>(nullptr), "fips=yes"}) {
      const auto from = algorithm.provider(algorithm.name, properties);
      if (from.empty() || from != run.report.provider.config_name) {
        bad.push_back(std::string(algorithm.name) +
                      (from.empty() ? " is not offered" : " comes from " + from));
        break;
      }
    }
  }
  return {bad.empty() ? Finding::good : Finding::bad,
          bad.empty() ? std::to_string(kApproved.size()) + " algorithms from \"" +
                            run.report.provider.config_name + "\""
                      : base::join(bad, ", ")};
}

Outcome check_rejected(Run& run) {
  std::vector<std::string> offered;
  bool weak = true;
  for (const auto& row : kRefused) {
    for (const char* properties : {static_cast<const char*>(nullptr), "-fips"}) {
      const auto from = row.algorithm.provider(row.algorithm.name, properties);
      if (!from.empty()) {
        offered.push_back(std::string(row.algorithm.name) + " from " + from);
        weak = weak && row.wolf_may && run.report.kind == Kind::wolf;
        break;
      }
    }
  }
  if (offered.empty()) {
    return {Finding::good, std::to_string(kRefused.size()) + " algorithms refused"};
  }
  return {weak ? Finding::weak : Finding::bad, base::join(offered, ", ")};
}

Outcome check_sha256(Run& /*run*/) {
  const auto digest = crypto::sha256("abc");
  const bool right = digest && base::hex(*digest) ==
                                   "ba7816bf8f01cfea414140de5dae2223"
                                   "b00361a396177a9cb410ff61f20015ad";
  return {right ? Finding::good : Finding::bad, digest ? base::hex(*digest) : "refused"};
}

Outcome check_hmac(Run& /*run*/) {
  // RFC 4231, test case 1. Its key has 20 bytes: no module refuses it as too short.
  const auto mac = crypto::hmac_sha256(std::string(20, '\x0b'), "Hi There");
  const bool right = mac && base::hex(*mac) ==
                                "b0344c61d8db38535ca8afceaf0bf12b"
                                "881dc200c9833da726e9376c2e32cff7";
  return {right ? Finding::good : Finding::bad, mac ? base::hex(*mac) : "refused"};
}

Outcome check_small_rsa(Run& run) {
  const base::Owned<EVP_PKEY, EVP_PKEY_free> key(EVP_RSA_gen(1024));
  if (!key) {
    return {Finding::good, "RSA-1024 refused"};
  }
  return {run.report.kind == Kind::wolf ? Finding::weak : Finding::bad, "RSA-1024 was generated"};
}

Outcome check_implicit_md5(Run& run) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (EVP_Digest("abc", 3, out.data(), &size, EVP_md5(), nullptr) != 1) {
    return {Finding::good, "MD5 refused"};
  }
  return {run.report.kind == Kind::wolf ? Finding::weak : Finding::bad, "MD5 was computed"};
}

}  // namespace vpccni::fips
