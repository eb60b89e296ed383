// The annotation of the VPC resource controller, and what may be wrong with it.
#include "agent/branch_eni.h"

#include <catch2/catch.hpp>

namespace vpccni::agent {
namespace {

constexpr const char* kWhole =
    R"([{"eniId":"eni-1","ifAddress":"02:AA:bb:00:00:07","privateIp":"10.0.2.40",
         "ipv6Addr":"2600:1f14::40","vlanID":7,"subnetCidr":"10.0.2.0/24",
         "subnetV6Cidr":"2600:1f14::/64","more":true},{"vlanID":8}])";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  return text.replace(text.find(what), what.size(), by);
}

std::string why(const std::string& text, net::Family family = net::Family::v4) {
  const auto eni = parse_branch_eni(text, family);
  REQUIRE_FALSE(eni);
  CHECK(eni.error().code == Errc::corrupt);
  return eni.error().message;
}

}  // namespace

TEST_CASE("branch ENI: both families") {
  const auto v4 = parse_branch_eni(kWhole, net::Family::v4);
  REQUIRE(v4);
  CHECK(*v4 == BranchEni{*net::Mac::parse("02:aa:bb:00:00:07"), *net::Ip::parse("10.0.2.40"),
                         net::VlanId(7), *net::Ip::parse("10.0.2.1")});
  const auto v6 = parse_branch_eni(kWhole, net::Family::v6);
  REQUIRE(v6);
  CHECK(v6->address == *net::Ip::parse("2600:1f14::40"));
  CHECK(v6->gateway == *net::Ip::parse("fe80:ec2::1"));
}

TEST_CASE("branch ENI: each fault of the annotation is named") {
  for (const char* text : {"", "null", "{}", "[]", "[1]", "[{", "[[]]"}) {
    INFO(text);
    CHECK(why(text).find("no JSON array") != std::string::npos);
  }
  CHECK(why(std::string(70000, '[')).find("no JSON array") != std::string::npos);
  CHECK(why(replaced(kWhole, "02:AA:bb:00:00:07", "")).find("ifAddress") != std::string::npos);
  CHECK(why(replaced(kWhole, "10.0.2.40", "x")).find("privateIp") != std::string::npos);
  CHECK(why(replaced(kWhole, "10.0.2.40", "fe80::1")).find("privateIp") != std::string::npos);
  CHECK(why(replaced(kWhole, "2600:1f14::40", ""), net::Family::v6).find("ipv6Addr") !=
        std::string::npos);
  for (const char* vlan : {"0", "-1", "4095", "\"7\"", "7.5", "99999999999999999999"}) {
    INFO(vlan);
    CHECK(why(replaced(kWhole, "\"vlanID\":7", std::string("\"vlanID\":") + vlan)).find("vlanID") !=
          std::string::npos);
  }
  CHECK(why(replaced(kWhole, "10.0.2.0/24", "10.0.2.0")).find("subnetCidr") != std::string::npos);
  CHECK(why(replaced(kWhole, "2600:1f14::/64", ""), net::Family::v6).find("subnetV6Cidr") !=
        std::string::npos);
}

}  // namespace vpccni::agent
