// On the real kernel, in a namespace that the test makes: needs root.
#include "conntrack/conntrack.h"

#include <catch2/catch.hpp>

#include "podnet/test_host.h"

namespace vpccni::conntrack {

namespace {

using podnet::ip;
using podnet::sh;
using podnet::TestHost;

void insert(const std::string& ends) {
  sh("conntrack -I -p tcp --orig-port-src 1000 --orig-port-dst 80 --reply-port-src 80 "
     "--reply-port-dst 1000 --state ESTABLISHED --timeout 600 " +
     ends + " 2>/dev/null");
}
std::string count(const std::string& options = "") {
  return sh("conntrack -L " + options + " 2>/dev/null | wc -l");
}

}  // namespace

TEST_CASE("entries that name a released address go, and no others") {
  const TestHost host;
  insert("-s 10.0.0.20 -d 1.1.1.1 --reply-src 1.1.1.1 --reply-dst 10.0.0.5");      // from it, SNAT
  insert("-s 10.0.9.9 -d 172.20.0.1 --reply-src 10.0.0.20 --reply-dst 10.0.9.9");  // to it, DNAT
  insert("-s 10.0.0.21 -d 10.0.9.9 --reply-src 10.0.9.9 --reply-dst 10.0.0.21");
  insert("-s fd00::20 -d fd00::1 --reply-src fd00::1 --reply-dst fd00::20");
  REQUIRE(count() == "4\n");
  CHECK(*flush({{ip("10.0.0.20")}, {}}) == 2);
  CHECK(count() == "2\n");
  CHECK(*flush({{ip("10.0.0.20"), ip("fd00::20")}, {}}) == 1);
  CHECK(count("-s 10.0.0.21") == "1\n");
  CHECK(*flush({{ip("10.0.0.20")}, {}}) == 0);
}

TEST_CASE("at its next use only what leads to the address goes") {
  const TestHost host;
  insert("-s 10.0.0.20 -d 1.1.1.1 --reply-src 1.1.1.1 --reply-dst 10.0.0.5");
  insert("-s 10.0.9.9 -d 172.20.0.1 --reply-src 10.0.0.20 --reply-dst 10.0.9.9");
  CHECK(*flush({{}, {ip("10.0.0.20")}}) == 1);
  CHECK(count("-s 10.0.0.20") == "1\n");
  CHECK(*flush({}) == 0);
}

}  // namespace vpccni::conntrack
