#include "rpc/server.h"

#include <nghttp2/nghttp2.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>

#include "rpc/headers.h"
#include "rpc/test_site.h"

namespace rpc = vpccni::rpc;
using rpc::CallOptions;
using rpc::Code;
using rpc::Site;
using vpccni::Errc;
using namespace std::chrono_literals;

namespace {

constexpr unsigned kEnd = NGHTTP2_FLAG_END_STREAM;

std::string request(unsigned stream, const std::string& path, const std::string& message,
                    const rpc::HeaderList& more = {}) {
  return rpc::h2_headers(stream, 0, rpc::grpc_headers(path, more)) +
         rpc::h2_frame(NGHTTP2_DATA, kEnd, stream, rpc::frame(message));
}

bool works(const Site& site) {
  const auto reply = rpc::call(site.target(), "/t/Echo", "alive?", {});
  return reply && reply->status.code == Code::ok && reply->bytes == "alive?";
}

}  // namespace

TEST_CASE("calls over TCP and over a Unix socket") {
  const Site site;
  struct stat status {};
  REQUIRE(::stat(site.socket.c_str(), &status) == 0);
  REQUIRE((status.st_mode & 07777U) == 0660U);
  for (const auto& target : {site.target(), site.socket_target()}) {
    for (const std::size_t size : {0UL, 1UL, 16384UL, 65535UL, 1UL << 20U, 4UL << 20U}) {
      const std::string message(size, 'm');
      const auto reply = rpc::call(target, "/t/Echo", message, {});
      REQUIRE(reply);
      REQUIRE(reply->status.code == Code::ok);
      REQUIRE(reply->bytes == message);
    }
    const auto failed = rpc::call(target, "/t/Fail", "", {});
    REQUIRE(failed);
    REQUIRE(failed->status.code == Code::not_found);
    REQUIRE(failed->status.message == "no 100% such\nthing \xc3\xbc");
    REQUIRE(failed->bytes.empty());
    const auto unknown = rpc::call(target, "/t/Nothing", "", {});
    REQUIRE(unknown);
    REQUIRE(unknown->status.code == Code::unimplemented);
    REQUIRE(unknown->status.message == "unknown method /t/Nothing");
    REQUIRE(rpc::call(target, "/t/Drop", "", {})->status.code == Code::internal);
    REQUIRE(rpc::call(target, "/t/Later", "x", {})->bytes == "x");
  }
}

TEST_CASE("one connection serves one call after the other") {
  const Site site;
  const auto until = std::chrono::steady_clock::now() + 5s;
  auto channel = rpc::Channel::open(site.target(), until);
  REQUIRE(channel);
  REQUIRE(channel->await_server(until));
  for (int i = 0; i < 300; ++i) {
    const auto reply = channel->call("/t/Echo", std::to_string(i), {.metadata = {{"x-a", "b"}}});
    REQUIRE(reply);
    REQUIRE(reply->bytes == std::to_string(i));
  }
  // Answered before the request was out: the connection stays usable.
  const auto large = channel->call("/t/Echo", std::string(5UL << 20U, 'x'), {});
  REQUIRE(large);
  REQUIRE(large->status.code == Code::resource_exhausted);
  REQUIRE(channel->call("/t/Echo", "after", {})->bytes == "after");
  REQUIRE(channel->call("/t/Echo", "", {.metadata = {{"grpc-timeout", "1S"}}}).error().code ==
          Errc::invalid_argument);
}

TEST_CASE("messages and headers are limited") {
  const Site site;
  const auto over = rpc::call(site.target(), "/t/Echo", std::string((4UL << 20U) + 1, 'x'), {});
  REQUIRE(over);
  REQUIRE(over->status.code == Code::resource_exhausted);
  const auto small =
      rpc::call(site.target(), "/t/Echo", std::string(1001, 'x'), {.reply_limit = 1000});
  REQUIRE(small);
  REQUIRE(small->status.code == Code::resource_exhausted);
  const CallOptions wide{.metadata = {{"x-long", std::string(16000, 'v')}}};
  REQUIRE(rpc::call(site.target(), "/t/Echo", "", wide)->status.code == Code::resource_exhausted);
  const CallOptions fits{.metadata = {{"x-long", std::string(15000, 'v')}}};
  REQUIRE(rpc::call(site.target(), "/t/Echo", "", fits)->status.code == Code::ok);
  const auto path = "/" + std::string(2000, 'p');
  REQUIRE(rpc::call(site.target(), path, "", {})->status.code == Code::unimplemented);
}

