#include "podnet/host_local.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "podnet/test_host.h"

namespace vpccni::podnet {

namespace {

/// A directory that goes with it.
class Place {
 public:
  Place() {
    std::string name = "/tmp/host-local-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("mkdtemp");
    }
    top_ = name;
  }
  ~Place() { std::filesystem::remove_all(top_); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  std::string directory() const { return top_ + "/deep/aws-cni"; }
  std::string text(const std::string& file) const {
    std::ifstream in(directory() + "/" + file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& file, const std::string& text) const {
    std::ofstream(directory() + "/" + file) << text;
  }
  std::set<std::string> files() const {
    std::set<std::string> all;
    for (const auto& one : std::filesystem::directory_iterator(directory())) {
      all.insert(one.path().filename());
    }
    return all;
  }
  Result<net::Ip> reserve(const std::string& id, std::string_view subnet = "169.254.172.0/22") {
    return reserve_address(directory(), must(HostLocalRange::of(cidr(subnet))), {id, "eth0"});
  }

 private:
  std::string top_;
};

}  // namespace

TEST_CASE("addresses go round, and the files are those of host-local") {
  Place place;
  CHECK(must(place.reserve("c1")) == ip("169.254.172.2"));
  CHECK(must(place.reserve("c2")) == ip("169.254.172.3"));
  CHECK(place.text("169.254.172.2") == "c1\r\neth0");
  CHECK(place.text("last_reserved_ip.0") == "169.254.172.3");
  CHECK(place.files() ==
        std::set<std::string>{"169.254.172.2", "169.254.172.3", "last_reserved_ip.0", "lock"});

  CHECK(must(has_address(place.directory(), {"c1", "eth0"})));
  REQUIRE(release_addresses(place.directory(), {"c1", "eth0"}));
  REQUIRE(release_addresses(place.directory(), {"c1", "eth0"}));
  CHECK_FALSE(must(has_address(place.directory(), {"c1", "eth0"})));
  CHECK(must(place.reserve("c3")) == ip("169.254.172.4"));  // not the one that was just freed

  place.write("last_reserved_ip.0", "169.254.175.254");
  CHECK(must(place.reserve("c4")) == ip("169.254.172.2"));
  place.write("last_reserved_ip.0", "rubbish");
  CHECK(must(place.reserve("c5")) == ip("169.254.172.5"));
}

TEST_CASE("an owner has one address at most, and keeps it") {
  Place place;
  REQUIRE(place.reserve("c1"));
  const auto again = place.reserve("c1");
  REQUIRE_FALSE(again);
  CHECK(again.error().code == Errc::already_exists);
  CHECK(place.text("169.254.172.2") == "c1\r\neth0");
  REQUIRE(release_addresses(place.directory(), {"c1", "eth1"}));
  CHECK(place.text("169.254.172.2") == "c1\r\neth0");
}

TEST_CASE("a full range is an error; what a dead writer left is used") {
  Place place;
  REQUIRE(place.reserve("a", "10.9.0.0/29"));
  for (const char* id : {"b", "c", "d", "e"}) {
    REQUIRE(place.reserve(id, "10.9.0.0/29"));  // .2 to .6
  }
  const auto full = place.reserve("f", "10.9.0.0/29");
  REQUIRE_FALSE(full);
  CHECK(full.error().code == Errc::exhausted);
  place.write("10.9.0.4", "");
  CHECK(must(place.reserve("f", "10.9.0.0/29")) == ip("10.9.0.4"));
  CHECK_FALSE(HostLocalRange::of(cidr("10.0.0.0/31")));
}

TEST_CASE("a release takes what a dead writer left, and nothing else") {
  Place place;
  REQUIRE(place.reserve("c1"));
  const auto before = place.files();
  place.write("169.254.172.77", "");
  place.write("last_reserved_ip.0.tmpAb12Cd", "169.254");
  place.write("notes.tmp", "");
  REQUIRE(release_addresses(place.directory(), {"nobody", "eth0"}));
  auto after = before;
  after.insert("notes.tmp");
  CHECK(place.files() == after);
}

TEST_CASE("IPv6 ranges end with their last address") {
  const auto range = must(HostLocalRange::of(cidr("fd00::ac:0/118")));
  CHECK(range.gateway == ip("fd00::ac:1"));
  CHECK(range.last == ip("fd00::ac:3ff"));
  Place place;
  CHECK(must(place.reserve("c1", "fd00::ac:0/118")) == ip("fd00::ac:2"));
  CHECK(place.text("fd00::ac:2") == "c1\r\neth0");
}

TEST_CASE("nothing there is nothing to free") {
  CHECK(release_addresses("/tmp/no-such-host-local/aws-cni", {"c1", "eth0"}));
  CHECK_FALSE(must(has_address("/tmp/no-such-host-local/aws-cni", {"c1", "eth0"})));
}

TEST_CASE("at the same time, every owner gets another") {
  Place place;
  std::vector<std::thread> threads;
  std::vector<std::string> got(24);
  for (std::size_t i = 0; i < got.size(); ++i) {
    threads.emplace_back([&place, &got, i] {
      if (const auto address = place.reserve("c" + std::to_string(i))) {
        got[i] = to_string(*address);
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  const std::set<std::string> different(got.begin(), got.end());
  CHECK(different.size() == got.size());
  CHECK(different.count("") == 0);
}

}  // namespace vpccni::podnet
