#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <set>

#include "base/text.h"
#include "fips/checks.h"
#include "fips/objects.h"

namespace vpccni::fips {

namespace {

constexpr std::array<std::string_view, 14> kForeign = {
    "gnutls", "nettle", "hogweed", "gcrypt",  "k5crypto", "mbedcrypto", "mbedtls",
    "sodium", "nss3",   "freebl",  "softokn", "ssh2",     "boringssl",  "wolfssl"};

/// Files, not names: a link to the same library is one library.
std::size_t files_named(const std::vector<std::string>& objects, std::string_view part) {
  std::set<std::pair<dev_t, ino_t>> files;
  for (const auto& object : objects) {
    struct stat status {};
    if (object.find(part) != std::string::npos && stat(object.c_str(), &status) == 0) {
      files.emplace(status.st_dev, status.st_ino);
    }
  }
  return files.size();
}

}  // namespace

Outcome check_config(Run& run) {
  const char* named = std::getenv("OPENSSL_CONF");
  if (named == nullptr || *named == '\0') {
    return {Finding::bad, "OPENSSL_CONF is not set: OpenSSL uses its default provider"};
  }
  run.report.config = named;
  if (*named != '/') {
    return {Finding::bad, "OPENSSL_CONF must be an absolute path: " + run.report.config};
  }
  struct stat status {};
  if (stat(named, &status) != 0 || !S_ISREG(status.st_mode)) {
    return {Finding::bad, run.report.config + " is no file: OpenSSL uses its default provider"};
  }
  if (access(named, R_OK) != 0) {
    return {Finding::bad, run.report.config + " is not readable"};
  }
  if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0U) {
    return {Finding::weak, run.report.config + " can be changed by others than root"};
  }
  const auto& manifest = run.options.manifest;
  if (manifest && !manifest->config_sha256.empty()) {
    // What one file includes is not in its hash: the module's own section is checked by the module.
    const auto hash = hash_file(run.report.config);
    if (!hash || *hash != manifest->config_sha256) {
      return {Finding::bad, run.report.config + " is not the file of the manifest"};
    }
  }
  return {Finding::good, run.report.config};
}

Outcome check_version(Run& run) {
  // Major and minor: the bits above the patch level.
  constexpr unsigned long kMinor = 20;
  const auto made_for = static_cast<unsigned long>(OPENSSL_VERSION_NUMBER) >> kMinor;
  const auto runs = OpenSSL_version_num() >> kMinor;
  const bool fits = OPENSSL_version_major() == OPENSSL_VERSION_MAJOR && runs >= made_for;
  return {fits ? Finding::good : Finding::bad,
          run.report.openssl_runtime + ", headers " + run.report.openssl_headers};
}

Outcome check_single(Run& /*run*/) {
  const auto objects = loaded_objects();
  const auto crypto = files_named(objects, "libcrypto.so");
  const auto ssl = files_named(objects, "libssl.so");
  return {crypto == 1 && ssl <= 1 ? Finding::good : Finding::bad,
          std::to_string(crypto) + " libcrypto, " + std::to_string(ssl) + " libssl in the process"};
}

Outcome check_foreign(Run& run) {
  std::vector<std::string> foreign;
  const auto& manifest = run.options.manifest;
  for (const auto& object : loaded_objects()) {
    const auto file = file_name(object);
    for (const auto name : kForeign) {
      if (file.find(name) == std::string_view::npos) {
        continue;
      }
      const bool wolf = name == "wolfssl" && run.report.kind == Kind::wolf;
      const auto hash = wolf && manifest ? hash_file(object) : Result<std::string>(std::string());
      if (!wolf || !hash || (manifest && *hash != manifest->wolfssl_sha256)) {
        foreign.push_back(std::string(file) + (wolf ? " (not the manifest's)" : ""));
      }
    }
    const bool libcrypto = file.starts_with("libcrypto.so");
    const bool libssl = file.starts_with("libssl.so");
    if (libcrypto || libssl) {
      (libcrypto ? run.report.libcrypto : run.report.libssl) = object;
    }
    if (libcrypto || libssl || file.find("wolfssl") != std::string_view::npos ||
        object == run.report.provider.module) {
      run.report.loaded_crypto.push_back(object);
    }
  }
  return {foreign.empty() ? Finding::good : Finding::bad,
          foreign.empty()
              ? "no other crypto library; loaded: " + base::join(run.report.loaded_crypto, " ")
              : base::join(foreign, " ")};
}

}  // namespace vpccni::fips