TEST_CASE("unfinished requests are limited over all connections") {
  const Site site({.buffered = 100000});
  const auto fd = rpc::connect_to_port(site.port);
  const auto part = rpc::frame(std::string(60000, 'x')).substr(0, 16384);
  std::string bytes = rpc::h2_preface();
  for (const unsigned stream : {1U, 3U, 5U}) {
    bytes += rpc::h2_headers(stream, 0, rpc::grpc_headers("/t/Echo")) +
             rpc::h2_frame(NGHTTP2_DATA, 0, stream, part);
  }
  rpc::send_bytes(fd, bytes);
  REQUIRE(works(site));
  const auto large = rpc::call(site.target(), "/t/Echo", std::string(80000, 'x'), {});
  REQUIRE(large->status.code == Code::resource_exhausted);
  REQUIRE(works(site));
}

TEST_CASE("the client's deadline covers the whole call") {
  Site site;
  const auto start = std::chrono::steady_clock::now();
  const auto reply = rpc::call(site.target(), "/t/Keep", "", {.deadline = 100ms});
  const auto took = std::chrono::steady_clock::now() - start;
  REQUIRE_FALSE(reply);
  REQUIRE(reply.error().code == Errc::timeout);
  REQUIRE(took >= 100ms);
  REQUIRE(took < 5s);
  REQUIRE(site.eventually([&site] { return site.kept.size() == 1; }));
  site.on_loop([&site] { site.kept[0]({}, "late"); });  // nobody is there
  REQUIRE(works(site));
}

TEST_CASE("the server keeps grpc-timeout") {
  Site site;
  const auto fd = rpc::connect_to_port(site.port);
  rpc::send_bytes(fd, rpc::h2_preface() + request(1, "/t/Keep", "", {{"grpc-timeout", "50m"}}));
  const auto expired = rpc::receive_headers(fd, 1, "grpc-message=");
  REQUIRE(expired.find("grpc-status=4 ") != std::string::npos);
  REQUIRE(expired.find("deadline exceeded") != std::string::npos);
  site.on_loop([&site] { site.kept.at(0)({}, "late"); });
  rpc::send_bytes(fd, request(3, "/t/Echo", "x", {{"grpc-timeout", "5S"}}));
  REQUIRE_FALSE(rpc::receive_bytes(fd, 1, 5s).empty());
  const auto other = rpc::connect_to_port(site.port);
  rpc::send_bytes(other, rpc::h2_preface() + request(1, "/t/Echo", "", {{"grpc-timeout", "x"}}));
  REQUIRE(rpc::receive_headers(other, 1, "grpc-status=").find("grpc-status=3 ") !=
          std::string::npos);
}

TEST_CASE("a request that does not end is given up") {
  const Site site({.request = 50ms});
  const auto fd = rpc::connect_to_port(site.port);
  rpc::send_bytes(fd, rpc::h2_preface() + rpc::h2_headers(1, 0, rpc::grpc_headers("/t/Echo")));
  const auto got = rpc::receive_headers(fd, 1, "rst=");
  REQUIRE(got.find("grpc-status=4 ") != std::string::npos);
  REQUIRE(got.find("rst=0 ") != std::string::npos);  // NO_ERROR: send no more
}

TEST_CASE("what is no gRPC is told so") {
  const Site site;
  const auto ask = [&site](const rpc::HeaderList& headers, std::string_view body) {
    const auto fd = rpc::connect_to_port(site.port);
    rpc::send_bytes(fd, rpc::h2_preface() + rpc::h2_headers(1, body.empty() ? kEnd : 0, headers) +
                            (body.empty() ? "" : rpc::h2_frame(NGHTTP2_DATA, kEnd, 1, body)));
    return rpc::receive_headers(fd, 1, body.empty() ? ":status=" : "grpc-status=");
  };
  const rpc::HeaderList get = {
      {":method", "GET"}, {":scheme", "http"}, {":path", "/t/Echo"}, {":authority", "x"}};
  REQUIRE(ask(get, "").starts_with(":status=405 "));
  rpc::HeaderList json = get;
  json[0].second = "POST";
  json.emplace_back("content-type", "application/json");
  REQUIRE(ask(json, "").starts_with(":status=415 "));

  const auto ok = rpc::grpc_headers("/t/Echo");
  const auto compressed = ask(ok, std::string_view("\1\0\0\0\1x", 6));
  REQUIRE(compressed.starts_with(":status=200 content-type=application/grpc "));
  REQUIRE(compressed.find("grpc-status=12 ") != std::string::npos);
  REQUIRE(ask(ok, std::string_view("\0\0\0\0", 4)).find("grpc-status=13 ") != std::string::npos);
  REQUIRE(ask(ok, std::string_view("\0\0\0\0\5abc", 8)).find("grpc-status=13 ") !=
          std::string::npos);
  REQUIRE(ask(ok, rpc::frame("a") + rpc::frame("b")).find("grpc-status=13 ") != std::string::npos);
  REQUIRE(ask(ok, rpc::frame("a")).find("grpc-status=0 ") != std::string::npos);
}

