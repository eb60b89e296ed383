#include "rpc/target.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <vector>

#include "base/text.h"

namespace vpccni::rpc {

namespace {

constexpr std::chrono::milliseconds kFullBacklogPause(2);

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

template <class Address>
SocketAddress socket_address(const Address& address) {
  SocketAddress out;
  std::memcpy(&out.storage, &address, sizeof(address));
  out.size = sizeof(address);
  return out;
}

std::vector<SocketAddress> addresses_of(const Target& target) {
  std::vector<SocketAddress> out;
  if (target.kind == Target::Kind::unix_socket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, target.path.c_str(), target.path.size() + 1);
    out.push_back(socket_address(address));
    return out;
  }
  const bool local = target.host == "localhost";
  const auto port = htons(static_cast<std::uint16_t>(target.port));
  sockaddr_in v4{};
  if (inet_pton(AF_INET, local ? "127.0.0.1" : target.host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = port;
    out.push_back(socket_address(v4));
  }
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET6, local ? "::1" : target.host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = port;
    out.push_back(socket_address(v6));
  }
  return out;
}

Result<Target> parse_unix(std::string_view path, const Error& bad) {
  if (path.starts_with("//")) {
    path.remove_prefix(2);
    if (!path.starts_with('/')) {
      return bad;
    }
  }
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path) ||
      path.find('\0') != std::string_view::npos) {
    return bad;
  }
  Target out;
  out.kind = Target::Kind::unix_socket;
  out.path = path;
  return out;
}

Error unreachable(int number) {
  Error error = errno_error(number, "connect");
  error.code = number == ETIMEDOUT ? Errc::timeout : Errc::unavailable;
  return error;
}

Result<> finish_connect(int fd, base::SteadyTime until) {
  VPCCNI_TRY(const bool ready, wait_ready(fd, POLLOUT, until));
  if (!ready) {
    return unreachable(ETIMEDOUT);
  }
  int number = 0;
  socklen_t size = sizeof(number);
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size);
  return number == 0 ? Result<>{} : unreachable(number);
}

Result<base::Fd> connect_to(const SocketAddress& address, base::SteadyTime until) {
  base::Fd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) {
    return unreachable(errno);
  }
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // fails on Unix sockets: fine
  const auto* raw = reinterpret_cast<const sockaddr*>(&address.storage);  // NOLINT: the API's type
  while (::connect(fd.get(), raw, address.size) != 0) {
    if (errno == EINPROGRESS) {
      VPCCNI_CHECK(finish_connect(fd.get(), until));
      break;
    }
    // A Unix socket with a full backlog: nothing tells when there is room.
    if (errno != EAGAIN && errno != EINTR) {
      return unreachable(errno);
    }
    const auto now = std::chrono::steady_clock::now();
    if (now >= until) {
      return unreachable(ETIMEDOUT);
    }
    ::poll(nullptr, 0, static_cast<int>(kFullBacklogPause.count()));
  }
  return fd;
}

}  // namespace

std::string Target::authority() const {
  if (kind == Kind::unix_socket) {
    return "localhost";
  }
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Target> parse_target(std::string_view text) {
  const Error bad{Errc::invalid_argument,
                  "address \"" + std::string(text.substr(0, 128)) +
                      "\" is not HOST:PORT (a numeric host or localhost) or unix:PATH"};
  if (text.starts_with("unix:")) {
    return parse_unix(text.substr(5), bad);
  }
  if (text.starts_with('/')) {
    return parse_unix(text, bad);
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return bad;
  }
  Target out;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad;
  }
  out.host = host.empty() ? "localhost" : host;
  const std::string_view digits = text.substr(colon + 1);
  const auto port = base::parse_integer<std::uint16_t>(digits);
  if (!port || *port == 0 || digits.front() == '+') {
    return bad;
  }
  out.port = *port;
  if (out.host.find('\0') != std::string::npos || addresses_of(out).empty()) {
    return bad;
  }
  return out;
}

Result<bool> wait_ready(int fd, short events, base::SteadyTime until) {
  for (;;) {
    const auto left = until - base::SteadyTime(std::chrono::steady_clock::now());
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    pollfd entry{fd, events, 0};
    const int n = ::poll(&entry, 1, static_cast<int>(std::clamp<decltype(ms)>(ms, 0, INT_MAX)));
    if (n < 0 && errno != EINTR) {
      return errno_error(errno, "poll");
    }
    if (n > 0) {
      return true;
    }
    if (n == 0 && std::chrono::steady_clock::now() >= until) {
      return false;
    }
  }
}

Result<base::Fd> connect(const Target& target, base::SteadyTime until) {
  Result<base::Fd> last = Error{Errc::invalid_argument, "no address"};
  for (const auto& address : addresses_of(target)) {
    auto fd = connect_to(address, until);
    if (fd) {
      return fd;
    }
    if (last || last.error().code == Errc::invalid_argument) {
      last = std::move(fd);  // the first reason is the telling one
    }
  }
  return last;
}

}  // namespace vpccni::rpc
