#include "net/ip.h"

#include <catch2/catch.hpp>

#include "net/mac.h"

namespace vpccni::net {

TEST_CASE("addresses") {
  CHECK(to_string(*Ip::parse("10.0.0.1")) == "10.0.0.1");
  CHECK(to_string(*Ip::parse("2001:DB8::0001")) == "2001:db8::1");
  for (const auto* bad : {"", "10.0.0", "10.0.0.256", "1.2.3.4 ", ":::", "fe80::1%eth0"}) {
    CHECK_FALSE(Ip::parse(bad));
  }
  CHECK_FALSE(Ip::parse(std::string_view("10.0.0.1\0x", 10)));
  CHECK_FALSE(Ip::parse(std::string_view("::1\0:", 5)));
  CHECK(to_string(Ip::parse("10.0.0.255")->plus(1)) == "10.0.1.0");
  CHECK(to_string(Ip::parse("fe80::ffff")->plus(1)) == "fe80::1:0");
  CHECK(Ip::parse("169.254.1.1")->is_link_local());
  CHECK(Ip::parse("fd00::ac:2")->is_global_unicast());
  CHECK_FALSE(Ip::parse("fe80::1")->is_global_unicast());
}

TEST_CASE("blocks") {
  CHECK(to_string(*Cidr::parse("172.16.5.9/12")) == "172.16.0.0/12");
  CHECK(to_string(*Cidr::parse("0.0.0.0/0")) == "0.0.0.0/0");
  CHECK(Cidr::parse("10.0.0.0/16")->contains(*Ip::parse("10.0.255.1")));
  CHECK_FALSE(Cidr::parse("10.0.0.0/16")->contains(*Ip::parse("10.1.0.1")));
  CHECK(Cidr::parse("10.0.0.0/28")->size() == 16);
  CHECK(Cidr::parse("2001:db8::/80")->size() == std::uint64_t{1} << 48U);
  CHECK(Cidr::host(*Ip::parse("10.0.0.1")).is_host());
  for (const auto* bad : {"10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/08"}) {
    CHECK_FALSE(Cidr::parse(bad));
  }
  CHECK_FALSE(Cidr::parse(std::string_view("2001:db8::\0:/1", 14)));
  CHECK_FALSE(IpInterface::parse(std::string_view("10.0.0.1\0/24", 12)));
  const auto interface = IpInterface::parse("10.0.1.10/24");
  CHECK(to_string(*interface) == "10.0.1.10/24");
  CHECK(to_string(interface->network()) == "10.0.1.0/24");
}

TEST_CASE("MAC addresses") {
  CHECK(to_string(*Mac::parse("0A:1b:2c:3d:4e:5f")) == "0a:1b:2c:3d:4e:5f");
  for (const auto* bad : {"", "0a:1b:2c:3d:4e", "0a-1b-2c-3d-4e-5f", "0a:1b:2c:3d:4e:5g"}) {
    CHECK_FALSE(Mac::parse(bad));
  }
}

}  // namespace vpccni::net
