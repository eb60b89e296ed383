#include "http/client.h"

#include <curl/curl.h>

#include <array>
#include <cstdlib>
#include <mutex>

#include "base/owned.h"
#include "http/no_proxy.h"

namespace vpccni::http {

namespace {

using Handle = base::Owned<CURL, curl_easy_cleanup>;
using List = base::Owned<curl_slist, curl_slist_free_all>;

/// What one call collects; reached from libcurl's callbacks.
struct Transfer {
  const Request& request;
  const Chunk* chunk = nullptr;  // for a streamed body
  const std::stop_token& stop;
  Response response;
  CURL* handle = nullptr;
  bool too_large = false;
  bool ended_by_caller = false;
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view bytes(data, size * count);
  long status = 0;
  curl_easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &status);
  if (transfer.chunk != nullptr && status >= 200 && status < 300) {
    if (!(*transfer.chunk)(bytes)) {
      transfer.ended_by_caller = true;
      return 0;
    }
    return bytes.size();
  }
  if (transfer.response.body.size() + bytes.size() > transfer.request.body_limit) {
    transfer.too_large = true;
    return 0;
  }
  transfer.response.body.append(bytes);
  return bytes.size();
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  std::string_view line(data, size * count);
  constexpr std::size_t kMaxHeaders = 200;
  if (line.rfind("HTTP/", 0) == 0) {
    transfer.response.headers.clear();  // a 100 Continue came before
  } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
    if (transfer.response.headers.size() >= kMaxHeaders) {
      return 0;
    }
    transfer.response.headers.emplace_back(base::trim(line.substr(0, colon)),
                                           base::trim(line.substr(colon + 1)));
  }
  return line.size();
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  return static_cast<Transfer*>(user)->stop.stop_requested() ? 1 : 0;
}

long milliseconds(base::Duration d) {
  return std::max<long>(
      1, static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(d).count()));
}

Errc code_of(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Errc::timeout;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
      return Errc::denied;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return Errc::invalid_argument;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
      return Errc::corrupt;
    default:
      return Errc::unavailable;
  }
}

/// What a transfer's end means. `os_error` is errno of a failed connect, or 0.
Error failure(const Transfer& transfer, CURLcode code, const char* why, long os_error) {
  const std::string& url = transfer.request.url;
  if (transfer.stop.stop_requested()) {
    return {Errc::unavailable, url + ": stopped"};
  }
  if (code == CURLE_UNSUPPORTED_PROTOCOL && url.starts_with("http")) {
    return {Errc::corrupt, url + ": the answer is no HTTP"};  // libcurl takes it for HTTP/0.9
  }
  Error error{code_of(code), url + ": " + why};
  if (code == CURLE_COULDNT_CONNECT && os_error != 0) {
    error.cause = errno_error(static_cast<int>(os_error), "").cause;
  }
  return error;
}

/// libcurl reads the proxies' own variables itself.
std::string no_proxy_list() {
  for (const char* name : {"NO_PROXY", "no_proxy"}) {
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') {
      return value;
    }
  }
  return {};
}

class CurlClient final : public Client {
 public:
  explicit CurlClient(ClientOptions options)
      : options_(std::move(options)), no_proxy_(no_proxy_list()) {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  }

  Result<Response> send(const Request& request, const std::stop_token& stop) override {
    Transfer transfer{request, nullptr, stop, {}, nullptr, false, false};
    return run(transfer);
  }

  Result<Response> stream(const Request& request, const Chunk& chunk,
                          const std::stop_token& stop) override {
    Transfer transfer{request, &chunk, stop, {}, nullptr, false, false};
    return run(transfer);
  }

 private:
  Handle borrow() {
    const std::lock_guard lock(idle_mutex_);
    if (idle_.empty()) {
      return Handle(curl_easy_init());
    }
    Handle handle = std::move(idle_.back());
    idle_.pop_back();
    return handle;
  }

  void give_back(Handle handle) {
    curl_easy_reset(handle.get());  // options go, connections stay
    const std::lock_guard lock(idle_mutex_);
    if (idle_.size() < static_cast<std::size_t>(options_.handles)) {
      idle_.push_back(std::move(handle));
    }
  }

