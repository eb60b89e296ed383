#include <link.h>
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

namespace vpccni::fips {

namespace {

constexpr std::array<std::string_view, 14> kForeign = {
    "gnutls", "nettle", "hogweed", "gcrypt",  "k5crypto", "mbedcrypto", "mbedtls",
    "sodium", "nss3",   "freebl",  "softokn", "ssh2",     "boringssl",  "wolfssl"};

int collect(dl_phdr_info* info, std::size_t /*size*/, void* into) {
  if (info->dlpi_name != nullptr && *info->dlpi_name != '\0') {
    static_cast<std::vector<std::string>*>(into)->emplace_back(info->dlpi_name);
  }
  return 0;
}

std::vector<std::string> loaded_objects() {
  std::vector<std::string> out;
  dl_iterate_phdr(collect, &out);
  return out;
}

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
  for (const auto& object : loaded_objects()) {
    const auto slash = object.rfind('/');
    const std::string_view file = std::string_view(object).substr(slash + 1);
    for (const auto name : kForeign) {
      const bool ours = name == "wolfssl" && run.report.kind == Kind::wolf;
      if (file.find(name) != std::string_view::npos && !ours) {
        foreign.emplace_back(file);
      }
    }
    if (file.find("crypto.so") != std::string_view::npos ||
        file.find("libssl.so") != std::string_view::npos || object == run.report.provider.module) {
      run.report.loaded_crypto.push_back(object);
    }
  }
  return {foreign.empty() ? Finding::good : Finding::bad,
          foreign.empty() ? "no other crypto library" : base::join(foreign, " ")};
}

}  // namespace vpccni::fips
