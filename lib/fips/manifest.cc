#include "fips/manifest.h"

#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "base/json.h"

namespace vpccni::fips {

namespace {

constexpr std::size_t kLimit = std::size_t{64} << 10U;
constexpr std::size_t kHashDigits = 64;

bool is_hash(const std::string& text) {
  return text.size() == kHashDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view text) {
  VPCCNI_TRY(const auto json, base::parse_json(text, {.bytes = kLimit, .depth = 8}));
  Manifest out;
  out.provider = base::string_member(json, "provider");
  if (out.provider != "openssl" && out.provider != "wolfssl") {
    return Error{Errc::corrupt, "provider: openssl or wolfssl expected"};
  }
  out.module_version = base::string_member(json, "moduleVersion");
  struct Hash {
    const char* member;
    std::string& into;
    bool needed;
  };
  for (const auto& row : {Hash{"moduleSha256", out.module_sha256, true},
                          Hash{"configSha256", out.config_sha256, false},
                          Hash{"libcurlSha256", out.libcurl_sha256, false},
                          Hash{"wolfsslSha256", out.wolfssl_sha256, out.provider == "wolfssl"}}) {
    row.into = base::string_member(json, row.member);
    if (base::find_member(json, row.member) == nullptr && !row.needed) {
      continue;
    }
    if (!is_hash(row.into)) {
      return Error{Errc::corrupt, std::string(row.member) + ": 64 hexadecimal digits expected"};
    }
  }
  const auto* certificates = base::find_member(json, "certificates");
  if (certificates == nullptr || !certificates->is_array()) {
    return Error{Errc::corrupt, "certificates: a list expected"};
  }
  for (const auto& each : *certificates) {
    Certificate certificate{base::string_member(each, "number"),
                            base::string_member(each, "level")};
    if (certificate.number.empty() || certificate.level.empty()) {
      return Error{Errc::corrupt, "certificates: number and level expected as text"};
    }
    out.certificates.push_back(std::move(certificate));
  }
  return out;
}

Result<Manifest> read_manifest(const std::string& path) {
  auto text = base::read_file(path, kLimit);
  if (!text) {
    return text.error();
  }
  auto manifest = parse_manifest(*text);
  if (!manifest) {
    return wrap(manifest.error(), path);
  }
  return manifest;
}

Result<std::optional<Manifest>> installed_manifest() {
  if (access(kManifestFile, F_OK) != 0) {
    return std::optional<Manifest>{};
  }
  VPCCNI_TRY(auto manifest, read_manifest(kManifestFile));
  return std::optional<Manifest>(std::move(manifest));
}

}  // namespace vpccni::fips
