#pragma once
// Listening sockets for the servers on the loop: non-blocking, close-on-exec, owned by the caller.
// Plain system calls; errors carry errno's symbol.

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace vpccni::event {

struct TcpListener {
  base::Fd fd;
  int port = 0;  // the bound one
};

/// `address` is numeric, "localhost" (127.0.0.1), or "" for every address of both families.
/// Accepted connections have TCP_NODELAY.
Result<TcpListener> listen_tcp(const std::string& address, int port);

/// What to do with a socket file on which somebody still answers.
enum class Occupied { refuse, replace };

/// Makes the parent directory (0755) and replaces a socket file that nobody answers on; anything
/// but a socket stays and is `already_exists`. The file is not removed when the listener closes.
Result<base::Fd> listen_unix(const std::string& path, unsigned mode, Occupied occupied);

}  // namespace vpccni::event
