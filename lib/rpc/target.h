#pragma once
// Where a gRPC server is, and how to get there. Plain sockets; no resolver, so that a static
// program needs no name service of its host.

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace vpccni::rpc {

struct Target {
  enum class Kind { tcp, unix_socket };
  Kind kind = Kind::tcp;
  std::string host;  // numeric, or "localhost" (127.0.0.1, then ::1)
  int port = 0;
  std::string path;

  /// The :authority of calls to it.
  std::string authority() const;
};

/// "127.0.0.1:50051", "localhost:50051", ":50051" (localhost), "[::1]:50051", "unix:/path",
/// "unix:///path", "/path".
Result<Target> parse_target(std::string_view text);

/// A connected non-blocking socket. Errors: `unavailable` with errno's symbol as cause, `timeout`.
Result<base::Fd> connect(const Target& target, base::SteadyTime until);

/// Waits until `fd` has one of poll's `events`, an error, or `until`. True if it was not the time.
Result<bool> wait_ready(int fd, short events, base::SteadyTime until);

}  // namespace vpccni::rpc
