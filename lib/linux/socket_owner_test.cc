#include "linux/socket_owner.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <optional>

#include "base/fd.h"

namespace vpccni::linux {

namespace {

constexpr uid_t kNobody = 65534;

struct Listener {
  explicit Listener(int family) {
    fd.reset(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    size = family == AF_INET ? sizeof(v4) : sizeof(v6);
    if (family == AF_INET) {
      std::memcpy(&address, &v4, sizeof(v4));
    } else {
      std::memcpy(&address, &v6, sizeof(v6));
    }
    REQUIRE(::bind(fd.get(), raw(), size) == 0);
    REQUIRE(::listen(fd.get(), 5) == 0);
    REQUIRE(::getsockname(fd.get(), raw(), &size) == 0);
  }
  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&address); }  // NOLINT

  base::Fd fd;
  sockaddr_storage address{};
  socklen_t size = 0;
};

enum class Then { wait, close };

/// A process of another user that connects, says a byte, and then closes or waits to be let go.
struct Client {
  Client(Listener& to, int family, uid_t uid, Then then) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(ends[1]);
      bool good = uid == 0 || ::setresuid(uid, uid, uid) == 0;
      const int fd = ::socket(family, SOCK_STREAM, 0);
      good = good && ::connect(fd, to.raw(), to.size) == 0 && ::write(fd, "x", 1) == 1;
      if (then == Then::close) {
        ::close(fd);
      }
      char end = 0;
      ::_exit(good && ::read(ends[0], &end, 1) == 0 ? 0 : 1);
    }
    ::close(ends[0]);
    let_go.reset(ends[1]);
    accepted.reset(::accept(to.fd.get(), nullptr, nullptr));
    char byte = 0;
    REQUIRE(::recv(accepted.get(), &byte, 1, MSG_WAITALL) == 1);
    if (then == Then::close) {
      REQUIRE(::recv(accepted.get(), &byte, 1, 0) == 0);  // its FIN is here
    }
  }
  ~Client() {
    let_go.reset();
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }

  pid_t child = -1;
  base::Fd let_go;
  base::Fd accepted;
};

/// Another user can only be played by root.
bool can_be_another() {
  if (::geteuid() != 0) {
    WARN("SKIPPED: needs root");
    REQUIRE(std::getenv("CI") == nullptr);
    return false;
  }
  return true;
}

std::string v4(const char* text) {
  std::string bytes(4, '\0');
  REQUIRE(::inet_pton(AF_INET, text, bytes.data()) == 1);
  return bytes;
}

}  // namespace

TEST_CASE("our own socket is ours") {
  for (const int family : {AF_INET, AF_INET6}) {
    Listener listener(family);
    const base::Fd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(fd.get(), listener.raw(), listener.size) == 0);
    const base::Fd accepted(::accept(listener.fd.get(), nullptr, nullptr));
    const auto owner = tcp_peer_owner(accepted.get());
    REQUIRE(owner);
    CHECK(*owner == ::geteuid());
  }
}

TEST_CASE("a peer's user is the one that made its socket") {
  if (!can_be_another()) {
    return;
  }
  for (const int family : {AF_INET, AF_INET6}) {
    Listener listener(family);
    for (const uid_t uid : {uid_t{0}, kNobody}) {
      const Client client(listener, family, uid, Then::wait);
      const auto owner = tcp_peer_owner(client.accepted.get());
      REQUIRE(owner);
      CHECK(*owner == uid);
    }
  }
}

TEST_CASE("a socket that its user closed is nobody's, and not root's") {
  if (!can_be_another()) {
    return;
  }
  Listener listener(AF_INET);
  const Client client(listener, AF_INET, kNobody, Then::close);
  const auto owner = tcp_peer_owner(client.accepted.get());
  REQUIRE_FALSE(owner);
}

TEST_CASE("a Unix socket has no owner to look up; a listening one has no peer") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const base::Fd one(ends[0]);
  const base::Fd two(ends[1]);
  const auto owner = tcp_peer_owner(one.get());
  REQUIRE(owner);
  CHECK_FALSE(*owner);
  Listener listener(AF_INET);
  CHECK_FALSE(tcp_peer_owner(listener.fd.get()));
  CHECK_FALSE(tcp_peer_owner(-1));
}

TEST_CASE("the table of /proc, for kernels that cannot be asked") {
  constexpr std::string_view kTable =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
      "inode\n"
      "   0: 0100007F:C383 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "777 1 ffff 100 0 0 10 0\n"
      "   1: 0100007F:1234 0100007F:C383 01 00000000:00000000 00:00000000 00000000  1000        0 "
      "778 1 ffff 20 4 0 10 -1\n"
      "   2: 0100007F:1235 0100007F:C383 06 00000000:00000000 03:00000000 00000000     0        0 "
      "0 "
      "3 ffff\n"
      "   3: 0100007F:1236 0100007F:C383 04 00000000:00000000 03:00000000 00000000     0        0 "
      "0 "
      "3 ffff\n"
      "   4: 0100007F:1237 0100007F:C383 02 00000000:00000000 03:00000000 00000000     0        0 "
      "779 3 ffff\n"
      "   5: 0100007F:12";
  const auto owner = [&](std::uint16_t port) {
    return find_owner(kTable, {AF_INET, v4("127.0.0.1"), port, v4("127.0.0.1"), 50051});
  };
  CHECK(owner(0x1234) == uid_t{1000});
  for (const int port : {0x1235, 0x1236, 0x1237, 0x1238, 0xc383}) {
    CHECK_FALSE(owner(static_cast<std::uint16_t>(
        port)));  // TIME_WAIT, closed by its process, connecting, unknown, listening
  }
  const auto here = [](int family, const std::string& address) {
    return find_owner("", {family, address, 1, address, 2});
  };
  CHECK_FALSE(here(AF_INET6, std::string(16, '\1')));
}

}  // namespace vpccni::linux
