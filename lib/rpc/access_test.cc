#include <catch2/catch.hpp>

#include "rpc/health.h"
#include "rpc/test_site.h"
#include "rpc/wire.pb.h"

namespace vpccni::rpc {

namespace {

/// A site with a checked method, and a check that counts how often it was asked.
struct Guarded {
  explicit Guarded(Status verdict) {
    site.on_loop([this, verdict] {
      site.server->handle("/t/Change", [this](std::string_view, const Done& done) {
        ++changes;
        done({}, "changed");
      });
      site.server->check_peers(
          [this, verdict](int fd) {
            ++asked;
            CHECK(fd >= 0);
            return verdict;
          },
          {"/t/Change"});
    });
  }
  int asked = 0;  // these two: loop's thread only
  int changes = 0;
  Site site;
};

}  // namespace

TEST_CASE("a peer that the check refuses cannot call checked methods, and can call the others") {
  Guarded guarded({Code::permission_denied, "not you"});
  for (int i = 0; i < 2; ++i) {
    const auto reply = call(guarded.site.target(), "/t/Change", "x", {});
    REQUIRE(reply);
    CHECK(reply->status.code == Code::permission_denied);
    CHECK(reply->status.message == "not you");
    CHECK(reply->bytes.empty());
  }
  CHECK(call(guarded.site.target(), "/t/Echo", "x", {})->bytes == "x");
  guarded.site.on_loop([&] {
    CHECK(guarded.changes == 0);
    CHECK(guarded.asked == 2);
  });
}

TEST_CASE("the check is asked once per connection, and only for checked methods") {
  Guarded guarded({});
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  auto channel = Channel::open(guarded.site.target(), until);
  REQUIRE(channel);
  CHECK(channel->call("/t/Echo", "x", {})->bytes == "x");
  guarded.site.on_loop([&] { CHECK(guarded.asked == 0); });
  for (int i = 0; i < 5; ++i) {
    CHECK(channel->call("/t/Change", "x", {})->bytes == "changed");
  }
  guarded.site.on_loop([&] {
    CHECK(guarded.asked == 1);
    CHECK(guarded.changes == 5);
  });
}

TEST_CASE("health says what it is told, for the service names that are ours") {
  Site site;
  bool serving = false;  // loop's thread only
  site.on_loop([&] { serve_health(*site.server, [&serving] { return serving; }); });
  const auto ask = [&](const std::string& service) {
    ::rpc::HealthCheckRequest request;
    request.set_service(service);
    return call(site.target(), "/grpc.health.v1.Health/Check", request.SerializeAsString(), {});
  };
  const auto status = [&](const std::string& service) {
    ::rpc::HealthCheckResponse reply;
    REQUIRE(reply.ParseFromString(ask(service)->bytes));
    return reply.status();
  };
  for (const auto* service : {"", "grpc.health.v1.aws-node"}) {
    CHECK(status(service) == ::rpc::HealthCheckResponse::NOT_SERVING);
  }
  CHECK(ask("other")->status.code == Code::not_found);
  site.on_loop([&] { serving = true; });
  CHECK(status("") == ::rpc::HealthCheckResponse::SERVING);
  site.on_loop([&] { site.server.reset(); });
}

}  // namespace vpccni::rpc
