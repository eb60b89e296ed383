#include "http/server.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>

#include "base/fd.h"

namespace http = vpccni::http;
using vpccni::Errc;
using vpccni::base::Fd;
using vpccni::event::Loop;
using namespace std::chrono_literals;

namespace {

Fd connect_tcp(int port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* raw = reinterpret_cast<const sockaddr*>(&address);  // NOLINT
  REQUIRE(::connect(fd.get(), raw, sizeof(address)) == 0);
  return fd;
}

Fd connect_unix(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const auto* raw = reinterpret_cast<const sockaddr*>(&address);  // NOLINT
  REQUIRE(::connect(fd.get(), raw, sizeof(address)) == 0);
  return fd;
}

void write_to(const Fd& fd, std::string_view text) {
  REQUIRE(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(text.size()));
}

/// A server whose handler the test sets, and the loop that the test turns by hand.
struct Site {
  Loop loop;
  http::Server::Handler handler = [](const http::ServerRequest&,
                                     const std::shared_ptr<http::Responder>&) {};
  std::unique_ptr<http::Server> server;
  int port = 0;

  explicit Site(http::ServerOptions options = {}) {
    server = std::make_unique<http::Server>(
        loop,
        [this](const http::ServerRequest& request, std::shared_ptr<http::Responder> responder) {
          handler(request, std::move(responder));
        },
        options);
    const auto bound = server->listen_tcp("127.0.0.1", 0);
    REQUIRE(bound);
    port = *bound;
  }

  void turn_until(const std::function<bool()>& done) {
    const auto limit = std::chrono::steady_clock::now() + 10s;
    while (!done()) {
      REQUIRE(std::chrono::steady_clock::now() < limit);
      loop.run_once(20ms);
    }
  }

  /// What arrives until `end` is in it, or until the server closes.
  std::string read_from(const Fd& fd, const std::string& end) {
    std::string got;
    bool closed = false;
    turn_until([&] {
      std::array<char, 65536> buffer{};
      const auto n = ::recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (n > 0) {
        got.append(buffer.data(), static_cast<std::size_t>(n));
      }
      closed = n == 0 || (n < 0 && errno == ECONNRESET);
      return closed || (!end.empty() && got.find(end) != std::string::npos);
    });
    return closed ? got + "<closed>" : got;
  }

  std::string ask(const std::string& request, const std::string& end) {
    const Fd fd = connect_tcp(port);
    write_to(fd, request);
    return read_from(fd, end);
  }
};

}  // namespace