TEST_CASE("a cancelled call needs no answer") {
  Site site;
  const auto fd = rpc::connect_to_port(site.port);
  rpc::send_bytes(fd, rpc::h2_preface() + request(1, "/t/Keep", ""));
  REQUIRE(site.eventually([&site] { return site.kept.size() == 1; }));
  const std::string cancel("\0\0\0\10", 4);
  rpc::send_bytes(fd, rpc::h2_frame(NGHTTP2_RST_STREAM, 0, 1, cancel) + request(3, "/t/Echo", "x"));
  REQUIRE_FALSE(rpc::receive_headers(fd, 3, "grpc-status=0").empty());
  site.on_loop([&site] {
    site.kept[0]({}, "late");
    site.kept[0]({}, "twice");
    site.kept.clear();
  });
  REQUIRE(works(site));
}

TEST_CASE("only the first answer counts") {
  Site site;
  const auto fd = rpc::connect_to_port(site.port);
  rpc::send_bytes(fd, rpc::h2_preface() + request(1, "/t/Keep", ""));
  REQUIRE(site.eventually([&site] { return site.kept.size() == 1; }));
  site.on_loop([&site] {
    site.kept[0]({Code::aborted, "first"}, {});
    site.kept[0]({Code::not_found, "second"}, {});
  });
  const auto got = rpc::receive_headers(fd, 1, "grpc-message=");
  REQUIRE(got.find("grpc-status=10 grpc-message=first") != std::string::npos);
  REQUIRE(got.find("second") == std::string::npos);
}

TEST_CASE("more streams than allowed are refused, the others live") {
  Site site({.streams = 3});
  const auto fd = rpc::connect_to_port(site.port);
  std::string bytes = rpc::h2_preface();
  for (unsigned stream = 1; stream <= 7; stream += 2) {
    bytes += request(stream, "/t/Keep", "");
  }
  rpc::send_bytes(fd, bytes);
  const auto refused = rpc::receive_headers(fd, 7, "rst=");
  REQUIRE(refused == "rst=" + std::to_string(NGHTTP2_REFUSED_STREAM) + " ");
  REQUIRE(site.eventually([&site] { return site.kept.size() == 3; }));
}

