#include "agent/start.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "base/files.h"

namespace vpccni::agent {
namespace {

struct TemporaryDirectory {
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "vpccni-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

const base::WallTime kNow{std::chrono::seconds(1700000000)};

}  // namespace

TEST_CASE("a missing checkpoint is an empty one") {
  const TemporaryDirectory directory;
  std::string trouble;
  const CheckpointFiles files{(directory.path / "ipam.json").string()};
  CHECK(read_checkpoint(files, kNow, trouble).assignments.empty());
  CHECK(trouble.empty());
}

TEST_CASE("a checkpoint that cannot be used is kept aside and named") {
  const TemporaryDirectory directory;
  const CheckpointFiles files{(directory.path / "ipam.json").string()};
  for (const auto* bytes :
       {"", "{\"version\":\"vpc-cni-ipam/9\"}", "\x01garbage", "{\"version\""}) {
    REQUIRE(base::write_file_durably(files.path, bytes));
    std::string trouble;
    CHECK(read_checkpoint(files, kNow, trouble).assignments.empty());
    CHECK(trouble.find(files.path) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(files.path));
    CHECK(*base::read_file(files.path + ".unusable-1700000000") == bytes);
  }
}

TEST_CASE("a good checkpoint is read with what still cools, and kept as it was") {
  const TemporaryDirectory directory;
  const CheckpointFiles files{(directory.path / "ipam.json").string()};
  const ipam::Assignment one{
      {"aws-cni", "c", "eth0"}, {"d", "p", 1}, *net::Ip::parse("10.0.0.9"), {}};
  const auto bytes = ipam::format_checkpoint({one});
  REQUIRE(base::write_file_durably(files.path, bytes));
  REQUIRE(base::write_file_durably(
      files.recent(), ipam::format_recent({.cooling = {{*net::Ip::parse("10.0.0.10"), kNow}}})));
  std::string trouble;
  const auto read = read_checkpoint(files, kNow, trouble);
  CHECK(trouble.empty());
  CHECK(read.assignments == std::vector{one});
  CHECK(read.recent.cooling.size() == 1);
  CHECK(*base::read_file(files.previous()) == bytes);
}

}  // namespace vpccni::agent
