#include "ipam/checkpoint.h"

#include <catch2/catch.hpp>

#include "ipam/checkpoint_files.h"

namespace vpccni::ipam {

namespace {

// Spec agent.md 3.6, written compactly as upstream does.
constexpr auto kExample =
    R"({"version":"vpc-cni-ipam/1","allocations":[{"networkName":"aws-cni","containerID":"c1",)"
    R"("ifName":"eth0","ipv4":"10.0.1.7","allocationTimestamp":1700000000000000000,)"
    R"("metadata":{"k8sPodNamespace":"default","k8sPodName":"web-0","interfacesCount":1}}]})"
    "\n";

}  // namespace

TEST_CASE("upstream's example is read, and written back byte for byte") {
  const auto parsed = parse_checkpoint(kExample);
  REQUIRE(parsed);
  REQUIRE(parsed->size() == 1);
  const auto& one = parsed->front();
  CHECK(one.key == PodKey{"aws-cni", "c1", "eth0"});
  CHECK(one.pod == PodInfo{"default", "web-0", 1});
  CHECK(to_string(one.address) == "10.0.1.7");
  CHECK(format_checkpoint(*parsed) == kExample);
}

namespace {

base::WallTime at_nanosecond(std::int64_t ns) {
  return base::WallTime(base::Duration(ns));
}

constexpr std::string_view kHead = R"({"version":"vpc-cni-ipam/1","allocations":[)";

/// What upstream wrote for each kind of entry, and the value it stands for.
struct Entry {
  const char* bytes;
  Assignment value;
};

std::vector<Entry> entries() {
  return {
      {R"({"networkName":"aws-cni","containerID":"9a8b","ifName":"eth0","ipv4":"10.0.255.0",)"
       R"("allocationTimestamp":1700000000123456789,)"
       R"("metadata":{"k8sPodNamespace":"kube-system","k8sPodName":"coredns-5d78c9869d-abcde",)"
       R"("interfacesCount":1}})",
       {{"aws-cni", "9a8b", "eth0"},
        {"kube-system", "coredns-5d78c9869d-abcde", 1},
        *net::Ip::parse("10.0.255.0"),
        at_nanosecond(1700000000123456789)}},
      // Migrated from before checkpoints: the placeholder key, and nothing known of the pod.
      {R"({"networkName":"_migrated-from-cri","containerID":"c2","ifName":"unknown",)"
       R"("ipv4":"10.0.0.1","allocationTimestamp":1600000000000000000,"metadata":{}})",
       {{"_migrated-from-cri", "c2", "unknown"},
        {},
        *net::Ip::parse("10.0.0.1"),
        at_nanosecond(1600000000000000000)}},
      // 1.19 and older counted no interfaces.
      {R"({"networkName":"aws-cni","containerID":"c3","ifName":"eth0","ipv4":"10.0.0.2",)"
       R"("allocationTimestamp":1700000000000000001,)"
       R"("metadata":{"k8sPodNamespace":"default","k8sPodName":"web-0"}})",
       {{"aws-cni", "c3", "eth0"},
        {"default", "web-0", 0},
        *net::Ip::parse("10.0.0.2"),
        at_nanosecond(1700000000000000001)}},
      {R"({"networkName":"aws-cni","containerID":"c4","ifName":"eth0",)"
       R"("ipv6":"2600:1f14:abc:1::","allocationTimestamp":4102444799999999999,)"
       R"("metadata":{"k8sPodNamespace":"default","k8sPodName":"web-1","interfacesCount":2}})",
       {{"aws-cni", "c4", "eth0"},
        {"default", "web-1", 2},
        *net::Ip::parse("2600:1f14:abc:1::"),
        at_nanosecond(4102444799999999999)}},
      // Names are Kubernetes's, but a network's name is the operator's.
      {R"({"networkName":"n\u00e4tz \"1\" \\ \u0001","containerID":"c5","ifName":"eth0",)"
       R"("ipv4":"10.0.0.3","allocationTimestamp":0,"metadata":{"k8sPodName":"p"}})",
       {{"n\xc3\xa4tz \"1\" \\ \x01", "c5", "eth0"},
        {"", "p", 0},
        *net::Ip::parse("10.0.0.3"),
        {}}},
  };
}

}  // namespace

