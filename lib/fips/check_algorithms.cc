#include <openssl/core_names.h>
#include <openssl/ec.h>
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

Outcome check_aes_gcm(Run& /*run*/) {
  // NIST's AES-GCM vectors: key, IV and plaintext of zeroes.
  constexpr std::string_view kCipherText = "cea7403d4d606b6e074ec5d3baf39d18";
  constexpr std::string_view kTag = "d0d1c8a799996bf0265b98b5d48ab919";
  const std::array<unsigned char, 32> key{};
  const std::array<unsigned char, 12> iv{};
  const std::array<unsigned char, 16> plain{};
  std::array<unsigned char, 16> text{};
  std::array<unsigned char, 16> tag{};
  std::array<unsigned char, 16> back{};
  const base::Owned<EVP_CIPHER, EVP_CIPHER_free> cipher(
      EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
  const base::Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> context(EVP_CIPHER_CTX_new());
  int size = 0;
  const auto as_text = [](const auto& bytes) {
    return base::hex(std::string(bytes.begin(), bytes.end()));
  };
  if (!cipher || !context ||
      EVP_EncryptInit_ex2(context.get(), cipher.get(), key.data(), iv.data(), nullptr) != 1 ||
      EVP_EncryptUpdate(context.get(), text.data(), &size, plain.data(), plain.size()) != 1 ||
      EVP_EncryptFinal_ex(context.get(), back.data(), &size) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, tag.size(), tag.data()) != 1) {
    return {Finding::bad, "AES-256-GCM refused"};
  }
  if (as_text(text) != kCipherText || as_text(tag) != kTag) {
    return {Finding::bad, "wrong: " + as_text(text) + " tag " + as_text(tag)};
  }
  const auto opens = [&] {
    return EVP_DecryptInit_ex2(context.get(), cipher.get(), key.data(), iv.data(), nullptr) == 1 &&
           EVP_DecryptUpdate(context.get(), back.data(), &size, text.data(), text.size()) == 1 &&
           EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, tag.size(), tag.data()) == 1 &&
           EVP_DecryptFinal_ex(context.get(), back.data(), &size) == 1;
  };
  if (!opens()) {
    return {Finding::bad, "its own tag is refused"};
  }
  tag[0] ^= 1U;
  return opens() ? Outcome{Finding::bad, "an altered tag is accepted"}
                 : Outcome{Finding::good, "encrypts, decrypts, refuses an altered tag"};
}

Outcome check_ecdsa(Run& /*run*/) {
  const base::Owned<EVP_PKEY, EVP_PKEY_free> key(EVP_EC_gen("P-256"));
  const base::Owned<EVP_MD_CTX, EVP_MD_CTX_free> signer(EVP_MD_CTX_new());
  std::array<unsigned char, 128> signature{};
  std::size_t size = signature.size();
  const std::array<unsigned char, 4> data{'d', 'a', 't', 'a'};
  const std::array<unsigned char, 4> other{'d', 'a', 't', 'e'};
  if (!key || !signer ||
      EVP_DigestSignInit_ex(signer.get(), nullptr, "SHA2-256", nullptr, nullptr, key.get(),
                            nullptr) != 1 ||
      EVP_DigestSign(signer.get(), signature.data(), &size, data.data(), data.size()) != 1) {
    return {Finding::bad, "P-256: no key or no signature"};
  }
  const auto verifies = [&](const auto& text) {
    const base::Owned<EVP_MD_CTX, EVP_MD_CTX_free> verifier(EVP_MD_CTX_new());
    return EVP_DigestVerifyInit_ex(verifier.get(), nullptr, "SHA2-256", nullptr, nullptr, key.get(),
                                   nullptr) == 1 &&
           EVP_DigestVerify(verifier.get(), signature.data(), size, text.data(), text.size()) == 1;
  };
  if (!verifies(data)) {
    return {Finding::bad, "its own signature is refused"};
  }
  return verifies(other) ? Outcome{Finding::bad, "altered data is accepted"}
                         : Outcome{Finding::good, "P-256: signs, verifies, refuses altered data"};
}

}  // namespace vpccni::fips
