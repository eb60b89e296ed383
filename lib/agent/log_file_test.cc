#include "agent/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "agent/rotating_file.h"
#include "base/files.h"

namespace vpccni::agent {

namespace {

namespace fs = std::filesystem;

struct TemporaryDirectory {
  TemporaryDirectory() {
    std::string pattern = (fs::temp_directory_path() / "vpccni-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() { fs::remove_all(path); }
  std::string log() const { return (path / "ipamd.log").string(); }
  fs::path path;
};

std::set<std::string> names(const fs::path& directory) {
  std::set<std::string> out;
  for (const auto& entry : fs::directory_iterator(directory)) {
    out.insert(entry.path().filename().string());
  }
  return out;
}

/// Old logs are dealt with in the background: asks until it is so, 20 s at most.
bool soon(const std::function<bool()>& is_so) {
  for (int i = 0; i < 2000 && !is_so(); ++i) {
    ::usleep(10000);
  }
  return is_so();
}

std::string gunzip(const fs::path& path) {
  std::string out(100000, '\0');
  gzFile in = ::gzopen(path.c_str(), "rb");
  const int n = ::gzread(in, out.data(), static_cast<unsigned>(out.size()));
  ::gzclose(in);
  out.resize(static_cast<std::size_t>(std::max(n, 0)));
  return out;
}

const base::SystemClock kClock;
constexpr auto kStart = std::chrono::milliseconds(1735787045678);  // 2025-01-02T03:04:05.678Z
const std::string kOld = "ipamd-2025-01-02T03-04-05.678.log";

base::WallTime at(std::chrono::seconds later) {
  return base::WallTime(kStart + later);
}

}  // namespace

TEST_CASE("old logs have upstream's names") {
  CHECK(old_log_name("ipamd.log", base::WallTime(kStart)) == kOld);
  CHECK(old_log_name("x", base::WallTime(kStart)) == "x-2025-01-02T03-04-05.678");
  const auto read = parse_old_log(kOld, "ipamd.log");
  REQUIRE(read);
  CHECK(read->at == base::WallTime(kStart));
  CHECK_FALSE(read->compressed);
  CHECK(parse_old_log(kOld + ".gz", "ipamd.log")->compressed);
  for (const auto* other :
       {"ipamd.log", "ipamd-.log", "plugin-2025-01-02T03-04-05.678.log", "ipamd-2025.log",
        "ipamd-2025-01-02T03-04-05,678.log", "ipamd-2025-01-02T03-04-05.678.log.gz.gz",
        "ipamd-2025-01-02T03-04-05.678.txt", "ipamd-2025-0x-02T03-04-05.678.log", ".", "..", ""}) {
    INFO(other);
    CHECK_FALSE(parse_old_log(other, "ipamd.log"));
  }
}

TEST_CASE("of old logs the youngest five stay, 30 days at most, compressed") {
  std::vector<std::string> all = {"ipamd.log", "plugin.log", "..",
                                  old_log_name("plugin.log", at(std::chrono::hours(1)))};
  for (int i = 0; i < 7; ++i) {
    all.push_back(old_log_name("ipamd.log", at(std::chrono::hours(i))) + (i < 5 ? ".gz" : ""));
  }
  all.push_back(old_log_name("ipamd.log", at(std::chrono::hours(5))) + ".gz");  // half made
  const auto now = at(std::chrono::hours(7));
  auto plan = plan_old_logs(all, "ipamd.log", {}, now);
  CHECK(plan.compress == std::vector{old_log_name("ipamd.log", at(std::chrono::hours(6))),
                                     old_log_name("ipamd.log", at(std::chrono::hours(5)))});
  CHECK(plan.remove == std::vector{old_log_name("ipamd.log", at(std::chrono::hours(1))) + ".gz",
                                   old_log_name("ipamd.log", at(std::chrono::hours(0))) + ".gz"});
  plan = plan_old_logs(all, "ipamd.log", {}, at(std::chrono::hours(24 * 30 + 5)));
  CHECK(plan.remove.size() == 5);  // hours 0 to 4
  CHECK(plan.compress.size() == 2);
  plan = plan_old_logs(all, "ipamd.log", {}, at(std::chrono::hours(24 * 31)));
  CHECK(plan.compress.empty());
  CHECK(plan.remove.size() == 8);
}

TEST_CASE("a full log is moved aside and compressed; no line is lost or cut") {
  const TemporaryDirectory directory;
  {
    const auto file = RotatingFile::open(directory.log(), {.bytes = 1000}, kClock);
    REQUIRE(file);
    for (int i = 0; i < 60; ++i) {
      (*file)->write("line " + std::to_string(100 + i) + std::string(42, '.') + "\n");  // 51 bytes
    }
    CHECK(fs::file_size(directory.log()) <= 1000);
    REQUIRE(soon([&] {
      const auto all = names(directory.path);
      return all.size() == 4 && std::count_if(all.begin(), all.end(), [](const auto& name) {
                                  return name.ends_with(".gz");
                                }) == 3;
    }));
  }
  std::string text;
  for (const auto& name : names(directory.path)) {
    if (name.ends_with(".gz")) {
      text += gunzip(directory.path / name);
      CHECK(fs::status(directory.path / name).permissions() ==
            (fs::perms::owner_read | fs::perms::owner_write));
    }
  }
  text += *base::read_file(directory.log());
  std::string expected;
  for (int i = 0; i < 60; ++i) {
    expected += "line " + std::to_string(100 + i) + std::string(42, '.') + "\n";
  }
  CHECK(text == expected);
}

TEST_CASE("not more old logs than allowed") {
  const TemporaryDirectory directory;
  const auto file = RotatingFile::open(directory.log(), {.bytes = 100, .old_files = 2}, kClock);
  for (int i = 0; i < 30; ++i) {
    (*file)->write(std::string(90, 'x') + "\n");
  }
  CHECK(soon([&] { return names(directory.path).size() == 3; }));
}

TEST_CASE("a new log keeps the old one's mode; a first one is for the owner only") {
  const TemporaryDirectory directory;
  const auto path = (directory.path / "new/dir/ipamd.log").string();
  const auto file = RotatingFile::open(path, {.bytes = 100}, kClock);
  REQUIRE(file);
  const auto mode = [&] {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 0777U;
  };
  CHECK(mode() == 0600);
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  (*file)->write(std::string(98, 'x') + "\n");
  (*file)->write("next\n");
  CHECK(*base::read_file(path) == "next\n");
  CHECK(mode() == 0644);
  struct stat status {};
  REQUIRE(::stat((directory.path / "new").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0755);
}

TEST_CASE("a line longer than a whole log is written all the same") {
  const TemporaryDirectory directory;
  const auto file = RotatingFile::open(directory.log(), {.bytes = 100}, kClock);
  const std::string line = std::string(500, 'x') + "\n";
  (*file)->write(line);
  CHECK(*base::read_file(directory.log()) == line);
}

TEST_CASE("somebody else appends to the file: theirs counts, and is kept") {
  const TemporaryDirectory directory;
  const auto file = RotatingFile::open(directory.log(), {.bytes = 200}, kClock);
  const base::Fd other(::open(directory.log().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  (*file)->write("ours\n");
  REQUIRE(base::write_line(other.get(), "theirs" + std::string(180, '.') + "\n"));
  (*file)->write("ours after theirs\n");
  CHECK(*base::read_file(directory.log()) == "ours after theirs\n");
  const auto compressed = [&] {
    for (const auto& name : names(directory.path)) {
      if (name.ends_with(".gz") && !fs::exists(directory.path / name.substr(0, name.size() - 3))) {
        return (directory.path / name).string();
      }
    }
    return std::string();
  };
  REQUIRE(soon([&] { return !compressed().empty(); }));
  CHECK(gunzip(compressed()).starts_with("ours\ntheirs"));
}

TEST_CASE("somebody moves or removes the file: a new one is made") {
  const TemporaryDirectory directory;
  const auto file = RotatingFile::open(directory.log(), {}, kClock);
  (*file)->write("1\n");
  fs::rename(directory.log(), directory.path / "moved");
  (*file)->write("2\n");
  CHECK(*base::read_file(directory.log()) == "2\n");
  CHECK(*base::read_file((directory.path / "moved").string()) == "1\n");
  fs::remove(directory.log());
  (*file)->write("3\n");
  CHECK(*base::read_file(directory.log()) == "3\n");
}

TEST_CASE("two logs in the same millisecond do not become one") {
  class Still final : public base::Clock {
    base::Instant now() const override { return {{}, base::WallTime(kStart)}; }
    bool wait_until(base::SteadyTime, std::stop_token) const override { return true; }
  };
  const Still clock;
  const TemporaryDirectory directory;
  const auto file = RotatingFile::open(directory.log(), {.bytes = 10}, clock);
  for (const auto* line : {"1 bytes..\n", "2 bytes..\n", "3 bytes..\n", "4 bytes..\n"}) {
    (*file)->write(line);
  }
  CHECK(soon([&] {
    const auto all = names(directory.path);
    return all.contains(kOld + ".gz") && all.contains("ipamd-2025-01-02T03-04-05.680.log.gz") &&
           all.size() == 4;
  }));
}

TEST_CASE("a file that cannot be opened is said, and the log goes on") {
  std::string trouble;
  const auto sink = agent_sink("/proc/none/ipamd.log", {}, kClock, trouble);
  CHECK(trouble.find("/proc/none") != std::string::npos);
  CHECK(trouble.find("stderr") != std::string::npos);
  for (const auto* target : {"stdout", "STDOUT", "stderr", "StdErr"}) {
    trouble.clear();
    (void)agent_sink(target, {}, kClock, trouble);
    CHECK(trouble.empty());
    CHECK_FALSE(fs::exists(target));
  }
}

TEST_CASE("the agent's sink writes lines and counts repeated ones") {
  const TemporaryDirectory directory;
  std::string trouble;
  {
    const base::Log log(agent_sink(directory.log(), {}, kClock, trouble), base::Level::debug,
                        kClock);
    log.info("same");
    for (int i = 0; i < 3; ++i) {
      log.warn("over and over");
    }
  }
  CHECK(trouble.empty());
  const auto text = *base::read_file(directory.log());
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
  CHECK(text.find(R"("repeated":"2"})") != std::string::npos);
}

}  // namespace vpccni::agent
