#include "event/loop.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "event/listen.h"

using vpccni::Errc;
using vpccni::event::Loop;
using vpccni::event::Occupied;
using vpccni::event::Ready;
using vpccni::event::Registration;
using namespace std::chrono_literals;

TEST_CASE("tasks posted by another thread wake the loop and keep their order") {
  Loop loop;
  std::vector<int> ran;
  int turns = 0;
  std::thread poster([&] {
    for (int i = 0; i < 1000; ++i) {
      loop.post([&ran, i] { ran.push_back(i); });
    }
    loop.post([&loop] { loop.stop(); });
  });
  loop.run([&turns] { ++turns; });
  poster.join();
  REQUIRE(ran.size() == 1000);
  REQUIRE(std::is_sorted(ran.begin(), ran.end()));
  REQUIRE(turns >= 1);
}

TEST_CASE("a task posted from the loop runs in a later turn") {
  Loop loop;
  std::string trace;
  loop.post([&] {
    trace += 'a';
    loop.post([&] {
      trace += 'b';
      loop.stop();
    });
  });
  loop.run([&trace] { trace += '|'; });
  REQUIRE(trace == "a|b|");
}

TEST_CASE("stop before run is kept") {
  Loop loop;
  loop.stop();
  loop.run([] { FAIL("no turn expected"); });
}

TEST_CASE("timers") {
  Loop loop;
  int periods = 0;
  std::string order;
  auto early = loop.after(1ms, [&] { order += '1'; });
  auto late = loop.after(3ms, [&] { order += '3'; });
  auto cancelled = loop.after(2ms, [&] { order += 'x'; });
  cancelled = Registration();
  Registration repeated;
  repeated = loop.every(1ms, [&] {
    if (++periods == 5) {
      repeated = Registration();  // from inside its own task
      loop.stop();
    }
  });
  const auto start = std::chrono::steady_clock::now();
  loop.run();
  REQUIRE(periods == 5);
  REQUIRE(order == "13");
  REQUIRE(std::chrono::steady_clock::now() - start >= 5ms);
}

TEST_CASE("a timer is not early after a long task") {
  Loop loop;
  Registration timer;
  std::chrono::steady_clock::time_point set;
  loop.post([&] {
    const auto until = std::chrono::steady_clock::now() + 8ms;
    while (std::chrono::steady_clock::now() < until) {
    }
    set = std::chrono::steady_clock::now();
    timer = loop.after(5ms, [&] { loop.stop(); });
  });
  loop.run();
  REQUIRE(std::chrono::steady_clock::now() - set >= 5ms);
}

TEST_CASE("run_once is bounded by its limit") {
  Loop loop;
  loop.run_once(1ms);
  int ran = 0;
  loop.post([&ran] { ++ran; });
  loop.run_once(10s);
  REQUIRE(ran == 1);
}

TEST_CASE("watch tells what is ready") {
  Loop loop;
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  vpccni::base::Fd reader(ends[0]);
  vpccni::base::Fd writer(ends[1]);
  std::string got;
  Registration writing;
  writing = loop.watch(writer.get(), Ready::write, [&](bool readable, bool writable) {
    REQUIRE_FALSE(readable);
    REQUIRE(writable);
    REQUIRE(::write(writer.get(), "x", 1) == 1);
    writing = Registration();
  });
  auto reading = loop.watch(reader.get(), Ready::read, [&](bool readable, bool) {
    REQUIRE(readable);
    char byte = 0;
    REQUIRE(::read(reader.get(), &byte, 1) == 1);
    got += byte;
    loop.stop();
  });
  loop.run();
  REQUIRE(got == "x");
}

TEST_CASE("a registration may outlive its loop") {
  Registration timer;
  {
    Loop loop;
    timer = loop.after(1h, [] {});
  }
  timer = Registration();
}

TEST_CASE("signals arrive as tasks") {
  Loop loop;
  int seen = 0;
  auto registration = loop.on_signal(SIGUSR1, [&] {
    ++seen;
    loop.stop();
  });
  loop.post([] { ::raise(SIGUSR1); });
  loop.run();
  REQUIRE(seen == 1);
}

TEST_CASE("listening sockets") {
  using vpccni::event::listen_tcp;
  using vpccni::event::listen_unix;
  const auto tcp = listen_tcp("127.0.0.1", 0);
  REQUIRE(tcp);
  REQUIRE(tcp->port > 0);
  const auto taken = listen_tcp("127.0.0.1", tcp->port);
  REQUIRE_FALSE(taken);
  REQUIRE(taken.error().cause == "EADDRINUSE");
  REQUIRE(listen_tcp("", 0));
  REQUIRE(listen_tcp("nonsense", 0).error().code == Errc::invalid_argument);

  std::string pattern = std::filesystem::temp_directory_path() / "vpccni-event-XXXXXX";
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  const std::string path = pattern + "/made/x.sock";
  {
    const auto first = listen_unix(path, 0660, Occupied::refuse);
    REQUIRE(first);
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    REQUIRE((status.st_mode & 07777U) == 0660U);
    REQUIRE(listen_unix(path, 0660, Occupied::refuse).error().code == Errc::already_exists);
    REQUIRE(listen_unix(path, 0660, Occupied::replace));
  }
  REQUIRE(listen_unix(path, 0660, Occupied::refuse));  // stale
  const std::string file = pattern + "/file";
  std::ofstream(file) << "keep";
  REQUIRE(listen_unix(file, 0660, Occupied::replace).error().code == Errc::already_exists);
  REQUIRE(listen_unix(std::string(200, 'x'), 0660, Occupied::replace).error().code ==
          Errc::invalid_argument);
  std::filesystem::remove_all(pattern);
}
