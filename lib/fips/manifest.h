#pragma once
// What the image's build wrote down about its module (spec fips.md 3.4): it ties the certificate
// to a file's hash, where a version string alone proves nothing.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vpccni::fips {

inline constexpr const char* kManifestFile = "/etc/vpccni/fips-manifest.json";

struct Certificate {
  std::string number;  // CMVP's
  std::string level;   // "140-3"
};

struct Manifest {
  std::string provider;  // "openssl" or "wolfssl"
  std::string module_sha256;
  std::string module_version;
  std::vector<Certificate> certificates;
  // Empty: not recorded.
  std::string config_sha256;
  std::string libcurl_sha256;
  std::string wolfssl_sha256;
};

/// Errors are `corrupt` and name the member.
Result<Manifest> parse_manifest(std::string_view text);
Result<Manifest> read_manifest(const std::string& path);
/// The image's, nullopt when there is none.
Result<std::optional<Manifest>> installed_manifest();

}  // namespace vpccni::fips
