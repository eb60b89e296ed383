#include <curl/curl.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "base/owned.h"
#include "fips/checks.h"
#include "fips/objects.h"

namespace vpccni::fips {

namespace {

constexpr long kConnectSeconds = 5;
constexpr long kCallSeconds = 10;
constexpr std::size_t kBodyLimit = std::size_t{1} << 20U;

/// What is seen of the connection while it lasts.
struct Seen {
  CURL* handle = nullptr;
  Outcome context{Finding::bad, "libcurl made no TLS context"};
  std::string session;
  bool approved = false;
  std::size_t bytes = 0;
};

CURLcode on_context(CURL* /*handle*/, void* context, void* into) {
  auto& seen = *static_cast<Seen*>(into);
  seen.context = judge_context(static_cast<SSL_CTX*>(context));
  return seen.context.finding == Finding::good ? CURLE_OK : CURLE_ABORTED_BY_CALLBACK;
}

std::size_t on_header(char* /*text*/, std::size_t size, std::size_t count, void* into) {
  auto& seen = *static_cast<Seen*>(into);
  curl_tlssessioninfo* info = nullptr;
  if (seen.session.empty() &&
      curl_easy_getinfo(seen.handle, CURLINFO_TLS_SSL_PTR, &info) == CURLE_OK && info != nullptr &&
      info->backend == CURLSSLBACKEND_OPENSSL && info->internals != nullptr) {
    auto* session = static_cast<SSL*>(info->internals);
    const char* group =
        SSL_group_to_name(session, static_cast<int>(SSL_get_negotiated_group(session)));
    const std::string cipher = SSL_get_cipher_name(session);
    seen.session = std::string(SSL_get_version(session)) + " " + cipher + " " +
                   (group == nullptr ? "no group" : group);
    seen.approved =
        group != nullptr && approved_group(group) && cipher.find("GCM") != std::string::npos;
  }
  return size * count;
}

std::size_t on_body(char* /*text*/, std::size_t size, std::size_t count, void* into) {
  auto& seen = *static_cast<Seen*>(into);
  seen.bytes += size * count;
  return seen.bytes > kBodyLimit ? 0 : size * count;
}

}  // namespace

Outcome check_curl(Run& run) {
  const auto* info = curl_version_info(CURLVERSION_NOW);
  auto& curl = run.report.curl;
  curl.version = info->version == nullptr ? "" : info->version;
  curl.ssl = info->ssl_version == nullptr ? "" : info->ssl_version;
  curl.library = object_named(loaded_objects(), "libcurl");
  const std::string wanted = std::string("OpenSSL/") + OpenSSL_version(OPENSSL_VERSION_STRING);
  if ((static_cast<unsigned>(info->features) & static_cast<unsigned>(CURL_VERSION_MULTI_SSL)) !=
      0U) {
    return {Finding::bad, "libcurl has more than one TLS library: " + curl.ssl};
  }
  if (curl.ssl != wanted) {
    return {Finding::bad, "libcurl's TLS is \"" + curl.ssl + "\", not " + wanted};
  }
  const auto& manifest = run.options.manifest;
  if (manifest && !manifest->libcurl_sha256.empty()) {
    const auto hash = hash_file(curl.library);
    if (!hash || *hash != manifest->libcurl_sha256) {
      return {Finding::bad, curl.library + " is not the file of the manifest"};
    }
  }
  return {Finding::good, "libcurl " + curl.version + " by " + curl.ssl + ", " + curl.library};
}

Outcome check_url(Run& run) {
  if (run.options.url.empty()) {
    return {Finding::not_applicable, "no --url given"};
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  const base::Owned<CURL, curl_easy_cleanup> handle(curl_easy_init());
  if (!handle) {
    return {Finding::bad, "libcurl gives no handle"};
  }
  Seen seen;
  seen.handle = handle.get();
  const auto set = [&](CURLoption option, auto value) {
    curl_easy_setopt(handle.get(), option, value);
  };
  set(CURLOPT_URL, run.options.url.c_str());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  set(CURLOPT_TIMEOUT, kCallSeconds);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  if (!run.options.ca_file.empty()) {
    set(CURLOPT_CAINFO, run.options.ca_file.c_str());
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  set(CURLOPT_SSL_CTX_FUNCTION, &on_context);
  set(CURLOPT_SSL_CTX_DATA, static_cast<void*>(&seen));
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&seen));
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&seen));
  std::string reason(CURL_ERROR_SIZE, '\0');
  set(CURLOPT_ERRORBUFFER, reason.data());
  const CURLcode code = curl_easy_perform(handle.get());
  if (code != CURLE_OK) {
    const std::string text = reason.c_str();  // up to its NUL
    return {Finding::bad,
            seen.context.finding == Finding::good || text.find("callback") == std::string::npos
                ? (text.empty() ? curl_easy_strerror(code) : text)
                : seen.context.detail};
  }
  if (seen.session.empty()) {
    return {Finding::bad, "the answer came without TLS of this OpenSSL"};
  }
  return {seen.approved ? Finding::good : Finding::bad, "negotiated " + seen.session};
}

}  // namespace vpccni::fips
