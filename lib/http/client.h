#pragma once
// HTTP/1.1 client over libcurl. Thread-safe: each call borrows a handle from a small pool so that
// connections are kept alive. Every call has a deadline; bodies are bounded; redirects are not
// followed; no retry happens here. A response of any status is a success; an Error means that no
// complete response came: unavailable (connect refused/reset, DNS), timeout, exhausted (body over
// the limit), denied (TLS verification), corrupt (not HTTP).

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"

namespace vpccni::http {

struct Request {
  std::string method = "GET";
  std::string url;
  Headers headers;
  std::string body;
  base::Duration connect_timeout = std::chrono::seconds(5);
  base::Duration timeout = std::chrono::seconds(10);  // whole call
  std::size_t body_limit = std::size_t{16} << 20U;
  bool proxy = true;        // false for link-local and loopback services
  std::string ca_file;      // PEM; empty = the system's roots
  std::string unix_socket;  // connect here instead of the URL's host
  /// libcurl sends a request again by itself when a kept-alive connection dies under it: not for
  /// requests that must not be carried out twice.
  bool fresh_connection = false;
};

struct Response {
  int status = 0;
  Headers headers;
  std::string body;
};

/// Part of a streamed body; return false to end the transfer (not an error).
using Chunk = std::function<bool(std::string_view)>;

class Client {
 public:
  virtual ~Client() = default;
  virtual Result<Response> send(const Request& request, const std::stop_token& stop = {}) = 0;
  /// The body goes to `chunk` as it comes; `timeout` bounds the silence between bytes instead of
  /// the whole call. Response.body is empty for 2xx.
  virtual Result<Response> stream(const Request& request, const Chunk& chunk,
                                  const std::stop_token& stop) = 0;
};

struct ClientOptions {
  std::string user_agent;
  int handles = 4;  // idle handles kept
};

/// Initialises libcurl at the first use, and reads the proxy variables: HTTPS_PROXY, NO_PROXY. One
/// is enough for a process.
std::unique_ptr<Client> make_curl_client(ClientOptions options);

}  // namespace vpccni::http
