#pragma once
// A blocking gRPC client for unary calls, plain text, over TCP or a Unix socket: sockets and poll
// only, so that it fits into a small static program. Everything is bounded by deadlines and sizes;
// no call raises SIGPIPE. Thread-safe as long as each Channel has one thread.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "rpc/framing.h"
#include "rpc/status.h"

namespace vpccni::rpc {

struct CallOptions {
  base::Duration connect_timeout = std::chrono::seconds(5);
  base::Duration deadline = std::chrono::seconds(30);  // of the whole call, connecting included
  std::size_t reply_limit = kMessageLimit;
  std::string user_agent = {};  // "" is ours
  /// Further headers: lower-case names, not of HTTP/2's or gRPC's own.
  std::vector<std::pair<std::string, std::string>> metadata = {};
};

/// What the server said. Also what a reply that breaks gRPC's rules means by them: no grpc-status
/// is UNKNOWN or the HTTP status's code, a message over the limit is RESOURCE_EXHAUSTED.
struct Reply {
  Status status;
  std::string bytes;  // the message; empty unless the status is ok
};

/// A connection to a server, for one call after the other. Errors, of all three: no gRPC answer
/// came: `unavailable` (nobody listens, connection cut, stream reset; cause is errno's symbol,
/// "EOF" or "RST_STREAM"), `timeout`, `corrupt` (the peer speaks no HTTP/2), `invalid_argument`
/// (target or options). After an error it is of no further use.
class Channel {
 public:
  /// Targets as in rpc/target.h.
  static Result<Channel> open(const std::string& target, base::SteadyTime until);
  Channel(Channel&&) noexcept;
  Channel& operator=(Channel&&) noexcept;
  ~Channel();

  /// Waits until the server has shown that it speaks HTTP/2. call() does not need it.
  Result<> await_server(base::SteadyTime until);

  /// options.connect_timeout is not used here.
  Result<Reply> call(const std::string& path, std::string_view request_bytes,
                     const CallOptions& options);

 private:
  struct Impl;
  explicit Channel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// One call on a connection of its own.
Result<Reply> call(const std::string& target, const std::string& path,
                   std::string_view request_bytes, const CallOptions& options);

}  // namespace vpccni::rpc
