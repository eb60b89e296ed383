#include "event/listen.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "base/files.h"

namespace vpccni::event {

namespace {

constexpr int kBacklog = 511;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

sockaddr* raw(SocketAddress& address) {
  return reinterpret_cast<sockaddr*>(&address.storage);  // NOLINT: the socket API's type
}

std::optional<SocketAddress> parse_address(const std::string& text, int port) {
  SocketAddress result;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<std::uint16_t>(port));
    std::memcpy(&result.storage, &v4, sizeof(v4));
    result.size = sizeof(v4);
    return result;
  }
  if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(static_cast<std::uint16_t>(port));
    std::memcpy(&result.storage, &v6, sizeof(v6));
    result.size = sizeof(v6);
    return result;
  }
  return std::nullopt;
}

int bound_port(int fd) {
  SocketAddress address;
  address.size = sizeof(address.storage);
  if (getsockname(fd, raw(address), &address.size) != 0) {
    return 0;
  }
  sockaddr_in v4{};
  std::memcpy(&v4, &address.storage, sizeof(v4));  // the port is at the same place in both
  return ntohs(v4.sin_port);
}

Result<TcpListener> listen_at(SocketAddress address, const std::string& doing) {
  const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  base::Fd fd(::socket(address.storage.ss_family, type, 0));
  if (!fd.valid()) {
    return errno_error(errno, doing);
  }
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // inherited when accepted
  if (::bind(fd.get(), raw(address), address.size) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return errno_error(errno, doing);
  }
  const int port = bound_port(fd.get());
  return TcpListener{std::move(fd), port};
}

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return Error{Errc::invalid_argument, "socket path \"" + path + "\" is empty or too long"};
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

const sockaddr* raw(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);  // NOLINT: the socket API's type
}

bool somebody_answers(const sockaddr_un& address) {
  const base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(fd.get(), raw(address), sizeof(address)) == 0 || errno == EAGAIN;
}

Result<> clear_path(const std::string& path, const sockaddr_un& address, Occupied occupied) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    return errno == ENOENT ? Result<>{} : errno_error(errno, "look at " + path);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return Error{Errc::already_exists, path + " is there and is no socket"};
  }
  if (occupied == Occupied::refuse && somebody_answers(address)) {
    return Error{Errc::already_exists, path + " is in use", "EADDRINUSE"};
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return errno_error(errno, "remove stale socket " + path);
  }
  return {};
}

}  // namespace

Result<TcpListener> listen_tcp(const std::string& address, int port) {
  const std::string doing = "listen on " + address + ":" + std::to_string(port);
  if (port < 0 || port > 65535) {
    return Error{Errc::invalid_argument, doing + ": port out of range"};
  }
  if (address.empty()) {
    auto both = listen_at(*parse_address("::", port), doing);
    return both ? std::move(both) : listen_at(*parse_address("0.0.0.0", port), doing);
  }
  const auto parsed = parse_address(address == "localhost" ? "127.0.0.1" : address, port);
  if (!parsed) {
    return Error{Errc::invalid_argument, doing + ": numeric address expected"};
  }
  return listen_at(*parsed, doing);
}

Result<base::Fd> listen_unix(const std::string& path, unsigned mode, Occupied occupied) {
  VPCCNI_TRY(const sockaddr_un address, unix_address(path));
  if (const auto slash = path.rfind('/'); slash != std::string::npos && slash > 0) {
    VPCCNI_CHECK(base::make_directories(path.substr(0, slash), 0755));
  }
  VPCCNI_CHECK(clear_path(path, address, occupied));
  base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const std::string doing = "listen on " + path;
  if (!fd.valid()) {
    return errno_error(errno, doing);
  }
  // Linux gives the file the socket's mode, so that it is never open wider than asked; chmod after
  // it, because that mode goes through the umask.
  ::fchmod(fd.get(), mode);
  if (::bind(fd.get(), raw(address), sizeof(address)) != 0 || ::chmod(path.c_str(), mode) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    return errno_error(errno, doing);
  }
  return fd;
}

}  // namespace vpccni::event
