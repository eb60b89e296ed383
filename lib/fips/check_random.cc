#include <dlfcn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/self_test.h>

#include <array>

#include "base/owned.h"
#include "crypto/digest.h"
#include "fips/checks.h"
#include "fips/objects.h"

namespace vpccni::fips {

namespace {

constexpr unsigned kStrength = 256;  // bits; what OpenSSL's module reports
constexpr int kFewestTests = 20;     // 29 were seen with 3.0.22

struct Tests {
  int passed = 0;
  int failed = 0;
  bool integrity = false;
  std::vector<SelfTestEvent> events;
};

int on_event(const OSSL_PARAM params[], void* into) {  // NOLINT(modernize-avoid-c-arrays)
  auto& tests = *static_cast<Tests*>(into);
  const auto text = [&](const char* key) -> std::string {
    const OSSL_PARAM* param = OSSL_PARAM_locate_const(params, key);
    const char* value = nullptr;
    return param != nullptr && OSSL_PARAM_get_utf8_string_ptr(param, &value) == 1 ? value : "";
  };
  const auto phase = text(OSSL_PROV_PARAM_SELF_TEST_PHASE);
  tests.events.push_back(
      {phase, text(OSSL_PROV_PARAM_SELF_TEST_TYPE), text(OSSL_PROV_PARAM_SELF_TEST_DESC)});
  if (phase == OSSL_SELF_TEST_PHASE_PASS) {
    ++tests.passed;
    tests.integrity = tests.integrity ||
                      text(OSSL_PROV_PARAM_SELF_TEST_TYPE) == OSSL_SELF_TEST_TYPE_MODULE_INTEGRITY;
  } else if (phase == OSSL_SELF_TEST_PHASE_FAIL) {
    ++tests.failed;
  }
  return 1;
}

struct Handle {
  OSSL_PROVIDER* provider = nullptr;
  std::string wanted;
};

int pick(OSSL_PROVIDER* provider, void* into) {
  auto& handle = *static_cast<Handle*>(into);
  if (handle.wanted == OSSL_PROVIDER_get0_name(provider)) {
    handle.provider = provider;
  }
  return 1;
}

}  // namespace

Outcome check_random(Run& run) {
  if (const auto bytes = crypto::random_bytes(32); !bytes) {
    return {Finding::bad, bytes.error().message};
  }
  struct Generator {
    const char* name;
    EVP_RAND_CTX* context;
  };
  const std::array<Generator, 3> generators = {{{"primary", RAND_get0_primary(nullptr)},
                                                {"public", RAND_get0_public(nullptr)},
                                                {"private", RAND_get0_private(nullptr)}}};
  std::string kind;
  for (const auto& each : generators) {
    if (each.context == nullptr) {
      return {Finding::bad, std::string("no ") + each.name + " generator"};
    }
    const EVP_RAND* rand = EVP_RAND_CTX_get0_rand(each.context);
    const std::string from = OSSL_PROVIDER_get0_name(EVP_RAND_get0_provider(rand));
    kind = EVP_RAND_get0_name(rand);
    if (from != run.report.provider.config_name) {
      return {Finding::bad, std::string(each.name) + " generator comes from " + from};
    }
    if (EVP_RAND_get_state(each.context) != EVP_RAND_STATE_READY) {
      return {Finding::bad, std::string(each.name) + " generator is not ready"};
    }
    if (run.report.kind == Kind::openssl && EVP_RAND_get_strength(each.context) < kStrength) {
      return {Finding::bad, std::string(each.name) + " generator has under 256 bits of strength"};
    }
  }
  return {kind == "CTR-DRBG" || kind == "HASH-DRBG" ? Finding::good : Finding::bad,
          kind + ", primary, public and private, ready"};
}

Outcome check_self_test(Run& run) {
  if (run.report.kind == Kind::wolf) {
    return {Finding::not_applicable, "wolfProvider has none of this kind; see selftest.wolf"};
  }
  if (run.report.kind == Kind::none) {
    return {Finding::bad, "no module to test"};
  }
  Handle handle{nullptr, run.report.provider.config_name};
  OSSL_PROVIDER_do_all(nullptr, pick, &handle);
  Tests tests;
  OSSL_SELF_TEST_set_callback(nullptr, on_event, &tests);
  const bool passed = handle.provider != nullptr && OSSL_PROVIDER_self_test(handle.provider) == 1;
  OSSL_SELF_TEST_set_callback(nullptr, nullptr, nullptr);
  run.report.self_tests_passed = tests.passed;
  run.report.self_tests_failed = tests.failed;
  if (run.options.only.size() == 1) {
    run.report.self_test_events = std::move(tests.events);
  }
  const std::string text = std::to_string(tests.passed) + " passed, " +
                           std::to_string(tests.failed) + " failed, integrity " +
                           (tests.integrity ? "verified" : "not verified");
  const bool good = passed && tests.failed == 0 && tests.passed >= kFewestTests && tests.integrity;
  return {good ? Finding::good : Finding::bad, text};
}

Outcome check_wolf_self_test(Run& run) {
  if (run.report.kind != Kind::wolf) {
    return {run.report.kind == Kind::none ? Finding::bad : Finding::not_applicable,
            run.report.kind == Kind::none ? "no module to test" : "about wolfProvider only"};
  }
  // Asked of the library that the provider loaded, without its headers.
  const auto path = object_named(loaded_objects(), "libwolfssl");
  const base::Owned<void, dlclose> library(
      path.empty() ? nullptr : dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD));
  if (!library) {
    return {Finding::bad, "no libwolfssl in the process"};
  }
  struct Test {
    const char* name;
    int result = -1;
  };
  std::array<Test, 2> tests = {{{"wolfCrypt_GetStatus_fips"}, {"wc_RunAllCast_fips"}}};
  for (auto& test : tests) {
    auto* call = reinterpret_cast<int (*)()>(dlsym(library.get(), test.name));  // NOLINT
    if (call == nullptr) {
      return {Finding::bad, path + " is no FIPS build: it lacks " + test.name};
    }
    test.result = call();
    if (test.result != 0) {
      return {Finding::bad, std::string(test.name) + " gave " + std::to_string(test.result)};
    }
  }
  return {Finding::good, path + ": status and all conditional algorithm self tests passed"};
}

}  // namespace vpccni::fips
