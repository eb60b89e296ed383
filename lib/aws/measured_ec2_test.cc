// What the measuring EC2 counts: names and labels as in spec agent.md 7.2 and aws.md 1.6.
#include "aws/measured_ec2.h"

#include <catch2/catch.hpp>

#include "aws/test_ec2.h"

namespace vpccni::aws {
namespace {

using metrics::Metric;
using test::FakeClock;
using test::FakeEc2;
using test::kEni;

struct Site {
  FakeClock clock;
  FakeEc2 inner{clock};
  metrics::Registry registry;
  MeasuredEc2 ec2{inner, registry, clock};
};

TEST_CASE("measured ec2: a success") {
  Site site;
  REQUIRE(site.ec2.remove(kEni));
  REQUIRE(site.ec2.remove(kEni));
  const auto& registry = site.registry;
  CHECK(registry.value<Metric::awscni_ec2api_req_count>({"DeleteNetworkInterface"}) == 2);
  CHECK_FALSE(registry.value<Metric::awscni_ec2api_error_count>({"DeleteNetworkInterface"}));
  CHECK(registry.observations<Metric::awscni_aws_api_latency_ms>(
            {"DeleteNetworkInterface", "false", "200"}) == 2);
  CHECK(registry.value<Metric::awscni_aws_api_latency_ms>(
            {"DeleteNetworkInterface", "false", "200"}) == 2468);  // milliseconds, truncated
  CHECK(registry.value<Metric::vpccni_ec2_seconds>({"DeleteNetworkInterface", "ok"}) ==
        Approx(2.4698));
  CHECK(site.registry.text().find("awscni_aws_api_error_count{") == std::string::npos);
}

TEST_CASE("measured ec2: a refusal carries the API's code") {
  Site site;
  site.inner.failure = Error{Errc::denied, "no", "UnauthorizedOperation"};
  const auto result = site.ec2.remove(kEni);
  REQUIRE_FALSE(result);
  CHECK(result.error().cause == "UnauthorizedOperation");
  const auto& registry = site.registry;
  CHECK(registry.value<Metric::awscni_ec2api_req_count>({"DeleteNetworkInterface"}) == 1);
  CHECK(registry.value<Metric::awscni_ec2api_error_count>({"DeleteNetworkInterface"}) == 1);
  CHECK(registry.value<Metric::awscni_aws_api_error_count>(
            {"DeleteNetworkInterface", "UnauthorizedOperation"}) == 1);
  CHECK(registry.value<Metric::awscni_aws_api_latency_ms>(
            {"DeleteNetworkInterface", "true", "UnauthorizedOperation"}) == 1234);
  CHECK(registry.observations<Metric::vpccni_ec2_seconds>({"DeleteNetworkInterface", "error"}) ==
        1);
  CHECK_FALSE(registry.value<Metric::vpccni_ec2_throttled_total>({"DeleteNetworkInterface"}));
  const std::string text = site.registry.text();
  INFO(text);
  CHECK(text.find("awscni_aws_api_error_count{api=\"DeleteNetworkInterface\","
                  "error=\"UnauthorizedOperation\"} 1") != std::string::npos);
  CHECK(text.find("awscni_ec2api_error_count{fn=\"DeleteNetworkInterface\"} 1") !=
        std::string::npos);
}

TEST_CASE("measured ec2: a throttle is counted as one") {
  Site site;
  site.inner.failure = Error{Errc::throttled, "slow", "RequestLimitExceeded"};
  REQUIRE_FALSE(site.ec2.create({}));
  CHECK(site.registry.value<Metric::vpccni_ec2_throttled_total>({"CreateNetworkInterface"}) == 1);
}

TEST_CASE("measured ec2: the free addresses of subnets are shown as they come by") {
  Site site;
  Subnet subnet;
  subnet.id = net::SubnetId("subnet-1");
  subnet.available_addresses = 240;
  site.inner.subnets_shown = {subnet};
  const auto listed = site.ec2.subnets(net::VpcId("vpc-1"), "us-west-2a");
  REQUIRE(listed);
  CHECK(listed->size() == 1);
  CHECK(site.registry.value<Metric::vpccni_subnet_free_ips>({"subnet-1"}) == 240);
  site.inner.failure = Error{Errc::unavailable, "no answer"};
  REQUIRE_FALSE(site.ec2.subnets(net::VpcId("vpc-1"), "us-west-2a"));
  CHECK(site.registry.value<Metric::vpccni_subnet_free_ips>({"subnet-1"}) == 240);
}

TEST_CASE("measured ec2: who listens hears of denied and throttled actions, and of no other") {
  FakeClock clock;
  FakeEc2 inner{clock};
  metrics::Registry registry;
  std::vector<std::string> denied;
  std::vector<std::string> throttled;
  MeasuredEc2 ec2{inner,
                  registry,
                  clock,
                  {.denied = [&](std::string_view action) { denied.emplace_back(action); },
                   .throttled = [&](std::string_view action) { throttled.emplace_back(action); }}};
  REQUIRE(ec2.remove(kEni));
  inner.failure = Error{Errc::denied, "no", "UnauthorizedOperation"};
  REQUIRE_FALSE(ec2.detach(net::AttachmentId("eni-attach-1")));  // Q14: upstream's never fires
  REQUIRE_FALSE(ec2.assign_ipv6_prefixes(kEni, 1));
  inner.failure = Error{Errc::denied, "no", "AuthFailure"};  // wrong keys are no missing right
  REQUIRE_FALSE(ec2.remove(kEni));
  inner.failure = Error{Errc::throttled, "slow", "RequestLimitExceeded"};
  REQUIRE_FALSE(ec2.create({}));
  CHECK(denied == std::vector<std::string>{"DetachNetworkInterface", "AssignIpv6Addresses"});
  CHECK(throttled == std::vector<std::string>{"CreateNetworkInterface"});
}

TEST_CASE("measured ec2: an error without the API's code has an empty status") {
  for (const char* cause : {"", "ECONNREFUSED", "ETIMEDOUT", "HTTP 503"}) {
    INFO(cause);
    Site site;
    site.inner.failure = Error{Errc::unavailable, "no answer", cause};
    REQUIRE_FALSE(site.ec2.remove(kEni));
    const auto& registry = site.registry;
    CHECK(registry.value<Metric::awscni_ec2api_error_count>({"DeleteNetworkInterface"}) == 1);
    CHECK(registry.observations<Metric::awscni_aws_api_latency_ms>(
              {"DeleteNetworkInterface", "true", ""}) == 1);
    CHECK(site.registry.text().find("awscni_aws_api_error_count{") == std::string::npos);
  }
}

TEST_CASE("measured ec2: every verb has its action's name") {
  for (const auto& row : test::verbs()) {
    INFO(row.fn);
    Site site;
    CHECK(row.call(site.ec2));
    CHECK(site.inner.calls == 1);
    CHECK(site.registry.value<Metric::awscni_ec2api_req_count>({row.fn}) == 1);
    CHECK(site.registry.observations<Metric::awscni_aws_api_latency_ms>(
              {row.latency.empty() ? row.fn : row.latency, "false", "200"}) == 1);
    CHECK(site.registry.observations<Metric::vpccni_ec2_seconds>({row.fn, "ok"}) == 1);
  }
}

}  // namespace
}  // namespace vpccni::aws