TEST_CASE("every kind of entry is read as what it says") {
  for (const auto& entry : entries()) {
    INFO(entry.bytes);
    const auto parsed = parse_checkpoint(std::string(kHead) + entry.bytes + "]}\n");
    REQUIRE(parsed);
    CHECK(*parsed == std::vector{entry.value});
  }
}

TEST_CASE("every kind of entry is written as upstream does, byte for byte") {
  std::string all(kHead);
  std::vector<Assignment> values;
  for (const auto& entry : entries()) {
    std::string bytes = entry.bytes;
    // A letter beyond ASCII may be written either way; Go writes the letter itself.
    if (const auto at = bytes.find("\\u00e4"); at != std::string::npos) {
      bytes.replace(at, 6, "\xc3\xa4");
    }
    CHECK(format_checkpoint({entry.value}) == std::string(kHead) + bytes + "]}\n");
    all += (values.empty() ? "" : ",") + bytes;
    values.push_back(entry.value);
  }
  CHECK(format_checkpoint(values) == all + "]}\n");
  CHECK(*parse_checkpoint(all + "]}\n") == values);
}

TEST_CASE("the form for people is read too: blanks and line ends between everything") {
  const auto parsed = parse_checkpoint(
      "{ \"version\" : \"vpc-cni-ipam/1\" ,\r\n\t\"allocations\" : [\n { \"networkName\": "
      "\"aws-cni\","
      "\n \"containerID\": \"c\", \"ifName\": \"eth0\",\n \"ipv4\": \"10.0.1.7\",\n"
      " \"allocationTimestamp\": 1700000000000000000,\n \"metadata\": { } } ] }\n\n");
  REQUIRE(parsed);
  CHECK(parsed->size() == 1);
}

TEST_CASE("members in any order and letter case; absent texts are empty") {
  const auto parsed = parse_checkpoint(
      R"({"allocations":[{"METADATA":{"K8SPODNAME":"p","interfacescount":2,"new":[]},"IPV6":"::1",)"
      R"("more":{"x":1},"containerid":"c"}],"version":"vpc-cni-ipam/1"})");
  REQUIRE(parsed);
  const Assignment wanted{{"", "c", ""}, {"", "p", 2}, *net::Ip::parse("::1"), {}};
  CHECK(*parsed == std::vector{wanted});
}

TEST_CASE("members of another type are refused, each with its entry's number") {
  for (const auto* member :
       {R"("networkName":1)", R"("containerID":[])", R"("ifName":{})", R"("ipv4":7)",
        R"("ipv4":"","ipv6":true)", R"("allocationTimestamp":"1")", R"("allocationTimestamp":1.5)",
        R"("metadata":[])", R"("metadata":{"k8sPodName":1})",
        R"("metadata":{"interfacesCount":"1"})", R"("metadata":{"interfacesCount":-1})",
        R"("ipv4":"10.0.0.256")", R"("ipv4":"10.0.0.1/32")", R"("ipv4":"")"}) {
    INFO(member);
    const std::string good = R"({"ipv4":"10.0.0.1"})";
    const std::string odd = std::string("{") +
                            (std::string(member).find("ipv4") == 1 ? "" : R"("ipv4":"10.0.0.2",)") +
                            member + "}";
    const auto parsed = parse_checkpoint(std::string(kHead) + good + "," + odd + "]}");
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Errc::corrupt);
    CHECK(parsed.error().message.find("allocation 1") != std::string::npos);
  }
}

TEST_CASE("an empty pool, absent metadata members, IPv6") {
  CHECK(format_checkpoint({}) == "{\"version\":\"vpc-cni-ipam/1\",\"allocations\":[]}\n");
  const Assignment bare{{"n", "c", "i"}, {}, *net::Ip::parse("2001:db8::1"), {}};
  const auto text = format_checkpoint({bare});
  CHECK(text.find(R"("ipv6":"2001:db8::1")") != std::string::npos);
  CHECK(text.find(R"("metadata":{}})") != std::string::npos);
  CHECK(*parse_checkpoint(text) == std::vector{bare});
}

TEST_CASE("as lenient as upstream: letter case, unknown members, null, bytes behind") {
  CHECK(parse_checkpoint(R"({"VERSION":"vpc-cni-ipam/1","Allocations":null,"x":1} junk)")->empty());
  CHECK(parse_checkpoint(R"({"version":"vpc-cni-ipam/1"})")->empty());
}

