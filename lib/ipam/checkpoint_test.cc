#include "ipam/checkpoint.h"

#include <catch2/catch.hpp>

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

}  // namespace vpccni::ipam
