// What is counted of IMDS, and the labels of EC2's metrics.
#include "aws/measured_imds.h"

#include <catch2/catch.hpp>

#include "aws/ec2_error.h"
#include "aws/measured_ec2.h"

namespace vpccni::aws {
namespace {

using metrics::Metric;

struct FakeClock final : base::Clock {
  base::Instant now() const override { return {}; }
  bool wait_until(base::SteadyTime, std::stop_token) const override { return true; }
};

/// Gives tokens, and of documents none: they are missing (404) or refused.
struct FakeService final : http::Client {
  Result<http::Response> send(const http::Request& request, const std::stop_token&) override {
    if (request.method == "PUT") {
      return http::Response{200, {{"x-aws-ec2-metadata-token-ttl-seconds", "300"}}, "token"};
    }
    return http::Response{status, {}, ""};
  }
  Result<http::Response> stream(const http::Request&, const http::Chunk&,
                                const std::stop_token&) override {
    return Error{Errc::unsupported, "IMDS does not stream"};
  }
  int status = 503;
};

}  // namespace

TEST_CASE("an IMDS document that cannot be read is counted under upstream's name") {
  const FakeClock clock;
  FakeService service;
  metrics::Registry registry;
  MeasuredImds imds(service, clock, {}, registry);
  const auto failures = [&](std::string_view api) {
    return registry.value<Metric::awscni_aws_api_error_count>({api, "IMDSRequestError"});
  };
  CHECK_FALSE(imds.enis());  // asks for the MAC first, and no more
  CHECK(failures("GetMAC") == 1.0);
  CHECK_FALSE(failures("GetMACs"));
  CHECK_FALSE(imds.vpc_ipv4_cidrs(*net::Mac::parse("02:00:00:00:00:01")));
  CHECK(failures("GetVPCIPv4CIDRBlocks") == 1.0);
  CHECK_FALSE(imds.get("meta-data/iam/security-credentials/"));  // has no name upstream

  service.status = 404;  // an empty value is no failure
  CHECK(imds.vpc_ipv6_cidrs(*net::Mac::parse("02:00:00:00:00:01")));
  CHECK_FALSE(failures("GetVPCIPv6CIDRBlocks"));
}

TEST_CASE("names of IMDS documents") {
  const std::string macs = "meta-data/network/interfaces/macs";
  CHECK(imds_call("meta-data/placement/availability-zone") == "GetAZ");
  CHECK(imds_call(macs) == "GetMACs");
  CHECK(imds_call(macs + "/02:00:00:00:00:01") == "GetMACImdsFields");
  CHECK(imds_call(macs + "/02:00:00:00:00:01/ipv4-prefix") == "GetIPv4Prefixes");
  CHECK(imds_call(macs + "/02:00:00:00:00:01/other").empty());
  CHECK(imds_call("dynamic/instance-identity/document").empty());
  CHECK(imds_call("").empty());
}

TEST_CASE("only the API's codes become labels, and no long ones") {
  CHECK(error_label({Errc::denied, "text", "UnauthorizedOperation"}) == "UnauthorizedOperation");
  CHECK(error_label({Errc::timeout, "text", "ECONNREFUSED"}).empty());
  CHECK(error_label({Errc::unavailable, "text", "HTTP 503"}).empty());
  CHECK(error_label({Errc::internal, "Some text"}).empty());
  CHECK(error_label({Errc::internal, "text", std::string(100, 'a')}) == std::string(64, 'a'));
}

TEST_CASE("free addresses of subnets are those that EC2 listed last") {
  metrics::Registry registry;
  const auto subnet = [](const char* id, int free) {
    Subnet one;
    one.id = net::SubnetId(id);
    one.available_addresses = free;
    return one;
  };
  show_free_addresses({subnet("subnet-a", 5), subnet("subnet-b", 7)}, registry);
  show_free_addresses({subnet("subnet-b", 6)}, registry);
  CHECK_FALSE(registry.value<Metric::vpccni_subnet_free_ips>({"subnet-a"}));
  CHECK(registry.value<Metric::vpccni_subnet_free_ips>({"subnet-b"}) == 6.0);
}

}  // namespace vpccni::aws
