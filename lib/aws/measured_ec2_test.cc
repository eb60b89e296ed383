// What the measuring EC2 counts: names and labels as in spec agent.md 7.2 and aws.md 1.6.
#include "aws/measured_ec2.h"

#include <catch2/catch.hpp>
#include <functional>

namespace vpccni::aws {
namespace {

using metrics::Metric;
using std::chrono::microseconds;

struct FakeClock final : base::Clock {
  base::Instant now() const override { return now_; }
  bool wait_until(base::SteadyTime until, std::stop_token) const override {
    now_ = now_ + (until - now_.steady);
    return true;
  }
  mutable base::Instant now_{};
};

/// Every verb takes 1234.9 ms and ends with `failure`, if there is one.
struct FakeEc2 final : Ec2 {
  explicit FakeEc2(const FakeClock& clock) : clock_(clock) {}

  template <class T>
  Result<T> done() {
    ++calls;
    clock_.wait_for(microseconds(1234900), {});
    if (failure) {
      return *failure;
    }
    if constexpr (std::is_void_v<T>) {
      return {};
    } else {
      return T();
    }
  }
  Result<std::vector<Eni>> network_interfaces(const EniFilter&) override {
    return done<std::vector<Eni>>();
  }
  Result<std::vector<Attachment>> attachments(const net::InstanceId&) override {
    return done<std::vector<Attachment>>();
  }
  Result<std::vector<Subnet>> subnets(const net::VpcId&, const std::string&) override {
    return done<std::vector<Subnet>>();
  }
  Result<InstanceLimits> instance_type(const std::string&) override {
    return done<InstanceLimits>();
  }
  Result<Eni> create(const NewEni&) override { return done<Eni>(); }
  Result<net::AttachmentId> attach(const net::EniId&, const net::InstanceId&, net::NetworkCard,
                                   net::DeviceIndex) override {
    return done<net::AttachmentId>();
  }
  Result<> delete_on_termination(const net::EniId&, const net::AttachmentId&) override {
    return done<void>();
  }
  Result<> set_groups(const net::EniId&, const std::vector<net::SecurityGroupId>&) override {
    return done<void>();
  }
  Result<> detach(const net::AttachmentId&) override { return done<void>(); }
  Result<> remove(const net::EniId&) override { return done<void>(); }
  Result<Added> assign_addresses(const net::EniId&, int) override { return done<Added>(); }
  Result<Added> assign_prefixes(const net::EniId&, int) override { return done<Added>(); }
  Result<Added> assign_ipv6_prefixes(const net::EniId&, int) override { return done<Added>(); }
  Result<> unassign_addresses(const net::EniId&, const std::vector<net::Ip>&) override {
    return done<void>();
  }
  Result<> unassign_prefixes(const net::EniId&, const std::vector<net::Cidr>&) override {
    return done<void>();
  }
  Result<> create_tags(const std::string&, const Tags&) override { return done<void>(); }

  std::optional<Error> failure;
  int calls = 0;

 private:
  const FakeClock& clock_;
};

struct Site {
  FakeClock clock;
  FakeEc2 inner{clock};
  metrics::Registry registry;
  MeasuredEc2 ec2{inner, registry, clock};
};

const net::EniId kEni("eni-1");

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
  struct Row {
    std::string_view fn;
    std::function<bool(Ec2&)> call;
    std::string_view latency = {};  // the api label of the latency, if it differs
  };
  const net::AttachmentId attachment("eni-attach-1");
  const net::InstanceId instance("i-1");
  const Row rows[] = {
      {"DescribeNetworkInterfaces", [](Ec2& e) { return e.network_interfaces({}).has_value(); }},
      {"DescribeInstances", [&](Ec2& e) { return e.attachments(instance).has_value(); }},
      {"DescribeSubnets",
       [](Ec2& e) { return e.subnets(net::VpcId("vpc-1"), "us-west-2a").has_value(); }},
      {"DescribeInstanceTypes", [](Ec2& e) { return e.instance_type("m9x.large").has_value(); }},
      {"CreateNetworkInterface", [](Ec2& e) { return e.create({}).has_value(); }},
      {"AttachNetworkInterface",
       [&](Ec2& e) {
         return e.attach(kEni, instance, net::NetworkCard(0), net::DeviceIndex(1)).has_value();
       }},
      {"ModifyNetworkInterfaceAttribute",
       [&](Ec2& e) { return e.delete_on_termination(kEni, attachment).has_value(); }},
      {"ModifyNetworkInterfaceAttribute",
       [](Ec2& e) { return e.set_groups(kEni, {}).has_value(); }},
      {"DetachNetworkInterface", [&](Ec2& e) { return e.detach(attachment).has_value(); }},
      {"DeleteNetworkInterface", [](Ec2& e) { return e.remove(kEni).has_value(); }},
      {"AssignPrivateIpAddresses", [](Ec2& e) { return e.assign_addresses(kEni, 1).has_value(); }},
      {"AssignPrivateIpAddresses", [](Ec2& e) { return e.assign_prefixes(kEni, 1).has_value(); }},
      {"AssignIpv6Addresses", [](Ec2& e) { return e.assign_ipv6_prefixes(kEni, 1).has_value(); },
       "AssignIpv6AddressesWithContext"},
      {"UnassignPrivateIpAddresses",
       [](Ec2& e) { return e.unassign_addresses(kEni, {}).has_value(); }},
      {"UnassignPrivateIpAddresses",
       [](Ec2& e) { return e.unassign_prefixes(kEni, {}).has_value(); }},
      {"CreateTags", [](Ec2& e) { return e.create_tags("eni-1", {}).has_value(); }}};
  for (const Row& row : rows) {
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
