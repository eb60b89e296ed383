// Peers that mean no good, on both sides.

#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <random>

#include "event/listen.h"
#include "rpc/target.h"
#include "rpc/test_site.h"

namespace rpc = vpccni::rpc;
using rpc::Code;
using rpc::Site;
using vpccni::Errc;
using vpccni::base::Fd;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

using Random = std::mt19937;

unsigned below(Random& random, std::size_t limit) {
  return static_cast<unsigned>(random() % limit);
}

std::string noise(Random& random, std::size_t size) {
  std::string out(size, '\0');
  for (auto& c : out) {
    c = static_cast<char>(random() & 0xffU);
  }
  return out;
}

std::string good_request(unsigned stream) {
  return rpc::h2_headers(stream, 0, rpc::grpc_headers("/t/Echo")) +
         rpc::h2_frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, stream, rpc::frame("message"));
}

/// One of the ways to be wrong.
std::string bad_bytes(Random& random) {
  switch (below(random, 4)) {
    case 0:
      return noise(random, 1 + below(random, 4000));
    case 1:
      return rpc::h2_preface() + noise(random, 1 + below(random, 4000));
    case 2: {  // frames with valid lengths and wild everything else
      std::string out = rpc::h2_preface();
      for (int i = 0; i < 20; ++i) {
        out += rpc::h2_frame(below(random, 12), below(random, 256), below(random, 8),
                             noise(random, below(random, 64)));
      }
      return out;
    }
    default: {  // a proper conversation with a few bits turned
      std::string out = rpc::h2_preface() + good_request(1) + good_request(3) + good_request(5);
      for (int i = 0; i < 3; ++i) {
        out[24 + below(random, out.size() - 24)] ^= static_cast<char>(1U << below(random, 8));
      }
      return out.substr(0, 24 + below(random, out.size()));
    }
  }
}

bool works(const Site& site) {
  const auto reply = rpc::call(site.target(), "/t/Echo", "alive?", {});
  return reply && reply->status.code == Code::ok && reply->bytes == "alive?";
}

/// Accepts connections and says `bytes` to each; then closes, or holds them open.
class Liar {
 public:
  Liar(std::string bytes, bool hold) {
    auto listener = vpccni::event::listen_tcp("127.0.0.1", 0);
    port_ = listener->port;
    thread_ = std::thread([this, fd = std::move(listener->fd), bytes = std::move(bytes), hold] {
      std::vector<Fd> held;
      while (!stopping_) {
        if (!*rpc::wait_ready(fd.get(), POLLIN, std::chrono::steady_clock::now() + 5ms)) {
          continue;
        }
        Fd peer(::accept4(fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        rpc::receive_bytes(peer, 24, 1s);
        rpc::send_bytes(peer, bytes);
        if (hold) {
          held.push_back(std::move(peer));
        }
      }
    });
  }
  Liar(const Liar&) = delete;
  Liar& operator=(const Liar&) = delete;
  ~Liar() {
    stopping_ = true;
    thread_.join();
  }
  std::string target() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  std::atomic<bool> stopping_ = false;
  int port_ = 0;
  std::thread thread_;
};

vpccni::Result<rpc::Reply> ask(const std::string& bytes, bool hold,
                               vpccni::base::Duration deadline = 5s) {
  const Liar liar(bytes, hold);
  return rpc::call(liar.target(), "/t/Echo", "hello", {.deadline = deadline});
}

std::string settings() {
  return rpc::h2_frame(NGHTTP2_SETTINGS, 0, 0, "");
}

}  // namespace

TEST_CASE("the server survives any bytes") {
  const Site site;
  Random random(20240607);  // NOLINT: the same bytes each time
  for (int round = 0; round < 600; ++round) {
    CAPTURE(round);
    const auto fd = rpc::connect_to_port(site.port);
    rpc::send_bytes(fd, bad_bytes(random));
    ::shutdown(fd.get(), SHUT_WR);
    const auto got = rpc::receive_bytes(fd, 1UL << 20U, 5s);
    REQUIRE(got.ends_with("<closed>"));
    if (round % 50 == 0) {
      REQUIRE(works(site));
    }
  }
  REQUIRE(works(site));
}

TEST_CASE("what is no HTTP/2 is closed at once") {
  const Site site;
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), std::string(100, '\0'),
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello of some kind"s,
        rpc::h2_preface().substr(0, 24) + rpc::h2_frame(NGHTTP2_PING, 0, 0, "12345678")}) {
    const auto fd = rpc::connect_to_port(site.port);
    rpc::send_bytes(fd, bytes);
    REQUIRE(rpc::receive_bytes(fd, 10000, 5s).ends_with("<closed>"));
  }
  REQUIRE(works(site));
}