TEST_CASE("every method reaches the handler with its parts") {
  Site site;
  http::ServerRequest seen;
  site.handler = [&seen](const http::ServerRequest& request,
                         const std::shared_ptr<http::Responder>& responder) {
    seen = request;
    responder->reply({.status = 201,
                      .content_type = "application/json",
                      .body = "{}ok",
                      .headers = {{"X-One", "1"}, {"X-Bad", "a\r\nInjected: 1"}}});
  };
  for (const std::string method : {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
    const auto got = site.ask(
        method +
            " //a%20b/c?q=%31&r HTTP/1.1\r\nHost: h\r\nX-Two: 2\r\nContent-Length: 4\r\n\r\nbody",
        "{}ok");
    REQUIRE(got.starts_with("HTTP/1.1 201 Created\r\n"));
    REQUIRE(got.find("Content-Type: application/json\r\n") != std::string::npos);
    REQUIRE(got.find("X-One: 1\r\n") != std::string::npos);
    REQUIRE(got.find("Injected") == std::string::npos);
    REQUIRE(seen.method == method);
    REQUIRE(seen.path == "//a b/c");
    REQUIRE(seen.query == "q=%31&r");
    REQUIRE(http::header(seen.headers, "x-two") == "2");
    REQUIRE(seen.body == (method == "GET" || method == "OPTIONS" ? seen.body : "body"));
    REQUIRE(seen.peer == "127.0.0.1");
  }
  REQUIRE(site.ask("HEAD / HTTP/1.0\r\n\r\n", "").find("Content-Length: 4\r\n") !=
          std::string::npos);
}

TEST_CASE("one connection carries several requests, also sent ahead") {
  Site site;
  site.handler = [](const http::ServerRequest& request,
                    const std::shared_ptr<http::Responder>& responder) {
    responder->reply({.body = "<" + request.path + ">"});
  };
  const Fd fd = connect_tcp(site.port);
  write_to(fd, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto got = site.read_from(fd, "</2>");
  REQUIRE(got.find("</1>") < got.find("</2>"));
  REQUIRE(got.find("<closed>") == std::string::npos);
}

TEST_CASE("an answer may come later, also to a client that shut down its side") {
  Site site;
  std::shared_ptr<http::Responder> kept;
  site.handler = [&kept](const http::ServerRequest&,
                         const std::shared_ptr<http::Responder>& responder) { kept = responder; };
  const Fd fd = connect_tcp(site.port);
  write_to(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ::shutdown(fd.get(), SHUT_WR);
  site.turn_until([&] { return kept != nullptr; });
  kept->reply({.body = "late"});
  kept->reply({.body = "twice"});  // ignored
  kept.reset();
  const auto got = site.read_from(fd, "");
  REQUIRE(got.ends_with("late<closed>"));
}

TEST_CASE("a dropped responder answers 500, drop() nothing at all") {
  Site site;
  REQUIRE(site.ask("GET / HTTP/1.0\r\n\r\n", "").find(" 500 ") != std::string::npos);
  site.handler = [](const http::ServerRequest&, const std::shared_ptr<http::Responder>& responder) {
    responder->drop();
  };
  REQUIRE(site.ask("GET / HTTP/1.0\r\n\r\n", "") == "<closed>");
}

TEST_CASE("a client that leaves before the answer does no harm") {
  Site site;
  std::shared_ptr<http::Responder> kept;
  site.handler = [&kept](const http::ServerRequest&,
                         const std::shared_ptr<http::Responder>& responder) { kept = responder; };
  {
    const Fd fd = connect_tcp(site.port);
    write_to(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    site.turn_until([&] { return kept != nullptr; });
    const linger reset{1, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  }
  site.loop.run_once(5ms);
  kept->reply({.body = std::string(1 << 20, 'x')});
  site.loop.run_once(5ms);
  site.loop.run_once(5ms);
  kept.reset();
}

TEST_CASE("the server may go before the answer") {
  Site site;
  std::shared_ptr<http::Responder> kept;
  std::unique_ptr<http::Stream> stream;
  site.handler = [&](const http::ServerRequest& request,
                     const std::shared_ptr<http::Responder>& responder) {
    if (request.path == "/stream") {
      stream = responder->stream({.body = "first"});
    } else {
      kept = responder;
    }
  };
  const Fd one = connect_tcp(site.port);
  write_to(one, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const Fd two = connect_tcp(site.port);
  write_to(two, "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  site.turn_until([&] { return kept != nullptr && stream != nullptr; });
  site.server.reset();
  kept->reply({.body = "x"});
  stream->send("x");
  REQUIRE_FALSE(stream->open());
}

TEST_CASE("a stream goes out in chunks and notices that its client has gone") {
  Site site({.timeout = 100ms});
  std::unique_ptr<http::Stream> stream;
  site.handler = [&stream](const http::ServerRequest&,
                           const std::shared_ptr<http::Responder>& responder) {
    stream = responder->stream({.content_type = "application/json"});
  };
  {
    const Fd fd = connect_tcp(site.port);
    write_to(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    site.turn_until([&] { return stream != nullptr; });
    stream->send("one\n");
    REQUIRE(site.read_from(fd, "one\n").find("4\r\none\n") != std::string::npos);
    // Silence longer than the timeout is no fault of a watching client.
    const auto later = std::chrono::steady_clock::now() + 250ms;
    site.turn_until([&] { return std::chrono::steady_clock::now() > later; });
    REQUIRE(stream->open());
    stream->send("two2\n");
    REQUIRE(site.read_from(fd, "two2\n").find("5\r\ntwo2\n") != std::string::npos);
    stream.reset();
    REQUIRE(site.read_from(fd, "").ends_with("0\r\n\r\n<closed>"));
  }
  {
    const Fd fd = connect_tcp(site.port);
    write_to(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    site.turn_until([&] { return stream != nullptr; });
  }
  site.turn_until([&] { return !stream->open(); });
  stream->send("into nothing");
}

TEST_CASE("limits on headers, body and time") {
  Site site({.body_limit = 1000, .header_limit = 500, .timeout = 100ms});
  bool handled = false;
  site.handler = [&handled](const http::ServerRequest&,
                            const std::shared_ptr<http::Responder>& responder) {
    handled = true;
    responder->reply({.body = "fine"});
  };
  REQUIRE(site.ask("GET / HTTP/1.1\r\nA: " + std::string(600, 'a') + "\r\n\r\n", "\r\n")
              .find("HTTP/1.1 400") == 0);
  REQUIRE(
      site.ask("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n" + std::string(1001, 'b'),
               "\r\n")
          .find("HTTP/1.1 413") == 0);
  REQUIRE(site.ask("BREW / HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n").find("HTTP/1.1 501") == 0);
  REQUIRE(site.ask("\x16\x03\x01 nonsense\r\n\r\n", "\r\n").find("HTTP/1.1 4") == 0);
  REQUIRE(site.ask("GET / HTTP/1.1\r\nHal", "") == "<closed>");  // half a request, then silence
  REQUIRE_FALSE(handled);
  REQUIRE(site.ask("GET / HTTP/1.0\r\n\r\n", "").find("fine") != std::string::npos);
}

TEST_CASE("unix socket") {
  Site site;
  std::string peer = "unset";
  site.handler = [&peer](const http::ServerRequest& request,
                         const std::shared_ptr<http::Responder>& responder) {
    peer = request.peer;
    responder->reply({.body = "hello"});
  };
  std::string directory = std::filesystem::temp_directory_path() / "vpccni-http-XXXXXX";
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  const std::string path = directory + "/s.sock";
  REQUIRE(site.server->listen_unix(path, 0600));
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  REQUIRE((status.st_mode & 0777U) == 0600U);
  REQUIRE(site.server->listen_unix(path).error().code == Errc::already_exists);
  const Fd fd = connect_unix(path);
  write_to(fd, "GET / HTTP/1.0\r\n\r\n");
  REQUIRE(site.read_from(fd, "").ends_with("hello<closed>"));
  REQUIRE(peer.empty());
  std::filesystem::remove_all(directory);
}
