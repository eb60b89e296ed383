#pragma once
// A small HTTP/1.1 server on the event loop (libevent's evhttp): metrics, introspection, and the
// faces of the VPC model in tests. Handlers run on the loop's thread. Requests are bounded in
// header and body size and in time. Not thread-safe.

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "event/loop.h"
#include "http/message.h"

namespace vpccni::http {

struct ServerRequest {
  std::string method;
  std::string path;   // decoded, without the query
  std::string query;  // raw, without '?'
  Headers headers;
  std::string body;
  std::string peer;  // numeric address of the client; "" on a Unix socket
};

struct ServerReply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  Headers headers;
};

/// A reply that goes out in parts (Kubernetes watch). Dropping it ends the response.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual void send(std::string_view chunk) = 0;
  virtual bool open() const = 0;  // false once the client has gone
};

class Responder {
 public:
  virtual ~Responder() = default;
  virtual void reply(ServerReply reply) = 0;  // exactly once, now or later (for delays)
  virtual std::unique_ptr<Stream> stream(ServerReply head) = 0;  // instead of reply()
  /// Cuts the connection without an answer (fault injection).
  virtual void drop() = 0;
};

struct ServerOptions {
  std::size_t body_limit = std::size_t{4} << 20U;
  std::size_t header_limit = 16384;
  base::Duration timeout = std::chrono::seconds(5);  // read and write, each
};

class Server {
 public:
  using Handler = std::function<void(const ServerRequest&, std::shared_ptr<Responder>)>;
  Server(event::Loop& loop, Handler handler, ServerOptions options = {});
  ~Server();

  /// Returns the bound port (useful with port 0).
  Result<int> listen_tcp(const std::string& address, int port);
  /// Replaces a stale socket file; refuses to remove anything else.
  Result<> listen_unix(const std::string& path, unsigned mode = 0660);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vpccni::http
