#include <catch2/catch.hpp>
#include <sstream>

#include "base/text.h"
#include "cni/config.h"
#include "cni/request.h"
#include "cni/result.h"
#include "cni/version.h"

namespace vpccni::cni {
namespace {

Environment add_environment() {
  return {{"CNI_COMMAND", "ADD"},
          {"CNI_CONTAINERID", "c1"},
          {"CNI_NETNS", "/var/run/netns/cni-1"},
          {"CNI_IFNAME", "eth0"},
          {"CNI_PATH", "/opt/cni/bin"}};
}

constexpr const char* kConfig = R"({"cniVersion":"1.0.0","name":"aws-cni","type":"aws-cni"})";

std::variant<Request, NoCommand, Failure> read(const Environment& environment,
                                               const std::string& input = kConfig) {
  std::istringstream in(input);
  return read_request(environment, in);
}

Failure refused(const Environment& environment, const std::string& input = kConfig) {
  auto answer = read(environment, input);
  REQUIRE(std::holds_alternative<Failure>(answer));
  return std::get<Failure>(answer);
}

base::Json json(const std::string& text) {
  return *base::parse_json(text);
}

net::Ip ip(std::string_view text) {
  return *net::Ip::parse(text);
}

Added pod_a() {
  Added added;
  added.interfaces.push_back(
      {"eni5e1c4d6c68c", "eth0", "/var/run/netns/cni-1", ip("10.0.0.20"), net::kMainTable});
  added.dummy = "dummy5e1c4d6c68c";
  return added;
}

TEST_CASE("a well-formed ADD is read") {
  auto answer = read(add_environment());
  REQUIRE(std::holds_alternative<Request>(answer));
  const auto& request = std::get<Request>(answer);
  CHECK(request.verb == Verb::add);
  CHECK(request.network_name == "aws-cni");
  CHECK(request.cni_version == "1.0.0");
}

TEST_CASE("no command means: who are you") {
  CHECK(std::holds_alternative<NoCommand>(read({})));
}

TEST_CASE("missing variables are named in the specification's order") {
  auto environment = add_environment();
  environment.erase("CNI_NETNS");
  environment.erase("CNI_CONTAINERID");
  environment["CNI_PATH"] = "";
  const auto failure = refused(environment);
  CHECK(failure.code == Code::invalid_environment);
  CHECK(failure.msg == "required env variables [CNI_CONTAINERID,CNI_NETNS,CNI_PATH] missing");

  environment = add_environment();
  environment["CNI_COMMAND"] = "DEL";
  environment.erase("CNI_NETNS");
  CHECK(std::holds_alternative<Request>(read(environment)));
}

TEST_CASE("malformed variables are refused with code 4") {
  const std::pair<const char*, const char*> bad[] = {
      {"CNI_CONTAINERID", "../x"}, {"CNI_CONTAINERID", "-a"},  {"CNI_IFNAME", "sixteen-chars-xx"},
      {"CNI_IFNAME", ".."},        {"CNI_IFNAME", "eth 0"},    {"CNI_IFNAME", "a/b"},
      {"CNI_IFNAME", "a:b"},       {"CNI_COMMAND", "ADDITION"}};
  for (const auto& [name, value] : bad) {
    CAPTURE(name, value);
    auto environment = add_environment();
    environment[name] = value;
    CHECK(refused(environment).code == Code::invalid_environment);
  }
}

TEST_CASE("bad stdin has its own codes") {
  const auto environment = add_environment();
  CHECK(refused(environment, "").code == Code::decoding_failure);
  CHECK(refused(environment, "{\"cniVersion\":").code == Code::decoding_failure);
  CHECK(refused(environment, "[]").code == Code::decoding_failure);
  CHECK(refused(environment, std::string(10 << 20, '[')).code == Code::decoding_failure);
  CHECK(refused(environment, std::string(100000, '{')).code == Code::decoding_failure);
  CHECK(refused(environment, R"({"cniVersion":7,"name":"n"})").code == Code::decoding_failure);
  CHECK(refused(environment, R"({"cniVersion":"1.0.0"})").msg == "missing network name");
  CHECK(refused(environment, R"({"cniVersion":"1.0.0","name":"a b"})").code ==
        Code::invalid_network_config);
  const auto version = refused(environment, R"({"cniVersion":"9.9.9","name":"n"})");
  CHECK(version.code == Code::incompatible_version);
  CHECK(version.msg == "incompatible CNI versions");
  CHECK(version.details ==
        "config is \"9.9.9\", plugin supports [\"0.1.0\" \"0.2.0\" \"0.3.0\" \"0.3.1\" \"0.4.0\" "
        "\"1.0.0\" \"1.1.0\"]");
}

TEST_CASE("verbs are bound to versions") {
  auto environment = add_environment();
  environment["CNI_COMMAND"] = "CHECK";
  CHECK(refused(environment, R"({"cniVersion":"0.3.1","name":"n"})").msg ==
        "config version does not allow CHECK");
  CHECK(std::holds_alternative<Request>(read(environment)));
  environment["CNI_COMMAND"] = "STATUS";
  CHECK(refused(environment).msg == "config version does not allow STATUS");
  environment["CNI_CONTAINERID"] = "not/looked/at";
  CHECK(std::holds_alternative<Request>(read(environment, R"({"cniVersion":"1.1.0","name":"n"})")));
}

TEST_CASE("an absent version is 0.1.0 and VERSION reads no stdin") {
  auto answer = read(add_environment(), R"({"name":"n"})");
  CHECK(std::get<Request>(answer).cni_version == "0.1.0");
  CHECK(std::holds_alternative<Request>(read({{"CNI_COMMAND", "VERSION"}}, "garbage")));
  CHECK(
      version_json() ==
      R"({"cniVersion":"1.1.0","supportedVersions":["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]})");
}

