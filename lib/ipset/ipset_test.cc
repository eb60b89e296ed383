// On the real kernel, in a namespace that the test makes: needs root.
#include "ipset/ipset.h"

#include <catch2/catch.hpp>

#include "podnet/test_host.h"

namespace vpccni::ipset {

namespace {

using podnet::sh;
using podnet::TestHost;

std::vector<net::Cidr> networks(const std::vector<std::string>& texts) {
  std::vector<net::Cidr> out;
  for (const auto& text : texts) {
    out.push_back(*net::Cidr::parse(text));
  }
  return out;
}

std::string held(const std::string& name) {
  return sh("ipset save " + name + " | sed -n 's/^add [^ ]* //p' | sort | tr '\\n' ' '");
}

}  // namespace

TEST_CASE("a set holds just what is wanted, and a second look changes nothing") {
  const TestHost host;
  CHECK(*fill("vpccni-t", networks({"10.0.0.0/16", "192.0.2.7/32", "128.0.0.0/1"})));
  CHECK(held("vpccni-t") == "10.0.0.0/16 128.0.0.0/1 192.0.2.7 ");
  CHECK_FALSE(*fill("vpccni-t", networks({"192.0.2.7/32", "10.0.0.0/16", "128.0.0.0/1"})));
  sh("iptables -A OUTPUT -m set --match-set vpccni-t dst");
  CHECK(*fill("vpccni-t", networks({"10.1.0.0/16"})));
  CHECK(held("vpccni-t") == "10.1.0.0/16 ");
  sh("ipset flush vpccni-t");
  CHECK(*fill("vpccni-t", networks({"10.1.0.0/16"})));
  CHECK(*fill("vpccni-t", {}));
  CHECK(held("vpccni-t").empty());
  CHECK(sh("ipset -n list") == "vpccni-t\n");
}

TEST_CASE("foreign sets stay, an interrupted fill is cleared away") {
  const TestHost host;
  sh("ipset create foreign hash:ip && ipset add foreign 10.0.0.1");
  sh("ipset create vpccni-t.new hash:net && ipset add vpccni-t.new 10.9.0.0/16");
  CHECK(*fill("vpccni-t", networks({"10.1.0.0/16"})));
  CHECK(held("vpccni-t") == "10.1.0.0/16 ");
  CHECK(held("foreign") == "10.0.0.1 ");
  CHECK(sh("ipset -n list | sort") == "foreign\nvpccni-t\n");
}

TEST_CASE("destroying: a set in use is a conflict, one that is not there is fine") {
  const TestHost host;
  CHECK(destroy("vpccni-t"));
  CHECK(*fill("vpccni-t", networks({"10.1.0.0/16"})));
  sh("iptables -A OUTPUT -m set --match-set vpccni-t dst");
  CHECK(destroy("vpccni-t").error().code == Errc::conflict);
  sh("iptables -F OUTPUT");
  CHECK(destroy("vpccni-t"));
  CHECK(sh("ipset -n list").empty());
}

TEST_CASE("what the kernel's type cannot hold is an error with the library's words") {
  const TestHost host;
  const auto none = fill("vpccni-t", networks({"0.0.0.0/0"}));
  REQUIRE_FALSE(none);
  CHECK(none.error().message.find("ipset add vpccni-t.new 0.0.0.0/0: ") != std::string::npos);
  CHECK_FALSE(fill(std::string(60, 'x'), {}));
}

}  // namespace vpccni::ipset
