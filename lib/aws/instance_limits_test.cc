// The built-in limits: known rows, every row, and names that are none (spec aws.md section 7).
#include "aws/instance_limits.h"

#include <catch2/catch.hpp>

#include "base/text.h"

namespace vpccni::aws {

extern const std::string_view kInstanceLimitsJson;  // made by the build

namespace {

TEST_CASE("limits: types with one card") {
  const auto m5 = instance_limits("m5.large");
  REQUIRE(m5);
  CHECK(m5->enis == 3);
  CHECK(m5->ipv4_per_eni == 10);
  CHECK(m5->cards == std::vector{CardLimit{net::NetworkCard(0), 3}});
  CHECK(m5->default_card == net::NetworkCard(0));
  CHECK(m5->hypervisor == "nitro");
  CHECK_FALSE(m5->bare_metal);
  CHECK(m5->prefixes_supported());
  CHECK_FALSE(instance_limits("c1.medium")->prefixes_supported());  // xen
  CHECK_FALSE(instance_limits("cr1.8xlarge")->prefixes_supported());
  CHECK(instance_limits("a1.metal")->prefixes_supported());  // bare metal
  CHECK(instance_limits("c7g.metal")->hypervisor == "nitro");
  CHECK(instance_limits("a1.2xlarge"));  // the first row
}

TEST_CASE("limits: types with several cards hold the default card's limit") {
  const auto p4 = instance_limits("p4d.24xlarge");
  REQUIRE(p4);
  CHECK(p4->enis == 15);
  CHECK(p4->ipv4_per_eni == 50);
  REQUIRE(p4->cards.size() == 4);
  const auto p5 = instance_limits("p5.48xlarge");
  REQUIRE(p5);
  CHECK(p5->enis == 2);
  REQUIRE(p5->cards.size() == 32);
  for (int card = 0; card < 32; ++card) {
    CHECK(p5->cards[static_cast<std::size_t>(card)] == CardLimit{net::NetworkCard(card), 2});
  }
}

TEST_CASE("limits: unknown and hostile names are unknown types") {
  for (const std::string& name :
       {std::string(), std::string("m9x.large"), std::string("m5"), std::string("m5.larg"),
        std::string("m5.large "), std::string("M5.LARGE"), std::string("5.large"),
        std::string("\"m5.large"), std::string("m5.large\""), std::string("m5.large\":{\"e\":1"),
        std::string("m5.large\n"), std::string("\\m5.large"), std::string("e"), std::string("{"),
        std::string("../../etc/passwd"), std::string("m5.large\0", 9), std::string(1 << 20, 'm')}) {
    INFO(name.substr(0, 40));
    CHECK_FALSE(instance_limits(name));
  }
}

TEST_CASE("limits: every row of the data file can be used") {
  std::size_t types = 0;
  std::map<std::size_t, int> by_cards;
  for (const auto line : base::split(kInstanceLimitsJson, '\n')) {
    if (!line.starts_with('"')) {
      continue;
    }
    const std::string type(line.substr(1, line.find('"', 1) - 1));
    INFO(type);
    ++types;
    const auto limits = instance_limits(type);
    REQUIRE(limits);
    ++by_cards[limits->cards.size()];
    CHECK(limits->enis >= 1);
    CHECK(limits->enis <= 64);
    CHECK(limits->ipv4_per_eni >= 1);
    CHECK(limits->ipv4_per_eni <= 64);
    CHECK(limits->default_card == net::NetworkCard(0));
    CHECK((limits->hypervisor == "nitro" || limits->hypervisor == "xen" ||
           limits->hypervisor == "unknown"));
    CHECK(limits->cards.front() == CardLimit{net::NetworkCard(0), limits->enis});
    CHECK((!type.ends_with(".metal") || limits->bare_metal));
  }
  CHECK(types == 1391);
  CHECK(by_cards ==
        std::map<std::size_t, int>{{1, 1324}, {2, 54}, {4, 5}, {8, 2}, {16, 3}, {17, 1}, {32, 2}});
}

TEST_CASE("limits: rows cut at every byte, and wrong ones") {
  const std::string row = R"({"e":4,"i":15,"d":0,"c":[[0,4]],"h":"nitro","b":false})";
  REQUIRE(parse_limits_row(row));
  for (std::size_t n = 0; n < row.size(); ++n) {
    const std::string part(row, 0, n);
    if (parse_limits_row(part)) {
      FAIL("taken for whole: " << part);
    }
  }
  for (const char* wrong :
       {"{}", "[]", "7", R"({"e":"4","i":15,"c":[[0,4]]})", R"({"e":0,"i":15,"c":[[0,4]]})",
        R"({"e":4,"i":-1,"c":[[0,4]]})", R"({"e":4,"i":15,"c":[]})", R"({"e":4,"i":15,"c":[[0]]})",
        R"({"e":4,"i":15,"c":[["0",4]]})", R"({"e":4,"i":15,"d":0,"c":[["0",4]]})",
        R"({"e":4294967297,"i":15,"d":0,"c":[[0,4]]})", R"({"e":4,"i":15,"d":-1,"c":[[0,4]]})",
        R"({"e":4,"i":15,"d":0,"c":[[0,4294967300]]})", R"({"e":4,"i":15,"d":0,"c":[[-1,4]]})",
        R"({"e":4,"i":15,"d":0,"c":[[0,1.5]]})"}) {
    INFO(wrong);
    CHECK_FALSE(parse_limits_row(wrong));
  }
}

}  // namespace
}  // namespace vpccni::aws