TEST_CASE("what cannot be used says why") {
  struct Row {
    const char* bytes;
    Errc code;
    const char* says;
  };
  const Row rows[] = {
      {"", Errc::corrupt, "empty"},
      {"{", Errc::corrupt, "JSON"},
      {"[]", Errc::corrupt, "version"},
      {R"({"version":1})", Errc::corrupt, "version"},
      {R"({"version":"vpc-cni-ipam/2","allocations":[]})", Errc::unsupported, "vpc-cni-ipam/2"},
      {R"({"version":"vpc-cni-ipam/1","allocations":{}})", Errc::corrupt, "array"},
      {R"({"version":"vpc-cni-ipam/1","allocations":[{"ipv4":"10.0.0"}]})", Errc::corrupt,
       "allocation 0"},
      {R"({"version":"vpc-cni-ipam/1","allocations":[7]})", Errc::corrupt, "allocation 0"}};
  for (const Row& row : rows) {
    const auto parsed = parse_checkpoint(row.bytes);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == row.code);
    CHECK(parsed.error().message.find(row.says) != std::string::npos);
  }
}

TEST_CASE("every prefix of a checkpoint is either refused or the whole") {
  const std::string whole = kExample;
  for (std::size_t n = 0; n + 2 < whole.size(); ++n) {
    CHECK_FALSE(parse_checkpoint(std::string_view(whole).substr(0, n)));
  }
}

TEST_CASE("times that cannot be are moved to where intervals can be computed") {
  const auto kFirst = base::WallTime{};
  const auto kLast = base::WallTime(std::chrono::seconds(4102444800));  // 2100
  const std::pair<const char*, base::WallTime> rows[] = {
      {"-6795364578871345152", kFirst},  // Go's zero time
      {"-9223372036854775808", kFirst},
      {"9223372036854775807", kLast},
      {"1700000000000000000", base::WallTime(std::chrono::seconds(1700000000))}};
  for (const auto& [text, at] : rows) {
    INFO(text);
    const auto one = parse_checkpoint(
        R"({"version":"vpc-cni-ipam/1","allocations":[{"ipv4":"10.0.0.7","allocationTimestamp":)" +
        std::string(text) + "}]}");
    REQUIRE(one);
    CHECK(one->front().since == at);
    const auto cooling =
        parse_recent(R"({"released":{"10.0.0.7":)" + std::string(text) + "}}").cooling;
    REQUIRE(cooling.size() == 1);
    CHECK(cooling.front().second == at);
  }
}

TEST_CASE("what happened a moment ago survives; garbage does not harm") {
  const base::WallTime at(std::chrono::seconds(5));
  const Recent recent{
      {{*net::Ip::parse("10.0.0.9"), at}},
      {{*net::Cidr::parse("10.0.0.8/32"), at}, {*net::Cidr::parse("10.0.1.16/28"), at}},
      {{net::EniId("eni-0a"), at}}};
  const auto again = parse_recent(format_recent(recent));
  CHECK(again.cooling == recent.cooling);
  CHECK(again.unassigned == recent.unassigned);
  CHECK(again.leaving == recent.leaving);
  CHECK(
      parse_recent("{\"released\":{\"x\":1,\"10.0.0.1\":\"y\"},\"unassigned\":7}").cooling.empty());
  CHECK(parse_recent("\xff").unassigned.empty());
}

TEST_CASE("each network card has its own files, under upstream's names") {
  const CheckpointFiles files{"/run/ipam.json"};
  CHECK(files.of_card(net::NetworkCard(0)).path == "/run/ipam.json");
  const auto second = files.of_card(net::NetworkCard(12));
  CHECK(second.path == "/run/ipam-nic-12.json");
  CHECK(second.recent() == "/run/ipam-nic-12-recent.json");
  CHECK(CheckpointFiles{"/run/pods"}.of_card(net::NetworkCard(1)).path == "/run/pods-nic-1.json");
  CHECK(files.card_of("/run/ipam.json") == net::NetworkCard(0));
  CHECK(files.card_of(second.path) == net::NetworkCard(12));
  for (const auto* other :
       {"/run/ipam-nic-12-recent.json", "/run/ipam-nic-.json", "/run/ipam-nic-",
        "/run/ipam-nic-x.json", "/run/pods-nic-1.json", "/run/ipam.json.prev",
        "/run/ipam-nic-0.json", "/run/ipam-nic-012.json", "/run/ipam-nic--1.json"}) {
    CAPTURE(other);
    CHECK_FALSE(files.card_of(other));
  }
}

}  // namespace vpccni::ipam