  void prepare(CURL* handle, Transfer& transfer, const List& headers) const {
    const Request& request = transfer.request;
    const auto set = [handle](CURLoption option, auto value) {
      curl_easy_setopt(handle, option, value);
    };
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    set(CURLOPT_HTTPHEADER, headers.get());
    set(CURLOPT_USERAGENT, options_.user_agent.c_str());
    set(CURLOPT_FRESH_CONNECT, request.fresh_connection ? 1L : 0L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500
    set(CURLOPT_PROTOCOLS_STR, "http,https");
#else
    set(CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(request.connect_timeout));
    if (transfer.chunk == nullptr) {
      set(CURLOPT_TIMEOUT_MS, milliseconds(request.timeout));
    } else {
      set(CURLOPT_LOW_SPEED_LIMIT, 1L);  // bytes per second
      set(CURLOPT_LOW_SPEED_TIME, std::max(1L, milliseconds(request.timeout) / 1000));
    }
    if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
        request.method == "PATCH") {
      set(CURLOPT_POSTFIELDS, request.body.data());
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    }
    if (!request.proxy || is_direct(request.url, no_proxy_)) {
      set(CURLOPT_PROXY, "");
    } else {
      set(CURLOPT_NOPROXY, "");  // decided above, the same with every libcurl
    }
    if (!request.ca_file.empty()) {
      set(CURLOPT_CAINFO, request.ca_file.c_str());
      // In place of the system's roots, not beside them.
      set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    if (!request.unix_socket.empty()) {
      set(CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
    }
    set(CURLOPT_WRITEFUNCTION, &on_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
    set(CURLOPT_HEADERFUNCTION, &on_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
    set(CURLOPT_XFERINFOFUNCTION, &on_progress);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(&transfer));
    set(CURLOPT_NOPROGRESS, 0L);
  }

  /// libcurl asks on_progress about once a second; the multi interface lets us wake at once.
  static CURLcode drive(CURL* handle, const std::stop_token& stop) {
    const base::Owned<CURLM, curl_multi_cleanup> multi(curl_multi_init());
    curl_multi_add_handle(multi.get(), handle);
    const std::stop_callback wake(stop, [&multi] { curl_multi_wakeup(multi.get()); });
    int running = 1;
    while (running > 0) {
      if (curl_multi_perform(multi.get(), &running) != CURLM_OK || stop.stop_requested()) {
        break;
      }
      if (running > 0) {
        curl_multi_poll(multi.get(), nullptr, 0, 1000, nullptr);
      }
    }
    CURLcode code = CURLE_ABORTED_BY_CALLBACK;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
      if (message->msg == CURLMSG_DONE) {
        code = message->data.result;
      }
    }
    curl_multi_remove_handle(multi.get(), handle);
    return code;
  }

  Result<Response> run(Transfer& transfer) {
    for (const auto& [name, value] : transfer.request.headers) {
      constexpr std::string_view kBreaks("\r\n\0", 3);  // would begin another header
      if ((name + value).find_first_of(kBreaks) != std::string::npos) {
        return Error{Errc::invalid_argument,
                     transfer.request.url + ": a header has a line break in it"};
      }
    }
    Handle handle = borrow();
    if (!handle) {
      return Error{Errc::internal, "libcurl gives no handle"};
    }
    transfer.handle = handle.get();
    List headers;
    const auto add = [&headers](const std::string& line) {
      headers.reset(curl_slist_append(headers.release(), line.c_str()));
    };
    add("Expect:");
    for (const auto& [name, value] : transfer.request.headers) {
      add(name + ": " + value);
    }
    std::array<char, CURL_ERROR_SIZE> text{};
    curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, text.data());
    prepare(handle.get(), transfer, headers);
    // Without a stop token the plain call keeps the handle's own connection cache alive.
    const CURLcode code = transfer.stop.stop_possible() || transfer.chunk != nullptr
                              ? drive(handle.get(), transfer.stop)
                              : curl_easy_perform(handle.get());
    long status = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    long os_error = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_OS_ERRNO, &os_error);
    give_back(std::move(handle));
    transfer.response.status = static_cast<int>(status);
    if (transfer.too_large) {
      return Error{Errc::exhausted, transfer.request.url + ": the answer is larger than " +
                                        std::to_string(transfer.request.body_limit) + " bytes"};
    }
    if (code != CURLE_OK && !transfer.ended_by_caller) {
      const char* why = text.front() != '\0' ? text.data() : curl_easy_strerror(code);
      return failure(transfer, code, why, os_error);
    }
    return std::move(transfer.response);
  }

  ClientOptions options_;
  std::string no_proxy_;
  std::mutex idle_mutex_;
  std::vector<Handle> idle_;  // guarded by idle_mutex_
};

}  // namespace

std::unique_ptr<Client> make_curl_client(ClientOptions options) {
  return std::make_unique<CurlClient>(std::move(options));
}

}  // namespace vpccni::http
