// The client against servers that misbehave: each ends in a clear error within its deadline.

#include "http/client.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "base/fd.h"
#include "event/listen.h"

namespace vpccni::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Reads a request and then does what the test says with the connection. One at a time.
class BadServer {
 public:
  using Behaviour = std::function<void(int fd, const std::atomic<bool>& ending)>;

  explicit BadServer(Behaviour behaviour) : behaviour_(std::move(behaviour)) {
    auto listener = event::listen_tcp("127.0.0.1", 0);
    REQUIRE(listener);
    listener_ = std::move(listener->fd);
    port_ = listener->port;
    thread_ = std::jthread([this] { serve(); });
  }
  ~BadServer() { ending_ = true; }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }
  int connections() const { return connections_; }

 private:
  void serve() {
    while (!ending_) {
      pollfd one{listener_.get(), POLLIN, 0};
      if (::poll(&one, 1, 20) <= 0) {
        continue;
      }
      const base::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (fd.valid()) {
        ++connections_;
        char request[4096];
        (void)::recv(fd.get(), request, sizeof(request), 0);
        behaviour_(fd.get(), ending_);
      }
    }
  }

  Behaviour behaviour_;
  base::Fd listener_;
  int port_ = 0;
  std::atomic<bool> ending_ = false;
  std::atomic<int> connections_ = 0;
  std::jthread thread_;
};

void say(int fd, const std::string& text) {
  (void)::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
}

Result<Response> get(const std::string& url, Request request = {}) {
  static const auto client = make_curl_client({.user_agent = "test"});
  request.url = url;
  request.timeout = milliseconds(600);
  return client->send(request);
}

BadServer::Behaviour answers(std::string text) {
  return [text = std::move(text)](int fd, const std::atomic<bool>&) { say(fd, text); };
}

TEST_CASE("any status is an answer") {
  const BadServer server(
      answers("HTTP/1.1 503 Oops\r\nX-One: two\r\nContent-Length: 3\r\n\r\nbad"));
  const auto response = get(server.url());
  REQUIRE(response);
  CHECK(response->status == 503);
  CHECK(response->body == "bad");
  CHECK(header(response->headers, "x-one") == "two");
}

TEST_CASE("nobody listens") {
  int port = 0;
  {
    const auto listener = event::listen_tcp("127.0.0.1", 0);
    REQUIRE(listener);
    port = listener->port;
  }
  const auto response = get("http://127.0.0.1:" + std::to_string(port) + "/");
  REQUIRE_FALSE(response);
  CHECK(response.error().code == Errc::unavailable);
  CHECK(response.error().cause == "ECONNREFUSED");
}

TEST_CASE("a black hole ends at the deadline") {
  const BadServer server([](int, const std::atomic<bool>& ending) {
    while (!ending) {
      std::this_thread::sleep_for(milliseconds(10));
    }
  });
  const auto response = get(server.url());
  REQUIRE_FALSE(response);
  CHECK(response.error().code == Errc::timeout);
}

TEST_CASE("a slow drip ends at the deadline") {
  const BadServer server([](int fd, const std::atomic<bool>& ending) {
    say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    while (!ending && ::send(fd, "x", 1, MSG_NOSIGNAL) == 1) {
      std::this_thread::sleep_for(milliseconds(50));
    }
  });
  const auto response = get(server.url());
  REQUIRE_FALSE(response);
  CHECK(response.error().code == Errc::timeout);
}

TEST_CASE("a connection cut in the body is no answer") {
  const BadServer server(answers("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"));
  const auto response = get(server.url());
  REQUIRE_FALSE(response);
  CHECK(response.error().code == Errc::unavailable);
}

TEST_CASE("bytes that are no HTTP") {
  const BadServer server(answers("\x16\x03\x01\x02 hello, this is something else\r\n\r\n"));
  const auto response = get(server.url());
  REQUIRE_FALSE(response);
  CHECK((response.error().code == Errc::corrupt || response.error().code == Errc::unavailable));
}

TEST_CASE("a body over the limit is refused") {
  const BadServer server([](int fd, const std::atomic<bool>& ending) {
    say(fd, "HTTP/1.1 200 OK\r\n\r\n");
    const std::string part(65536, 'x');
    while (!ending && ::send(fd, part.data(), part.size(), MSG_NOSIGNAL) > 0) {
    }
  });
  Request request;
  request.body_limit = 100000;
  const auto response = get(server.url(), request);
  REQUIRE_FALSE(response);
  CHECK(response.error().code == Errc::exhausted);
}

