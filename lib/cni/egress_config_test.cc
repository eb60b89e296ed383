#include "cni/egress_config.h"

#include <catch2/catch.hpp>

namespace vpccni::cni {
namespace {

base::Json json(const std::string& text) {
  return *base::parse_json(text);
}

net::Ip ip(std::string_view text) {
  return *net::Ip::parse(text);
}

base::Json entry() {
  return json(R"({"cniVersion": "0.4.0", "name": "aws-cni", "type": "egress-cni", "mtu": "9001",
    "enabled": "true", "randomizeSNAT": "prng", "nodeIP": "10.0.0.5",
    "ipam": {"type": "host-local", "ranges": [[{"subnet": "169.254.172.0/22"}]],
             "routes": [{"dst": "0.0.0.0/0"}], "dataDir": "/run/cni/v6pd/egress-v4-ipam"},
    "pluginLogFile": "/var/log/x.log", "pluginLogLevel": "Debug"})");
}

base::Json changed(const std::string& patch) {
  base::Json config = entry();
  config.merge_patch(json(patch));
  return config;
}

TEST_CASE("the conflist's entry is read") {
  const auto config = parse_egress_config(entry());
  REQUIRE(config);
  CHECK(config->enabled);
  CHECK(config->mtu == 9001);
  CHECK(config->randomize == "prng");
  CHECK(config->family == net::Family::v4);
  CHECK(config->node == ip("10.0.0.5"));
  CHECK(config->log_file == "/var/log/x.log");
  REQUIRE(config->addresses);
  CHECK(to_string(config->addresses->subnet) == "169.254.172.0/22");
  CHECK(config->addresses->directory == "/run/cni/v6pd/egress-v4-ipam/aws-cni");
  REQUIRE(config->addresses->routes.size() == 1);
  CHECK(to_string(config->addresses->routes.front()) == "0.0.0.0/0");
}

TEST_CASE("only \"true\" is on, and what is off may be incomplete") {
  for (const char* text : {R"({"enabled": "True"})", R"({"enabled": true})", R"({"enabled": null})",
                           R"({"enabled": "false", "ipam": null})",
                           R"({"enabled": "false", "ipam": {"type": "dhcp"}})",
                           R"({"enabled": "false", "nodeIP": ""})"}) {
    CAPTURE(text);
    const auto config = parse_egress_config(changed(text));
    REQUIRE(config);
    CHECK_FALSE(config->enabled);
  }
}

TEST_CASE("the MTU is strict, but its failure is ADD's to tell") {
  CHECK(parse_egress_config(changed(R"({"mtu": 1500})"))->mtu == 1500);
  for (const char* text : {R"({"mtu": ""})", R"({"mtu": "9001x"})", R"({"mtu": null})"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_egress_config(changed(text))->mtu);
  }
}

TEST_CASE("what is on and cannot be is an error") {
  for (const char* text :
       {R"({"nodeIP": "ten"})", R"({"nodeIP": ""})", R"({"nodeIP": "2600::5"})",
        R"({"ipam": null})", R"({"ipam": {"type": "dhcp"}})", R"({"ipam": {"ranges": []}})",
        R"({"ipam": {"ranges": [[{"subnet": "x"}]]}})",
        R"({"ipam": {"ranges": [[{"subnet": "10.0.0.0/24"}], [{"subnet": "10.1.0.0/24"}]]}})",
        R"({"ipam": {"ranges": [[{"subnet": "10.0.0.0/24", "rangeStart": "fd00::1"}]]}})",
        R"({"ipam": {"routes": [{"dst": "::/0"}]}})", R"({"ipam": {"routes": {}}})",
        R"({"ipam": {"routes": [{"dst": "0.0.0.0/0", "gw": "10.0.0.1"}]}})",
        R"({"ipam": {"dataDir": "relative"}})"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_egress_config(changed(text)));
  }
}

TEST_CASE("the range's own bounds count") {
  const auto config = parse_egress_config(changed(
      R"({"ipam": {"ranges": [[{"subnet": "10.9.0.0/24", "rangeStart": "10.9.0.10",
          "rangeEnd": "10.9.0.20", "gateway": "10.9.0.254"}]], "dataDir": null}})"));
  REQUIRE(config);
  CHECK(config->addresses->first == ip("10.9.0.10"));
  CHECK(config->addresses->last == ip("10.9.0.20"));
  CHECK(config->addresses->gateway == ip("10.9.0.254"));
  CHECK(config->addresses->directory == "/var/lib/cni/networks/aws-cni");
}

TEST_CASE("the ends are appended to what the plugins before said, and nothing else is changed") {
  const auto prev = json(R"({"cniVersion": "1.0.0", "interfaces": [{"name": "a"}],
                             "ips": [{"interface": 0, "address": "10.0.0.2/32"}], "extra": 1})");
  const std::vector<EgressEnd> ends = {{"veth0", "m0", ""}, {"v4if0", "m1", "/ns"}};
  auto wanted = prev;
  wanted["interfaces"].push_back({{"name", "veth0"}, {"mac", "m0"}});
  wanted["interfaces"].push_back({{"name", "v4if0"}, {"mac", "m1"}, {"sandbox", "/ns"}});
  CHECK(with_interfaces(prev, ends, "1.0.0") == wanted);
  CHECK(with_interfaces(json("{}"), ends, "0.4.0")["interfaces"].size() == 2);
  CHECK(with_interfaces(json(R"({"ip4": {}})"), ends, "0.2.0") == json(R"({"ip4": {}})"));
}

}  // namespace
}  // namespace vpccni::cni
