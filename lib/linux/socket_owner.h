#pragma once
// Who is at the other end of a TCP connection within this network namespace: the kernel is asked
// about exactly that socket, however many there are.

#include <sys/types.h>

#include <optional>
#include <string_view>

#include "base/result.h"

namespace vpccni::linux {

/// Two ends of a connection as the kernel's tables name them; bytes in network order, 4 or 16.
struct TcpPair {
  int family = 0;  // AF_INET or AF_INET6
  std::string local;
  std::uint16_t local_port = 0;
  std::string remote;
  std::uint16_t remote_port = 0;
};

/// The uid that made the peer's socket; none if `fd` is no TCP socket. Errors: not_found (the peer
/// is of another namespace, or has closed its socket, which the kernel then lists as root's).
Result<std::optional<uid_t>> tcp_peer_owner(int fd);

/// The uid in a text of the form of /proc/net/tcp or tcp6: for kernels without socket diagnosis.
std::optional<uid_t> find_owner(std::string_view table, const TcpPair& pair);

}  // namespace vpccni::linux
