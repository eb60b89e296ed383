#pragma once
// A gRPC server for unary calls on the event loop: HTTP/2 by nghttp2, plain text, TCP and Unix
// sockets. Everything runs on the loop's thread; not thread-safe. What peers send is bounded in
// size, number and time (ServerLimits); a peer that breaks the protocol loses its connection.

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "event/loop.h"
#include "rpc/framing.h"
#include "rpc/status.h"

namespace vpccni::rpc {

/// Answers a call: now or later, once, on the loop's thread; `reply_bytes` count only with
/// Code::ok. Nothing happens when the call was answered, has expired or was cancelled, or when peer
/// or server are gone. Dropping the last copy unanswered answers INTERNAL.
using Done = std::function<void(Status, std::string reply_bytes)>;
/// `request_bytes` live until the handler returns.
using Handler = std::function<void(std::string_view request_bytes, Done done)>;

/// Asked once per connection, at its first call of a method that is checked. `fd` is the
/// connection's socket. Anything but ok is the answer to the call.
using PeerCheck = std::function<Status(int fd)>;

struct ServerLimits {
  std::size_t message = kMessageLimit;
  std::size_t buffered = std::size_t{64} << 20U;  // unfinished requests of all connections
  std::size_t connections = 256;  // one more evicts the one that has been idle longest
  std::uint32_t streams = 100;    // per connection
  base::Duration preface = std::chrono::seconds(10);  // accepted until first SETTINGS
  base::Duration request = std::chrono::seconds(30);  // headers until end of the message
  base::Duration stall = std::chrono::seconds(60);    // answer ready, peer does not take it
};

class Server {
 public:
  explicit Server(event::Loop& loop, ServerLimits limits = {});
  /// Says goodbye to the peers and closes everything. Allowed inside a handler.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// `path` is "/package.Service/Method". A second handler of a path replaces the first.
  void handle(std::string path, Handler handler);
  /// Only peers that pass the check may call these methods; all others are open to everybody.
  void check_peers(PeerCheck check, std::set<std::string, std::less<>> paths);

  /// Returns the bound port (useful with port 0).
  Result<int> listen_tcp(const std::string& address, int port);
  /// Mode 0660. Replaces a stale socket file; refuses one on which somebody answers.
  Result<> listen_unix(const std::string& path);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vpccni::rpc
