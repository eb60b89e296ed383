// A provider that claims wolfProvider's name and fails in different ways. Its algorithms are those
// of OpenSSL's default provider in a library context of its own, under other properties.
//   CLAIMS_NAME        its name; default "wolfSSL Provider FIPS"
//   CLAIMS_STATUS      its status; default 1
//   CLAIMS_PROPERTIES  of its algorithms; default "provider=wolfprov,fips=yes"
//   CLAIMS_ALSO        one more digest or cipher that it offers ("MD5")
//   CLAIMS_WITHOUT     one that it does not offer ("HMAC")

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include <array>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

extern "C" int claims_here();

namespace {

OSSL_PROVIDER* inner = nullptr;

std::string text(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

bool approved(int operation, std::string_view name) {
  if (operation != OSSL_OP_DIGEST && operation != OSSL_OP_CIPHER && operation != OSSL_OP_KEYMGMT) {
    return true;
  }
  for (const std::string_view start : {"SHA", "AES-", "RSA", "EC", "HMAC", "HKDF", "TLS1", "DH"}) {
    if (name.starts_with(start)) {
      return true;
    }
  }
  return false;
}

const OSSL_ALGORITHM* query(void* /*context*/, int operation, int* no_store) {
  static std::map<int, std::vector<OSSL_ALGORITHM>> offered;
  static const std::string properties = text("CLAIMS_PROPERTIES", "provider=wolfprov,fips=yes");
  static const std::string also = text("CLAIMS_ALSO", "?");
  static const std::string without = text("CLAIMS_WITHOUT", "?");
  const OSSL_ALGORITHM* all = OSSL_PROVIDER_query_operation(inner, operation, no_store);
  auto& list = offered[operation];
  if (!list.empty() || all == nullptr) {
    return list.empty() ? nullptr : list.data();
  }
  for (; all->algorithm_names != nullptr; ++all) {
    const std::string_view names = all->algorithm_names;
    const auto first = names.substr(0, names.find(':'));
    if (first == without || (first != also && !approved(operation, first))) {
      continue;
    }
    OSSL_ALGORITHM one = *all;
    // Encoders and decoders keep theirs: they say what they read and write.
    if (operation < OSSL_OP_ENCODER) {
      one.property_definition = properties.c_str();
    }
    list.push_back(one);
  }
  list.push_back({nullptr, nullptr, nullptr, nullptr});
  return list.data();
}

int get_params(void* /*context*/, OSSL_PARAM params[]) {
  static const std::string name = text("CLAIMS_NAME", "wolfSSL Provider FIPS");
  static const std::array<std::pair<const char*, const char*>, 3> texts = {
      {{OSSL_PROV_PARAM_NAME, name.c_str()},
       {OSSL_PROV_PARAM_VERSION, "1.1.0"},
       {OSSL_PROV_PARAM_BUILDINFO, "wolfSSL 5.8.2"}}};
  for (const auto& [key, value] : texts) {
    if (auto* param = OSSL_PARAM_locate(params, key)) {
      OSSL_PARAM_set_utf8_ptr(param, value);
    }
  }
  if (auto* param = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS)) {
    OSSL_PARAM_set_int(param, std::atoi(text("CLAIMS_STATUS", "1").c_str()));
  }
  return 1;
}

// The groups of TLS.
int get_capabilities(void* /*context*/, const char* capability, OSSL_CALLBACK* call, void* arg) {
  return OSSL_PROVIDER_get_capabilities(inner, capability, call, arg);
}

template <class Function>
void (*entry(Function* function))(void) {
  return reinterpret_cast<void (*)(void)>(function);
}

}  // namespace

extern "C" [[gnu::visibility("default")]] int OSSL_provider_init(const OSSL_CORE_HANDLE* /*handle*/,
                                                                 const OSSL_DISPATCH* /*in*/,
                                                                 const OSSL_DISPATCH** out,
                                                                 void** context) {
  static const std::array<OSSL_DISPATCH, 4> functions = {
      {{OSSL_FUNC_PROVIDER_GET_PARAMS, entry(get_params)},
       {OSSL_FUNC_PROVIDER_QUERY_OPERATION, entry(query)},
       {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, entry(get_capabilities)},
       {0, nullptr}}};
  inner = OSSL_PROVIDER_load(OSSL_LIB_CTX_new(), "default");
  if (inner == nullptr || claims_here() != 1) {
    return 0;
  }
  *context = OSSL_PROVIDER_get0_provider_ctx(inner);
  *out = functions.data();
  return 1;
}
