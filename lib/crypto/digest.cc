#include "crypto/digest.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <array>

#include "base/owned.h"

namespace vpccni::crypto {

namespace {

using Md = base::Owned<EVP_MD, EVP_MD_free>;
using MdContext = base::Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using Mac = base::Owned<EVP_MAC, EVP_MAC_free>;
using MacContext = base::Owned<EVP_MAC_CTX, EVP_MAC_CTX_free>;

constexpr std::size_t kSize = 32;

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());  // NOLINT: OpenSSL's byte type
}

Error refused(std::string_view what) {
  return {Errc::unsupported, std::string(what) + " is not offered by the OpenSSL provider"};
}

std::string text(const std::array<unsigned char, kSize>& bytes) {
  return {bytes.begin(), bytes.end()};
}

}  // namespace

Result<std::string> sha256(std::string_view bytes) {
  const Md md(EVP_MD_fetch(nullptr, "SHA2-256", nullptr));
  const MdContext context(EVP_MD_CTX_new());
  std::array<unsigned char, kSize> out{};
  if (!md || !context || EVP_DigestInit_ex2(context.get(), md.get(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), out.data(), nullptr) != 1) {
    return refused("SHA-256");
  }
  return text(out);
}

Result<std::string> hmac_sha256(std::string_view key, std::string_view bytes) {
  const Mac mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  const MacContext context(mac ? EVP_MAC_CTX_new(mac.get()) : nullptr);
  std::array<char, 9> digest = {"SHA2-256"};
  const std::array<OSSL_PARAM, 2> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  std::array<unsigned char, kSize> out{};
  std::size_t size = 0;
  if (!context || EVP_MAC_init(context.get(), raw(key), key.size(), parameters.data()) != 1 ||
      EVP_MAC_update(context.get(), raw(bytes), bytes.size()) != 1 ||
      EVP_MAC_final(context.get(), out.data(), &size, out.size()) != 1 || size != kSize) {
    return refused("HMAC-SHA-256");
  }
  return text(out);
}

Result<std::string> random_bytes(std::size_t n) {
  std::string out(n, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()),  // NOLINT: OpenSSL's byte type
                 static_cast<int>(n)) != 1) {
    return refused("random number generation");
  }
  return out;
}

}  // namespace vpccni::crypto
