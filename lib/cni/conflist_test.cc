#include "cni/conflist.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/files.h"
#include "base/json.h"

namespace vpccni::cni {

namespace {

std::string shipped() {
  auto source = std::filesystem::path(__FILE__);
  if (source.is_relative()) {
    source = std::filesystem::current_path() / source;
  }
  const auto root = source.parent_path().parent_path().parent_path();
  const auto text = base::read_file((root / "docker" / kConflistName).lexically_normal().string());
  REQUIRE(text);
  return *text;
}

ConflistValues ordinary() {
  ConflistValues values;
  values.veth_prefix = "eni";
  values.mtu = "9001";
  values.enforcing_mode = "strict";
  values.plugin_log_file = "/var/log/aws-routed-eni/plugin.log";
  values.plugin_log_level = "DEBUG";
  values.randomize_snat = "prng";
  values.egress_log_file = "/var/log/aws-routed-eni/egress-v6-plugin.log";
  return values;
}

base::Json filled(const ConflistValues& values) {
  const auto text = fill_in_conflist(shipped(), values);
  REQUIRE(text);
  const auto json = base::parse_json(*text);
  REQUIRE(json);
  return *json;
}

}  // namespace

TEST_CASE("the shipped template has every placeholder filled in, and its text kept") {
  const auto text = fill_in_conflist(shipped(), ordinary());
  REQUIRE(text);
  CHECK(text->find("__") == std::string::npos);
  auto expected = shipped();
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"__VETHPREFIX__", "eni"},
           {"__MTU__", "9001"},
           {"__PODSGENFORCINGMODE__", "strict"},
           {"__PLUGINLOGFILE__", "/var/log/aws-routed-eni/plugin.log"},
           {"__PLUGINLOGLEVEL__", "DEBUG"},
           {"__EGRESSPLUGINENABLED__", "false"},
           {"__RANDOMIZESNAT__", "prng"},
           {"__NODEIP__", ""},
           {"__EGRESSPLUGINIPAMSUBNET__", "fd00::ac:00/118"},
           {"__EGRESSPLUGINIPAMDST__", "::/0"},
           {"__EGRESSPLUGINIPAMDATADIR__", "/run/cni/v4pd/egress-v6-ipam"},
           {"__EGRESSPLUGINLOGFILE__", "/var/log/aws-routed-eni/egress-v6-plugin.log"}}) {
    for (auto at = expected.find(name); at != std::string::npos; at = expected.find(name)) {
      expected.replace(at, name.size(), value);
    }
  }
  CHECK(*text == expected);
}

TEST_CASE("an IPv6 cluster's egress is IPv4") {
  auto values = ordinary();
  values.ipv6 = true;
  values.egress = true;
  values.node_ip = "10.0.0.5";
  const auto egress = filled(values)["plugins"][1];
  CHECK(egress["enabled"] == "true");
  CHECK(egress["nodeIP"] == "10.0.0.5");
  CHECK(egress["ipam"]["ranges"][0][0]["subnet"] == "169.254.172.0/22");
  CHECK(egress["ipam"]["routes"][0]["dst"] == "0.0.0.0/0");
  CHECK(egress["ipam"]["dataDir"] == "/run/cni/v6pd/egress-v4-ipam");
}

TEST_CASE("plugins are appended in order, and no member gets lost") {
  auto values = ordinary();
  values.bandwidth = true;
  values.pods_without_ipv6 = true;
  const auto list = filled(values);
  REQUIRE(list["plugins"].size() == 5);
  CHECK(list["plugins"][3] ==
        *base::parse_json(R"({"type":"bandwidth","capabilities":{"bandwidth":true}})"));
  CHECK(list["plugins"][4]["type"] == "tuning");
  CHECK(list["plugins"][4]["sysctl"]["net.ipv6.conf.lo.disable_ipv6"] == "1");
  CHECK(list["plugins"][4]["sysctl"].size() == 3);
  // Upstream's fixed structures drop these.
  CHECK(list["plugins"][2]["snat"] == true);
  CHECK(list["plugins"][1]["nodeIP"] == "");
  CHECK(list["disableCheck"] == true);
}

TEST_CASE("each of the two by itself") {
  auto values = ordinary();
  CHECK(filled(values)["plugins"].size() == 3);
  values.bandwidth = true;
  CHECK(filled(values)["plugins"].size() == 4);
  values.bandwidth = false;
  values.pods_without_ipv6 = true;
  CHECK(filled(values)["plugins"].size() == 4);
}

TEST_CASE("checks are turned on in the list and in our plugin") {
  auto values = ordinary();
  values.checks = true;
  const auto list = filled(values);
  CHECK(list["disableCheck"] == false);
  CHECK(list["plugins"][0]["vpccniChecks"] == "true");
  CHECK_FALSE(list["plugins"][1].contains("vpccniChecks"));
}

TEST_CASE("hostile values stay texts") {
  auto values = ordinary();
  values.plugin_log_file = "/a\",\"type\":\"x\\\n__MTU__";
  const auto list = filled(values);
  CHECK(list["plugins"][0]["type"] == "aws-cni");
  CHECK(list["plugins"][0]["pluginLogFile"] == values.plugin_log_file);
}

TEST_CASE("a template that is no list is refused") {
  for (const auto* text : {"", "[]", "{", R"({"plugins":1})", R"({"name":"aws-cni"})"}) {
    CHECK_FALSE(fill_in_conflist(text, ordinary()));
  }
}

}  // namespace vpccni::cni