TEST_CASE("CNI_ARGS") {
  const auto args = parse_args("IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=a;X=y");
  REQUIRE(args);
  CHECK(args->pod == "a");
  CHECK(args->name_space == "default");
  CHECK(parse_args(""));
  CHECK_FALSE(parse_args("K8S_POD_NAME"));
  CHECK_FALSE(parse_args("K8S_POD_NAME=a=b"));
  CHECK_FALSE(parse_args("X=y;K8S_POD_NAME=a"));
  CHECK_FALSE(parse_args("IgnoreUnknown=maybe"));
}

TEST_CASE("the plugin's own keys") {
  CHECK(parse_config(json("{}"))->veth_prefix == "eni");
  CHECK(parse_config(json(R"({"vethPrefix":""})"))->veth_prefix.empty());
  CHECK_FALSE(parse_config(json(R"({"vethPrefix":"fivec"})")));
  CHECK_FALSE(parse_config(json(R"({"vethPrefix":"a/b"})")));
  CHECK_FALSE(parse_config(json(R"({"mtu":[]})")));
  for (const auto& [text, mtu] : std::vector<std::pair<std::string, int>>{{"\"1500\"", 1500},
                                                                          {"\"99999\"", 9001},
                                                                          {"\"abc\"", 9001},
                                                                          {"\"575\"", 9001},
                                                                          {"1500", 1500}}) {
    CAPTURE(text);
    CHECK(parse_config(json("{\"mtu\":" + text + "}"))->mtu == mtu);
  }
  CHECK(parse_config(json(R"({"runtimeConfig":{"io.kubernetes.cri.pod-annotations":
      {"k8s.amazonaws.com/nicConfig":"multi-nic-attachment"}}})"))
            ->multi_nic);
}

