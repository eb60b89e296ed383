#include <dlfcn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "fips/checks.h"
#include "fips/objects.h"

namespace vpccni::fips {

namespace {

/// The file that holds the provider's first function.
std::string file_of(const OSSL_PROVIDER* provider) {
  const OSSL_DISPATCH* dispatch = OSSL_PROVIDER_get0_dispatch(provider);
  Dl_info info{};
  if (dispatch == nullptr || dispatch->function == nullptr ||
      dladdr(reinterpret_cast<const void*>(dispatch->function), &info) == 0 ||  // NOLINT
      info.dli_fname == nullptr) {
    return "";
  }
  return info.dli_fname;
}

int collect(OSSL_PROVIDER* provider, void* into) {
  Provider facts;
  const char* name = nullptr;
  const char* version = nullptr;
  const char* build = nullptr;
  std::array<OSSL_PARAM, 5> params = {
      OSSL_PARAM_construct_utf8_ptr(OSSL_PROV_PARAM_NAME, const_cast<char**>(&name), 0),  // NOLINT
      OSSL_PARAM_construct_utf8_ptr(OSSL_PROV_PARAM_VERSION,
                                    const_cast<char**>(&version),  // NOLINT
                                    0),
      OSSL_PARAM_construct_utf8_ptr(OSSL_PROV_PARAM_BUILDINFO,
                                    const_cast<char**>(&build),  // NOLINT
                                    0),
      OSSL_PARAM_construct_int(OSSL_PROV_PARAM_STATUS, &facts.status), OSSL_PARAM_construct_end()};
  OSSL_PROVIDER_get_params(provider, params.data());
  facts.config_name = OSSL_PROVIDER_get0_name(provider);
  facts.name = name == nullptr ? "" : name;
  facts.version = version == nullptr ? "" : version;
  facts.build_info = build == nullptr ? "" : build;
  facts.module = file_of(provider);
  static_cast<std::vector<Provider>*>(into)->push_back(std::move(facts));
  return 1;
}

struct Validated {
  std::string_view version;
  std::string_view certificate;
  bool fips_140_3;
};
// CMVP's list of the OpenSSL FIPS provider, read for spec/fips.md 2.1; to be looked up at releases.
constexpr std::array<Validated, 3> kValidated = {
    {{"3.0.8", "4282", false}, {"3.0.9", "4282", false}, {"3.1.2", "4985", true}}};

}  // namespace

std::vector<Provider> active_providers() {
  std::vector<Provider> out;
  OSSL_PROVIDER_do_all(nullptr, collect, &out);
  return out;
}

Outcome check_active(Run& run) {
  const auto& provider = run.report.provider;
  if (run.report.kind == Kind::none) {
    std::vector<std::string> names;
    for (const auto& each : run.providers) {
      names.push_back(each.name);
    }
    return {Finding::bad, "no FIPS provider is active; active: " +
                              (names.empty() ? "none" : base::join(names, ", "))};
  }
  const std::string text =
      provider.name + " " + provider.version + " as \"" + provider.config_name + "\"";
  return provider.status == 1 ? Outcome{Finding::good, text + ", running"}
                              : Outcome{Finding::bad, text + " is in its error state"};
}

Outcome check_exclusive(Run& run) {
  std::vector<std::string> others;
  for (const auto& each : run.providers) {
    const bool base = each.config_name == "base" && each.name == "OpenSSL Base Provider";
    if (each.config_name != run.report.provider.config_name && !base) {
      others.push_back(each.config_name + " (" + each.name + ")");
    }
  }
  for (const char* name : {"default", "legacy"}) {
    if (OSSL_PROVIDER_available(nullptr, name) == 1 && run.report.provider.config_name != name &&
        others.empty()) {
      others.emplace_back(name);
    }
  }
  return {others.empty() ? Finding::good : Finding::bad,
          others.empty() ? "no other provider" : "also active: " + base::join(others, ", ")};
}

Outcome check_base(Run& run) {
  if (run.report.kind == Kind::wolf) {
    return {Finding::not_applicable, "wolfProvider brings its own"};
  }
  const bool there = OSSL_PROVIDER_available(nullptr, "base") == 1;
  return {there ? Finding::good : Finding::bad,
          there ? "base provider active" : "the base provider is not active: no key can be read"};
}

Outcome check_module(Run& run) {
  auto& provider = run.report.provider;
  if (provider.module.empty()) {
    return {Finding::bad, "no module"};
  }
  struct stat status {};
  if (stat(provider.module.c_str(), &status) != 0) {
    return {Finding::bad, provider.module + " is not there any more"};
  }
  if (provider.module.find("libcrypto.so") != std::string::npos) {
    return {Finding::bad, "its code is libcrypto's own: " + provider.module};
  }
  if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0U) {
    return {Finding::bad, provider.module + " can be changed by others than root"};
  }
  const auto digest = hash_file(provider.module);
  if (!digest) {
    return {Finding::bad, provider.module + " could not be hashed"};
  }
  provider.module_sha256 = *digest;
  const auto& manifest = run.options.manifest;
  if (manifest && manifest->module_sha256 != *digest) {
    return {Finding::bad, provider.module + " is not the file of the manifest"};
  }
  // Strict asks for a manifest: without one, any file with the right name would do.
  return {
      manifest             ? Finding::good
      : run.options.strict ? Finding::bad
                           : Finding::good,
      provider.module + " sha256 " + *digest + (manifest ? ", the manifest's" : ", no manifest")};
}

Outcome check_certificate(Run& run) {
  const auto& provider = run.report.provider;
  const auto& manifest = run.options.manifest;
  if (manifest && !manifest->certificates.empty()) {
    const auto hash = hash_file(provider.module);
    if (to_string(run.report.kind) !=
            (manifest->provider == "openssl" ? "openssl-fips" : "wolfprovider") ||
        !hash || *hash != manifest->module_sha256) {
      return {Finding::bad, "the manifest's certificate is another module's"};
    }
    const auto& first = manifest->certificates.front();
    run.report.certificate = "file hash matches the manifest of certificate " + first.number +
                             " (" + first.level + ", module " + manifest->module_version + ")";
    return {first.level == "140-3" ? Finding::good : Finding::bad, run.report.certificate};
  }
  const auto row = std::find_if(kValidated.begin(), kValidated.end(), [&](const Validated& each) {
    return run.report.kind == Kind::openssl && each.version == provider.version;
  });
  if (row == kValidated.end()) {
    return {Finding::bad, "version \"" + provider.version + "\" matches no certificate known here"};
  }
  run.report.certificate = "version string matches certificate " + std::string(row->certificate) +
                           (row->fips_140_3 ? " (140-3)" : " (140-2, historical)");
  return {row->fips_140_3 ? Finding::good : Finding::bad, run.report.certificate};
}

Outcome check_properties(Run& run) {
  return run.report.default_properties_fips
             ? Outcome{Finding::good, "fips=yes"}
             : Outcome{Finding::bad, "default_properties lacks fips=yes"};
}

}  // namespace vpccni::fips