TEST_CASE("frames larger than allowed end the connection") {
  const Site site;
  const auto fd = rpc::connect_to_port(site.port);
  rpc::send_bytes(fd,
                  rpc::h2_preface() + rpc::h2_frame(NGHTTP2_DATA, 0, 1, std::string(16385, 'x')));
  REQUIRE(rpc::receive_bytes(fd, 10000, 5s).ends_with("<closed>"));
  const auto other = rpc::connect_to_port(site.port);
  rpc::send_bytes(other, rpc::h2_preface());
  for (int i = 0; i < 200; ++i) {  // CONTINUATION without end
    rpc::send_bytes(other, rpc::h2_frame(i == 0 ? NGHTTP2_HEADERS : NGHTTP2_CONTINUATION, 0, 1,
                                         std::string("\0\1a\1b", 5)));
  }
  REQUIRE(rpc::receive_bytes(other, 10000, 5s).ends_with("<closed>"));
  REQUIRE(works(site));
}

TEST_CASE("floods end the connection") {
  const Site site;
  const auto flood = [&site](const std::string& frames) {
    const auto fd = rpc::connect_to_port(site.port);
    rpc::send_bytes(fd, rpc::h2_preface());
    std::string many;
    for (int i = 0; i < 2000; ++i) {
      many += frames;
    }
    for (int i = 0; i < 50; ++i) {  // nothing is read: answers pile up
      rpc::send_bytes(fd, many);
    }
    return rpc::receive_bytes(fd, 64UL << 20U, 3s);
  };
  const auto settings_flood = flood(rpc::h2_frame(NGHTTP2_SETTINGS, 0, 0, ""));
  CHECK(settings_flood.ends_with("<closed>"));
  const auto pings = flood(rpc::h2_frame(NGHTTP2_PING, 0, 0, "12345678"));
  CHECK(pings.size() < 60UL << 20U);
  REQUIRE(works(site));

  const auto fd = rpc::connect_to_port(site.port);  // open and reset, again and again
  rpc::send_bytes(fd, rpc::h2_preface());
  for (unsigned stream = 1; stream < 20000; stream += 2) {
    rpc::send_bytes(
        fd, rpc::h2_headers(stream, 0, rpc::grpc_headers("/t/Keep")) +
                rpc::h2_frame(NGHTTP2_RST_STREAM, 0, stream, std::string_view("\0\0\0\10", 4)));
  }
  REQUIRE(rpc::receive_bytes(fd, 64UL << 20U, 5s).ends_with("<closed>"));
  REQUIRE(works(site));
}

TEST_CASE("a connection that says nothing is closed, one that is idle stays") {
  const Site site({.preface = 60ms});
  const auto silent = rpc::connect_to_port(site.port);
  const auto half = rpc::connect_to_port(site.port);
  rpc::send_bytes(half, rpc::h2_preface().substr(0, 24));
  const auto idle = rpc::connect_to_port(site.port);
  rpc::send_bytes(idle, rpc::h2_preface());
  REQUIRE(rpc::receive_bytes(silent, 1000, 5s).ends_with("<closed>"));
  REQUIRE(rpc::receive_bytes(half, 1000, 5s).ends_with("<closed>"));
  REQUIRE_FALSE(rpc::receive_bytes(idle, 1000, 200ms).ends_with("<closed>"));
}

TEST_CASE("nobody there") {
  const auto missing = rpc::call("unix:/nonexistent/vpccni.sock", "/t/Echo", "", {});
  REQUIRE(missing.error().code == Errc::unavailable);
  REQUIRE(missing.error().cause == "ENOENT");
  int port = 0;
  {
    const auto listener = vpccni::event::listen_tcp("127.0.0.1", 0);
    port = listener->port;
  }
  const auto refused = rpc::call("127.0.0.1:" + std::to_string(port), "/t/Echo", "", {});
  REQUIRE(refused.error().code == Errc::unavailable);
  REQUIRE(refused.error().cause == "ECONNREFUSED");
  REQUIRE(rpc::call("nonsense", "/t/Echo", "", {}).error().code == Errc::invalid_argument);
}

TEST_CASE("a server that says nothing costs the deadline, no more") {
  const auto start = std::chrono::steady_clock::now();
  REQUIRE(ask("", true, 100ms).error().code == Errc::timeout);
  REQUIRE(ask(settings(), true, 100ms).error().code == Errc::timeout);
  const auto listener = vpccni::event::listen_tcp("127.0.0.1", 0);  // never accepts
  const auto until = std::chrono::steady_clock::now() + 100ms;
  auto channel = rpc::Channel::open("127.0.0.1:" + std::to_string(listener->port), until);
  REQUIRE(channel);
  REQUIRE(channel->await_server(until).error().code == Errc::timeout);
  REQUIRE(std::chrono::steady_clock::now() - start < 5s);
}

TEST_CASE("a Unix socket with a full backlog costs the deadline") {
  const Site site;
  const std::string path = site.directory + "/full.sock";
  const auto listener = vpccni::event::listen_unix(path, 0600, vpccni::event::Occupied::refuse);
  REQUIRE(::listen(listener->get(), 0) == 0);
  std::vector<rpc::Channel> waiting;
  vpccni::Errc end = Errc::internal;
  for (int i = 0; i < 4 && end == Errc::internal; ++i) {
    auto made = rpc::Channel::open("unix:" + path, std::chrono::steady_clock::now() + 50ms);
    if (made) {
      waiting.push_back(*std::move(made));
    } else {
      end = made.error().code;
    }
  }
  REQUIRE(end == Errc::timeout);
}