TEST_CASE("the result has the specification's keys and types") {
  CHECK(json(to_json(pod_a(), "0.4.0")) == json(R"({
    "cniVersion": "0.4.0",
    "interfaces": [
        { "name": "eni5e1c4d6c68c" },
        { "name": "eth0", "mac": "254", "sandbox": "/var/run/netns/cni-1" },
        { "name": "dummy5e1c4d6c68c", "mac": "0", "sandbox": "0" }
    ],
    "ips": [ { "version": "4", "interface": 1, "address": "10.0.0.20/32" } ],
    "dns": {}
})"));
  for (const char* version : {"1.0.0", "1.1.0"}) {
    const auto result = json(to_json(pod_a(), version));
    CHECK_FALSE(result.contains("dns"));
    CHECK_FALSE(result["ips"][0].contains("version"));
    CHECK(result["cniVersion"] == version);
  }
  CHECK(json(to_json(pod_a(), "0.2.0")) ==
        json(R"({"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.20/32"},"dns":{}})"));
  // Go's printing: four spaces, keys sorted from 1.0.0 on, no newline at the end.
  const std::string text = to_json(pod_a(), "1.0.0");
  CHECK(text.starts_with("{\n    \"cniVersion\": \"1.0.0\",\n    \"interfaces\": [\n"));
  CHECK(text.ends_with("}"));
  CHECK(text.find("\"mac\": \"254\",\n            \"name\": \"eth0\"") != std::string::npos);
}

TEST_CASE("a result that comes back can be read") {
  base::Json config = json(kConfig);
  config["prevResult"] = json(to_json(pod_a(), "1.0.0"));
  const auto prev = parse_prev_result(config, "1.0.0");
  REQUIRE(prev);
  REQUIRE(prev->has_value());
  const auto at = find_interface(**prev, "eth0");
  REQUIRE(at);
  CHECK((*prev)->interfaces[*at].mac == "254");
  CHECK((*prev)->ips[0].address == ip("10.0.0.20"));
  CHECK((*prev)->ips[0].interface == 1);

  CHECK_FALSE(*parse_prev_result(json("{}"), "1.0.0"));
  CHECK_FALSE(*parse_prev_result(json(R"({"prevResult":{"ip4":{"ip":"1.2.3.4/32"}}})"), "0.2.0"));
}

TEST_CASE("a broken prevResult is an error, not a crash") {
  for (const char* text :
       {R"({"prevResult":[]})", R"({"prevResult":{"interfaces":{}}})",
        R"({"prevResult":{"interfaces":[1]}})", R"({"prevResult":{"ips":[{"address":"x"}]}})",
        R"({"prevResult":{"ips":[{"address":"1.2.3.4/32","interface":7}]}})"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_prev_result(json(text), "1.0.0"));
  }
}

TEST_CASE("the error object") {
  CHECK(to_json(Failure{Code::internal, "add cmd: x"}) ==
        "{\n    \"code\": 999,\n    \"msg\": \"add cmd: x\"\n}");
  CHECK(json(to_json(Failure{Code::invalid_environment, "m", "d"}))["details"] == "d");
}

}  // namespace
TEST_CASE("GC's valid attachments are read whole or not at all") {
  const auto parse = [](std::string_view text) {
    return parse_valid_attachments(*base::parse_json(text));
  };
  CHECK(parse(R"({"cni.dev/valid-attachments": []})")->empty());
  const auto two = parse(R"({"cni.dev/valid-attachments": [
      {"containerID": "a", "ifname": "eth0"}, {"containerID": "b", "ifname": "eth0", "x": 1}]})");
  REQUIRE(two);
  CHECK(two->contains({"b", "eth0"}));
  for (const auto* bad :
       {"{}", R"({"cni.dev/valid-attachments": null})", R"({"cni.dev/valid-attachments": {}})",
        R"({"cni.dev/valid-attachments": [{"containerID": "a"}]})",
        R"({"cni.dev/valid-attachments": [{"containerID": 1, "ifname": "eth0"}]})",
        R"({"cni.dev/valid-attachments": [{"containerID": "a", "ifname": "eth0"}, "b"]})"}) {
    CHECK(parse(bad).error().code == Errc::invalid_argument);
  }
}

}  // namespace vpccni::cni
