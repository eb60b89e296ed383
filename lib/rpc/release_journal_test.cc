#include "rpc/release_journal.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

namespace vpccni::rpc {

namespace {

struct Directory {
  Directory() {
    char name[] = "/tmp/release-journal-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::string path;
};

::rpc::DelNetworkRequest request(const std::string& container, const std::string& interface) {
  ::rpc::DelNetworkRequest out;
  out.set_containerid(container);
  out.set_ifname(interface);
  out.set_networkname("aws-cni");
  out.set_k8s_pod_name("web-0");
  return out;
}

}  // namespace

TEST_CASE("what is put is read, once per container and interface, until it is forgotten") {
  const Directory directory;
  const ReleaseJournal journal(directory.path + "/a/release-queue");
  CHECK(journal.read()->records.empty());
  REQUIRE(journal.put(request("c1", "eth0")));
  REQUIRE(journal.put(request("c1", "eth0")));
  REQUIRE(journal.put(request("c2", "eth0")));
  struct stat made {};
  REQUIRE(::stat((directory.path + "/a/release-queue/c1-eth0").c_str(), &made) == 0);
  CHECK((made.st_mode & 0777U) == 0600);
  auto all = journal.read();
  REQUIRE(all->records.size() == 2);
  CHECK(all->records[0].request.k8s_pod_name() == "web-0");
  CHECK(journal.holds(all->records[0]));
  REQUIRE(journal.forget(all->records[0]));
  CHECK_FALSE(journal.holds(all->records[0]));
  REQUIRE(journal.forget(all->records[0]));
  REQUIRE(journal.forget("c1", "eth0"));
  REQUIRE(journal.forget("c2", "eth0"));
  CHECK(journal.read()->records.empty());
}

TEST_CASE("names that are no file names are refused, and nothing outside is touched") {
  const Directory directory;
  std::ofstream(directory.path + "/victim-eth0") << "x";
  const ReleaseJournal journal(directory.path + "/q");
  for (const std::string container : {"", "../victim", ".", "a/b"}) {
    CHECK(journal.put(request(container, "eth0")).error().code == Errc::invalid_argument);
    CHECK(journal.forget(container, "eth0"));
  }
  CHECK_FALSE(journal.put(request("c", "")));
  CHECK_FALSE(journal.put(request(std::string(250, 'c'), "eth0")));
  CHECK_FALSE(journal.put(request(std::string("a\0b", 3), "eth0")));
  CHECK(std::filesystem::exists(directory.path + "/victim-eth0"));
}

TEST_CASE("foreign files are named and left; half-written ones are passed over") {
  const Directory directory;
  const ReleaseJournal journal(directory.path);
  REQUIRE(journal.put(request("c1", "eth0")));
  std::ofstream(directory.path + "/junk") << "\xff\xff not a message";
  std::ofstream(directory.path + "/empty") << "";
  std::ofstream(directory.path + "/huge") << std::string(100000, 'x');
  std::ofstream(directory.path + "/c2-eth0.tmpAbC123") << "half";
  std::filesystem::create_directory(directory.path + "/folder");
  const auto all = journal.read();
  REQUIRE(all);
  CHECK(all->records.size() == 1);
  CHECK(all->unread.size() == 4);
  CHECK(std::filesystem::exists(directory.path + "/junk"));
}

TEST_CASE("a directory that cannot be written or read is an error of its own") {
  const Directory directory;
  std::ofstream(directory.path + "/file") << "x";
  const ReleaseJournal journal(directory.path + "/file/q");
  CHECK_FALSE(journal.put(request("c", "eth0")));
  CHECK(journal.forget("c", "eth0"));
}

}  // namespace vpccni::rpc