TEST_CASE("many calls at once") {
  const Site site;
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 32; ++t) {
    threads.emplace_back([&site, &good, t] {
      for (int i = 0; i < 25; ++i) {
        const auto text = std::to_string(t) + "/" + std::to_string(i) + std::string(2000, 'x');
        const auto& target = i % 2 == 0 ? site.target() : site.socket_target();
        const auto reply = rpc::call(target, i % 5 == 0 ? "/t/Later" : "/t/Echo", text, {});
        good += reply && reply->status.code == Code::ok && reply->bytes == text ? 1 : 0;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  REQUIRE(good == 32 * 25);
}

TEST_CASE("a large answer to a slow reader goes out in parts") {
  const Site site;
  auto fd = rpc::connect_to_port(site.port);
  // Windows far larger than the socket's buffers: the server must meet EAGAIN and go on.
  const std::string window("\0\4\0\377\377\377", 6);  // INITIAL_WINDOW_SIZE
  const std::string more("\0\377\0\0", 4);
  rpc::send_bytes(fd, rpc::h2_preface() + rpc::h2_frame(NGHTTP2_SETTINGS, 0, 0, window) +
                          rpc::h2_frame(NGHTTP2_WINDOW_UPDATE, 0, 0, more));
  std::string bytes = rpc::h2_headers(1, 0, rpc::grpc_headers("/t/Echo"));
  const std::string message = rpc::frame(std::string(4UL << 20U, 'y'));
  for (std::size_t at = 0; at < message.size(); at += 16384) {
    const bool last = at + 16384 >= message.size();
    bytes += rpc::h2_frame(NGHTTP2_DATA, last ? kEnd : 0, 1, message.substr(at, 16384));
  }
  // The server's own windows open as it reads; this peer does not look at them, so it must wait.
  std::string got;
  for (std::size_t at = 0; at < bytes.size(); at += 30000) {
    rpc::send_bytes(fd, std::string_view(bytes).substr(at, 30000));
    got += rpc::receive_bytes(fd, 1UL << 20U, 2ms);
  }
  REQUIRE(works(site));  // others are served meanwhile
  const auto until = std::chrono::steady_clock::now() + 10s;
  const auto arrived = [&got] { return std::count(got.begin(), got.end(), 'y'); };
  while (arrived() < 4 << 20 && std::chrono::steady_clock::now() < until) {
    got += rpc::receive_bytes(fd, 1UL << 20U, 20ms);
  }
  REQUIRE(arrived() >= 4 << 20);
}

TEST_CASE("an answer that the peer does not take is given up") {
  const Site site({.stall = 100ms});
  const auto fd = rpc::connect_to_port(site.port);
  const std::string none("\0\4\0\0\0\0", 6);  // INITIAL_WINDOW_SIZE 0
  rpc::send_bytes(fd, rpc::h2_preface() + rpc::h2_frame(NGHTTP2_SETTINGS, 0, 0, none) +
                          request(1, "/t/Echo", "x"));
  const auto got = rpc::receive_headers(fd, 1, "rst=");
  CAPTURE(got);
  REQUIRE(got.find("rst=" + std::to_string(NGHTTP2_CANCEL)) != std::string::npos);
}

TEST_CASE("connections are limited; the idle make room") {
  Site site({.connections = 3});
  std::vector<vpccni::base::Fd> idle;
  for (int i = 0; i < 3; ++i) {
    idle.push_back(rpc::connect_to_port(site.port));
    rpc::send_bytes(idle.back(), rpc::h2_preface());
    REQUIRE_FALSE(rpc::receive_bytes(idle.back(), 9, 5s).empty());
  }
  REQUIRE(works(site));
  REQUIRE(rpc::receive_bytes(idle[0], 1000, 5s).ends_with("<closed>"));
  REQUIRE_FALSE(rpc::receive_bytes(idle[2], 1000, 50ms).ends_with("<closed>"));

  std::vector<vpccni::base::Fd> busy;
  for (unsigned i = 0; i < 3; ++i) {
    busy.push_back(rpc::connect_to_port(site.port));
    rpc::send_bytes(busy.back(), rpc::h2_preface() + request(1, "/t/Keep", ""));
    REQUIRE(site.eventually([&site, i] { return site.kept.size() == i + 1; }));
  }
  const auto refused = rpc::call(site.target(), "/t/Echo", "", {.deadline = 5s});
  REQUIRE_FALSE(refused);
  REQUIRE(refused.error().code == Errc::unavailable);
  busy.clear();
  bool again = false;
  for (int i = 0; i < 1000 && !again; ++i) {
    again = works(site);
  }
  REQUIRE(again);
}

TEST_CASE("the server goes while calls wait") {
  Site site;
  std::thread waiting([&site] {
    (void)site.eventually([&site] { return site.kept.size() == 1; });
    site.on_loop([&site] {
      site.server.reset();
      site.kept.at(0)({}, "nobody");
      site.kept.clear();
    });
  });
  const auto reply = rpc::call(site.target(), "/t/Keep", "", {.deadline = 10s});
  waiting.join();
  REQUIRE_FALSE(reply);
  REQUIRE(reply.error().code == Errc::unavailable);
  const auto refused = rpc::call(site.target(), "/t/Echo", "", {});
  REQUIRE(refused.error().code == Errc::unavailable);
  REQUIRE(refused.error().cause == "ECONNREFUSED");
}

TEST_CASE("a handler may destroy the server") {
  const Site site;
  const auto reply = rpc::call(site.target(), "/t/End", "", {.deadline = 10s});
  REQUIRE_FALSE(reply);
  REQUIRE(reply.error().code == Errc::unavailable);
}
