// The rate of EC2 calls: buckets, pauses with decorrelated jitter, bounded waits.
#include "aws/paced_ec2.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "aws/test_ec2.h"

namespace vpccni::aws {
namespace {

using metrics::Metric;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::kEni;

struct Site {
  explicit Site(PacedOptions options = {}) : ec2(inner, clock, with(std::move(options))) {
    inner.took = {};
  }
  PacedOptions with(PacedOptions options) {
    options.chance = [this] { return chance; };
    options.metrics = &registry;
    return options;
  }
  base::Duration elapsed() const { return clock.now().steady - base::SteadyTime{}; }
  double shown(std::string_view which) const {
    return registry.value<Metric::vpccni_ec2_backoff_seconds>({which}).value_or(-1);
  }
  void throttle(bool on) {
    inner.failure =
        on ? std::optional(Error{Errc::throttled, "slow", "RequestLimitExceeded"}) : std::nullopt;
  }

  double chance = 0;
  test::FakeClock clock;
  test::FakeEc2 inner{clock};
  metrics::Registry registry;
  PacedEc2 ec2;
};

TEST_CASE("paced ec2: a burst goes at once, then the bucket's refill counts, by class") {
  Site site;
  for (int i = 0; i < 50; ++i) {
    REQUIRE(site.ec2.remove(kEni));
  }
  CHECK(site.elapsed() == base::Duration{});
  for (int i = 0; i < 10; ++i) {
    REQUIRE(site.ec2.remove(kEni));
  }
  CHECK(site.elapsed() >= seconds(2) - milliseconds(1));  // 10 at 5/s
  CHECK(site.elapsed() <= seconds(2) + milliseconds(1));
  const auto before = site.elapsed();
  for (int i = 0; i < 100; ++i) {
    REQUIRE(site.ec2.network_interfaces({}));  // another class, its bucket is full
  }
  CHECK(site.elapsed() == before);
  REQUIRE(site.ec2.network_interfaces({}));
  CHECK(site.elapsed() > before);
  site.clock.wait_for(std::chrono::hours(1), {});
  const auto rested = site.elapsed();
  for (int i = 0; i < 50; ++i) {
    REQUIRE(site.ec2.remove(kEni));
  }
  CHECK(site.elapsed() == rested);  // full again, and no fuller
  REQUIRE(site.ec2.remove(kEni));
  CHECK(site.elapsed() > rested);
}

TEST_CASE("paced ec2: pauses grow by chance between the shortest and three times the last") {
  Pace pace({.shortest = seconds(1), .longest = seconds(120)});
  const base::SteadyTime start{};
  pace.throttled(start, 0);
  CHECK(pace.pause() == seconds(1));
  pace.throttled(start, 0.5);
  CHECK(pace.pause() == seconds(2));  // half the way from 1 to 3
  pace.throttled(start, 0.5);
  CHECK(pace.pause() == milliseconds(3500));  // half the way from 1 to 6
  pace.throttled(start, 0);
  CHECK(pace.pause() == seconds(1));
  for (int i = 0; i < 20; ++i) {
    pace.throttled(start, 0.999);
  }
  CHECK(pace.pause() == seconds(120));
  pace.answered();
  CHECK(pace.pause() == seconds(0));
  pace.throttled(start, 0.999);
  CHECK(pace.pause() < seconds(3));
}

TEST_CASE("paced ec2: after a throttled answer its class pauses, the other does not") {
  Site site;
  site.chance = 0.5;
  site.throttle(true);
  REQUIRE_FALSE(site.ec2.remove(kEni));  // pauses 2 s
  CHECK(site.shown("mutate") == Approx(2));
  site.throttle(false);
  REQUIRE(site.ec2.network_interfaces({}));
  CHECK(site.elapsed() == base::Duration{});
  REQUIRE(site.ec2.detach(net::AttachmentId("eni-attach-1")));
  CHECK(site.elapsed() == seconds(2));
  CHECK(site.shown("mutate") == 0);
  CHECK(site.shown("describe") == -1);
}

TEST_CASE("paced ec2: who would wait too long is refused without a call, until the pause ends") {
  Site site;
  site.chance = 0.99;
  site.throttle(true);
  int sent = 0;
  for (; site.inner.calls == sent; ++sent) {
    REQUIRE_FALSE(site.ec2.remove(kEni));
    REQUIRE(sent < 10);
  }
  const auto refused = site.ec2.remove(kEni);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::throttled);
  CHECK(refused.error().message.find("mutate") != std::string::npos);
  CHECK(site.inner.calls == sent - 1);
  site.throttle(false);
  site.clock.wait_for(seconds(120), {});
  CHECK(site.ec2.remove(kEni));
}

TEST_CASE("paced ec2: no answer says nothing about the rate, a refusal ends the pauses") {
  Site site;
  site.throttle(true);
  REQUIRE_FALSE(site.ec2.remove(kEni));
  for (const Errc silent : {Errc::unavailable, Errc::timeout}) {
    site.inner.failure = Error{silent, "no answer"};
    REQUIRE_FALSE(site.ec2.remove(kEni));
    CHECK(site.shown("mutate") == 1);
  }
  site.inner.failure = Error{Errc::denied, "no", "UnauthorizedOperation"};
  REQUIRE_FALSE(site.ec2.remove(kEni));
  CHECK(site.shown("mutate") == 0);
}

TEST_CASE("paced ec2: stop ends a wait and nothing is sent") {
  std::stop_source stop;
  PacedOptions options;
  options.stop = stop.get_token();
  Site site(std::move(options));
  site.throttle(true);
  REQUIRE_FALSE(site.ec2.remove(kEni));
  stop.request_stop();
  const auto result = site.ec2.remove(kEni);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Errc::unavailable);
  CHECK(site.inner.calls == 1);
}

TEST_CASE("paced ec2: every verb goes through, and in its class") {
  for (const auto& verb : test::verbs()) {
    INFO(verb.fn);
    Site site;
    CHECK(verb.call(site.ec2));
    CHECK(site.inner.calls == 1);
    site.throttle(true);
    CHECK_FALSE(verb.call(site.ec2));
    CHECK(site.shown(verb.fn.starts_with("Describe") ? "describe" : "mutate") == 1);
    CHECK(site.shown(verb.fn.starts_with("Describe") ? "mutate" : "describe") == -1);
  }
}

}  // namespace
}  // namespace vpccni::aws