TEST_CASE("servers that lie") {
  REQUIRE(ask("", false).error().code == Errc::unavailable);
  REQUIRE(ask(settings(), false).error().code == Errc::unavailable);
  REQUIRE(ask("HTTP/1.1 400 Bad Request\r\n\r\n", true).error().code == Errc::corrupt);
  REQUIRE(ask(std::string(1000, '\xff'), true).error().code == Errc::corrupt);
  const std::string goaway(8, '\0');
  REQUIRE(ask(settings() + rpc::h2_frame(NGHTTP2_GOAWAY, 0, 0, goaway), true).error().code ==
          Errc::unavailable);
  const std::string refused("\0\0\0\7", 4);
  REQUIRE(ask(settings() + rpc::h2_frame(NGHTTP2_RST_STREAM, 0, 1, refused), true).error().cause ==
          "RST_STREAM");
}

TEST_CASE("replies that break gRPC's rules") {
  constexpr unsigned kEnd = NGHTTP2_FLAG_END_STREAM;
  const auto status_of = [](const rpc::HeaderList& headers, const std::string& data,
                            const rpc::HeaderList& trailers) {
    const bool only = data.empty() && trailers.empty();
    std::string bytes = settings() + rpc::h2_headers(1, only ? kEnd : 0, headers);
    if (!data.empty()) {
      bytes += rpc::h2_frame(NGHTTP2_DATA, trailers.empty() ? kEnd : 0, 1, data);
    }
    if (!trailers.empty()) {
      bytes += rpc::h2_headers(1, kEnd, trailers);
    }
    const auto reply = ask(bytes, true);
    REQUIRE(reply);
    return reply->status.code;
  };
  const rpc::HeaderList ok = {{":status", "200"}, {"content-type", "application/grpc"}};
  const rpc::HeaderList done = {{"grpc-status", "0"}};
  REQUIRE(status_of(ok, rpc::frame("x"), done) == Code::ok);
  REQUIRE(status_of(ok, rpc::frame("x"), {}) == Code::unknown);
  REQUIRE(status_of(ok, rpc::frame("x"), {{"grpc-status", "77"}}) == Code::unknown);
  REQUIRE(status_of(ok, rpc::frame("xx").substr(0, 6), done) == Code::internal);
  REQUIRE(status_of(ok, std::string("\1\0\0\0\1x", 6), done) == Code::internal);
  REQUIRE(status_of(ok, rpc::frame("x") + rpc::frame("y"), done) == Code::internal);
  REQUIRE(status_of(ok, std::string("\0\177\0\0\0x", 6), done) == Code::resource_exhausted);
  REQUIRE(status_of(ok, "", done) == Code::internal);
  REQUIRE(status_of({{":status", "503"}}, "busy", {}) == Code::unavailable);
  REQUIRE(status_of({{":status", "404"}}, "", {}) == Code::unimplemented);
  REQUIRE(status_of({{":status", "200"}, {"content-type", "text/html"}}, "<p>", {}) ==
          Code::unknown);
  rpc::HeaderList only = ok;
  only.emplace_back("grpc-status", "5");
  REQUIRE(status_of(only, "", {}) == Code::not_found);
  rpc::HeaderList wide = ok;
  wide.emplace_back("x-a", std::string(16300, 'a'));
  REQUIRE(status_of(wide, rpc::frame("x"), done) == Code::resource_exhausted);
}

TEST_CASE("the client survives any bytes") {
  Random random(77);  // NOLINT: the same bytes each time
  for (int round = 0; round < 150; ++round) {
    CAPTURE(round);
    std::string bytes = settings();
    switch (below(random, 3)) {
      case 0:
        bytes = noise(random, 1 + below(random, 2000));
        break;
      case 1:
        for (int i = 0; i < 10; ++i) {
          bytes += rpc::h2_frame(below(random, 12), below(random, 256), below(random, 4),
                                 noise(random, below(random, 64)));
        }
        break;
      default:
        bytes += rpc::h2_headers(1, 0, {{":status", "200"}, {"content-type", "application/grpc"}}) +
                 rpc::h2_frame(NGHTTP2_DATA, 0, 1, rpc::frame("reply")) +
                 rpc::h2_headers(1, NGHTTP2_FLAG_END_STREAM, {{"grpc-status", "0"}});
        bytes[below(random, bytes.size())] ^= static_cast<char>(1U << below(random, 8));
    }
    const auto start = std::chrono::steady_clock::now();
    (void)ask(bytes, false, 2s);  // any outcome is right that comes in time
    REQUIRE(std::chrono::steady_clock::now() - start < 4s);
  }
}