TEST_CASE("redirects are not followed") {
  const BadServer elsewhere(answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  const BadServer server(answers("HTTP/1.1 302 Found\r\nLocation: " + elsewhere.url() +
                                 "\r\nContent-Length: 0\r\n\r\n"));
  const auto response = get(server.url());
  REQUIRE(response);
  CHECK(response->status == 302);
  CHECK(elsewhere.connections() == 0);
}

TEST_CASE("only http and https") {
  const auto response = get("file:///etc/passwd");
  REQUIRE_FALSE(response);
  CHECK(response.error().code == Errc::invalid_argument);
}

TEST_CASE("a stop request ends a transfer") {
  const BadServer server([](int, const std::atomic<bool>& ending) {
    while (!ending) {
      std::this_thread::sleep_for(milliseconds(10));
    }
  });
  const auto client = make_curl_client({.user_agent = "test"});
  Request request;
  request.url = server.url();
  request.timeout = seconds(60);
  std::stop_source stop;
  const std::jthread stopper([&] {
    std::this_thread::sleep_for(milliseconds(100));
    stop.request_stop();
  });
  CHECK_FALSE(client->send(request, stop.get_token()));
}

const std::string kStreamHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A streamed GET whose silence is bounded by `silence`.
Result<Response> stream(const std::string& url, const Chunk& chunk, base::Duration silence,
                        const std::stop_token& stop = {}) {
  const auto client = make_curl_client({.user_agent = "test"});
  Request request;
  request.url = url;
  request.timeout = silence;
  return client->stream(request, chunk, stop);
}

TEST_CASE("a streamed body comes as the server sends it, and longer than any whole-call limit") {
  const BadServer server([](int fd, const std::atomic<bool>& ending) {
    say(fd, kStreamHead);
    for (int i = 0; i < 30 && !ending; ++i) {
      say(fd, "2\r\nab\r\n");
      std::this_thread::sleep_for(milliseconds(50));
    }
    say(fd, "0\r\n\r\n");
  });
  std::string got;
  int parts = 0;
  const auto response = stream(
      server.url(),
      [&](std::string_view bytes) {
        got += bytes;
        ++parts;
        return true;
      },
      seconds(1));
  REQUIRE(response);
  CHECK(response->status == 200);
  CHECK(response->body.empty());
  CHECK(got.size() == 60);
  CHECK(parts > 1);
}

TEST_CASE("a silent stream ends at its limit, before the first byte and after it") {
  for (const bool head : {false, true}) {
    const BadServer server([head](int fd, const std::atomic<bool>& ending) {
      if (head) {
        say(fd, kStreamHead + "2\r\nab\r\n");
      }
      while (!ending) {
        std::this_thread::sleep_for(milliseconds(10));
      }
    });
    const auto response = stream(
        server.url(), [](auto) { return true; }, seconds(2));
    INFO(head);
    REQUIRE_FALSE(response);
    CHECK(response.error().code == Errc::timeout);
  }
}

TEST_CASE("a stream ends when its reader has enough, or is stopped") {
  const auto endless = [](int fd, const std::atomic<bool>& ending) {
    say(fd, kStreamHead);
    while (!ending && ::send(fd, "2\r\nab\r\n", 7, MSG_NOSIGNAL) > 0) {
      std::this_thread::sleep_for(milliseconds(5));
    }
  };
  const BadServer server(endless);
  CHECK(stream(
      server.url(), [](auto) { return false; }, seconds(60)));
  std::stop_source stop;
  const auto stopped = stream(
      server.url(),
      [&stop](auto) {
        stop.request_stop();
        return true;
      },
      seconds(60), stop.get_token());
  CHECK_FALSE(stopped);
}

TEST_CASE("a stream that is cut is no whole answer") {
  const BadServer server(answers(kStreamHead + "2\r\nab\r\n"));
  const auto response = stream(
      server.url(), [](auto) { return true; }, seconds(10));
  REQUIRE_FALSE(response);
  CHECK(response.error().code == Errc::unavailable);
}

TEST_CASE("a refused stream has its answer in the response, bounded") {
  const BadServer server(answers("HTTP/1.1 410 Gone\r\nContent-Length: 3\r\n\r\nold"));
  const auto response = stream(
      server.url(), [](auto) { return true; }, seconds(10));
  REQUIRE(response);
  CHECK(response->status == 410);
  CHECK(response->body == "old");
}

}  // namespace
}  // namespace vpccni::http
