#include "fips/manifest.h"

#include <openssl/ssl.h>

#include <catch2/catch.hpp>

#include "fips/checks.h"

namespace vpccni::fips {

TEST_CASE("a manifest names a module's file and its certificate") {
  const std::string hash(64, 'a');
  const auto manifest = parse_manifest(
      R"({"provider":"openssl","moduleSha256":")" + hash +
      R"(","moduleVersion":"3.1.2","certificates":[{"number":"4985","level":"140-3"}],)"
      R"("moduleSource":{"url":"https://example.com"},"arch":"amd64"})");
  REQUIRE(manifest);
  CHECK(manifest->module_sha256 == hash);
  CHECK(manifest->certificates.at(0).number == "4985");
  CHECK(manifest->libcurl_sha256.empty());
}

TEST_CASE("what is no manifest is refused with the member's name") {
  const std::string hash = R"("moduleSha256":")" + std::string(64, 'a') + R"(")";
  struct Row {
    std::string text;
    std::string named;
  };
  const std::vector<Row> rows = {
      {"", "JSON"},
      {"[]", "provider"},
      {R"({"provider":"other"})", "provider"},
      {R"({"provider":"openssl"})", "moduleSha256"},
      {R"({"provider":"openssl","moduleSha256":"AA"})", "moduleSha256"},
      {R"({"provider":"openssl",)" + hash + "}", "certificates"},
      {R"({"provider":"openssl",)" + hash + R"(,"certificates":[{"number":4985}]})",
       "certificates"},
      {R"({"provider":"openssl",)" + hash + R"(,"certificates":[],"configSha256":1})",
       "configSha256"},
      {R"({"provider":"wolfssl",)" + hash + R"(,"certificates":[]})", "wolfsslSha256"},
  };
  for (const auto& row : rows) {
    const auto manifest = parse_manifest(row.text);
    REQUIRE_FALSE(manifest);
    INFO(manifest.error().message);
    CHECK(manifest.error().message.find(row.named) != std::string::npos);
  }
}

TEST_CASE("what a TLS context may negotiate") {
  const std::vector<std::string> good = {"TLS_AES_256_GCM_SHA384", "ECDHE-RSA-AES128-GCM-SHA256"};
  CHECK(judge_tls(TLS1_2_VERSION, 2, good).finding == Finding::good);
  CHECK(judge_tls(0, 2, good).finding == Finding::bad);
  CHECK(judge_tls(TLS1_1_VERSION, 2, good).finding == Finding::bad);
  CHECK(judge_tls(TLS1_2_VERSION, 1, good).finding == Finding::bad);
  CHECK(judge_tls(TLS1_2_VERSION, 2, {}).finding == Finding::bad);
  for (const auto* other :
       {"TLS_CHACHA20_POLY1305_SHA256", "PSK-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-CCM_8"}) {
    CHECK(judge_tls(TLS1_2_VERSION, 2, {good[0], other}).finding == Finding::bad);
  }
  CHECK(approved_group("secp384r1"));
  CHECK_FALSE(approved_group("x25519"));
}

}  // namespace vpccni::fips
