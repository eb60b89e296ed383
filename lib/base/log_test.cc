#include "base/log.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "base/files.h"
#include "base/json.h"
#include "base/log_repeats.h"

namespace vpccni::base {

namespace {

class HandClock final : public Clock {
 public:
  Instant now() const override { return at; }
  bool wait_until(SteadyTime, std::stop_token) const override { return true; }
  Instant at{SteadyTime(std::chrono::hours(1)), WallTime(std::chrono::milliseconds(1735689600789))};
};

/// The zone of the process, put back afterwards.
struct Zone {
  explicit Zone(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  ~Zone() {
    ::unsetenv("TZ");
    ::tzset();
  }
};

struct Lines {
  std::vector<std::string> all;
  Sink sink() {
    return [this](std::string_view line) { all.emplace_back(line); };
  }
};

}  // namespace

TEST_CASE("a line: level, ts, caller, msg, in this order, then the fields") {
  const Zone utc("UTC");
  const HandClock clock;
  CHECK(format_line(Level::info, clock.at.wall, "ipamd/ipamd.go:123", "a \"b\"\n", {}) ==
        R"({"level":"info","ts":"2025-01-01T00:00:00.789Z","caller":"ipamd/ipamd.go:123",)"
        R"("msg":"a \"b\"\n"})"
        "\n");
  CHECK(format_line(Level::error, clock.at.wall, "a/b:1", "m", {{"k", "v\x01"}, {"l", ""}}) ==
        R"({"level":"error","ts":"2025-01-01T00:00:00.789Z","caller":"a/b:1","msg":"m",)"
        R"("k":"v\u0001","l":""})"
        "\n");
}

TEST_CASE("the time is local, with its zone") {
  const HandClock clock;
  const auto ts = [&](const char* zone) {
    const Zone set(zone);
    const auto line = format_line(Level::warn, clock.at.wall, "c", "m", {});
    return string_member(*parse_json(line), "ts");
  };
  CHECK(ts("UTC") == "2025-01-01T00:00:00.789Z");
  CHECK(ts("XXX-1") == "2025-01-01T01:00:00.789+0100");
  CHECK(ts("XXX+3:30") == "2024-12-31T20:30:00.789-0330");
}

TEST_CASE("a line is one line of JSON whatever is in it") {
  std::string every;
  for (int c = 0; c < 256; ++c) {
    every += static_cast<char>(c);
  }
  const auto line = format_line(Level::debug, {}, every, every, {{every, every}});
  CHECK(std::count(line.begin(), line.end(), '\n') == 1);
  CHECK(parse_json(line));
}

TEST_CASE("levels: as upstream reads them, and what each lets through") {
  CHECK(parse_level("Debug") == Level::debug);
  CHECK(parse_level("INFO") == Level::info);
  CHECK(parse_level("warn") == Level::warn);
  CHECK(parse_level("Error") == Level::error);
  CHECK(parse_level("fatal") == Level::fatal);
  for (const auto* other : {"", "warning", " info", "trace"}) {
    CHECK(parse_level(other) == Level::debug);
  }
  const HandClock clock;
  for (int level = 0; level < 5; ++level) {
    Lines lines;
    const Log log(lines.sink(), static_cast<Level>(level), clock);
    log.debug("d");
    log.info("i");
    log.warn("w");
    log.error("e");
    CHECK(lines.all.size() == static_cast<std::size_t>(4 - level));
  }
}

TEST_CASE("the caller is the last directory, the file and the line") {
  const HandClock clock;
  Lines lines;
  Log(lines.sink(), Level::debug, clock).info("m");
  const auto json = parse_json(lines.all.at(0));
  CHECK(string_member(*json, "caller").rfind("base/log_test.cc:", 0) == 0);
}

TEST_CASE("a file is made with its directory, for the owner only, and appended to") {
  std::string pattern = (std::filesystem::temp_directory_path() / "vpccni-XXXXXX").string();
  const std::filesystem::path root = ::mkdtemp(pattern.data());
  const auto path = root / "a/b/plugin.log";
  file_sink(path.string())("one\n");
  file_sink(path.string())("two\n");
  CHECK(*read_file(path.string()) == "one\ntwo\n");
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600);
  REQUIRE(::stat((root / "a").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0755);
  std::filesystem::remove_all(root);
}

TEST_CASE("identical lines are counted, and the count is told after the window") {
  const Zone utc("UTC");
  HandClock clock;
  Lines lines;
  {
    const Log log(without_repeats(lines.sink(), clock, std::chrono::seconds(60)), Level::debug,
                  clock);
    const auto both = [&] {
      log.warn("again", {{"eni", "1"}});
      log.warn("again", {{"eni", "2"}});
    };
    both();
    CHECK(lines.all.size() == 2);  // another field is another line
    for (int i = 0; i < 5; ++i) {
      clock.at = clock.at + std::chrono::seconds(10);
      both();
    }
    CHECK(lines.all.size() == 2);
    clock.at = clock.at + std::chrono::seconds(10);
    log.info("something else");
    REQUIRE(lines.all.size() == 5);
    CHECK(string_member(*parse_json(lines.all[2]), "repeated") == "5");
    CHECK(string_member(*parse_json(lines.all[2]), "eni") == "1");
    CHECK(string_member(*parse_json(lines.all[2]), "ts") == "2025-01-01T00:00:50.789Z");
    both();
    CHECK(lines.all.size() == 7);  // a new window
    both();
  }
  REQUIRE(lines.all.size() == 9);  // told at the end
  CHECK(string_member(*parse_json(lines.all[8]), "repeated") == "1");
  CHECK(lines.all[8].back() == '\n');
}

TEST_CASE("what lines are remembered is bounded, and no count is lost") {
  HandClock clock;
  Lines lines;
  std::size_t repeated = 0;
  {
    const Log log(without_repeats(lines.sink(), clock), Level::debug, clock);
    for (int i = 0; i < 1000; ++i) {
      log.info("m", {{"n", std::to_string(i % 40)}});
      log.info("m", {{"n", std::to_string(i % 40)}});
    }
  }
  for (const auto& line : lines.all) {
    const auto count = string_member(*parse_json(line), "repeated");
    repeated += count.empty() ? 1 : std::stoul(count);
  }
  CHECK(repeated == 2000);
}

}  // namespace vpccni::base
