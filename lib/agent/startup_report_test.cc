#include "agent/startup_report.h"

#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "base/files.h"

namespace vpccni::agent {

namespace {

using std::chrono::seconds;

class HandClock final : public base::Clock {
 public:
  base::Instant now() const override { return at; }
  bool wait_until(base::SteadyTime, std::stop_token) const override { return true; }
  void pass(base::Duration d) { at = at + d; }
  base::Instant at{base::SteadyTime(std::chrono::hours(1)),
                   base::WallTime(std::chrono::hours(480000))};
};

struct Site {
  Site() {
    std::string pattern = (std::filesystem::temp_directory_path() / "vpccni-XXXXXX").string();
    directory = ::mkdtemp(pattern.data());
    report.emplace((directory / "ipam.json").string(), clock, out);
  }
  ~Site() { std::filesystem::remove_all(directory); }

  base::StartupFile file() const {
    const auto bytes = base::read_file((directory / "startup.json").string());
    REQUIRE(bytes);
    const auto parsed = base::parse_startup(*bytes);
    REQUIRE(parsed);
    return *parsed;
  }

  std::filesystem::path directory;
  HandClock clock;
  std::ostringstream out;
  std::optional<StartupReport> report;
};

/// A network in which every call takes its time and ends as told.
class SlowClient final : public http::Client {
 public:
  SlowClient(Site& site, base::Duration takes) : site_(site), takes_(takes) {}
  Result<http::Response> send(const http::Request& request, const std::stop_token&) override {
    last = request;
    site_.report->tick();
    during = site_.file();
    const bool late = takes_ > request.timeout;
    site_.clock.pass(late ? request.timeout : takes_);
    if (late) {
      return Error{Errc::timeout, request.url + ": timed out"};
    }
    return http::Response{status, {}, "ok"};
  }
  Result<http::Response> stream(const http::Request&, const http::Chunk&,
                                const std::stop_token&) override {
    return Error{Errc::unsupported, "no stream"};
  }
  int status = 200;
  http::Request last;
  base::StartupFile during;

 private:
  Site& site_;
  base::Duration takes_;
};

http::Request credentials_request() {
  http::Request request;
  request.url = "http://169.254.170.23/v1/credentials?token=hush";
  return request;
}

}  // namespace

TEST_CASE("each step is in the file and on stdout") {
  Site site;
  site.report->begin(1, 3, "read the region");
  auto file = site.file();
  CHECK(file.step == 1);
  CHECK(file.of == 3);
  CHECK(file.name == "read the region");
  CHECK(file.state == "starting");
  CHECK_FALSE(file.since.empty());
  site.clock.pass(seconds(3));
  site.report->tick();
  CHECK(site.file().elapsed_ms == 3000);
  CHECK(site.file().since == file.since);
  site.report->begin(2, 3, "set up ENIs");
  CHECK(site.file().elapsed_ms == 0);
  CHECK(site.out.str().find("1/3 \"read the region\" for 3 s") != std::string::npos);
  CHECK(site.out.str().find("2/3 \"set up ENIs\"") != std::string::npos);
  struct stat status {};
  REQUIRE(::stat((site.directory / "startup.json").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0644);
}

TEST_CASE("ready and failed are the last words") {
  Site site;
  site.report->begin(3, 3, "open the sockets");
  site.clock.pass(seconds(1));
  site.report->ready();
  CHECK(site.file().state == "ready");
  CHECK(site.file().waiting.empty());
  const auto before = site.file();
  site.clock.pass(seconds(100));
  site.report->tick();
  CHECK(site.file() == before);
  site.report->begin(1, 3, "again");
  site.report->failed({Errc::timeout, "no way"});
  CHECK(site.file().state == "failed");
  CHECK(site.file().error == "no way");
  CHECK(site.out.str().find("failed after 0 s: no way") != std::string::npos);
}

TEST_CASE("a call is named while it runs, with the last one's error, and nothing secret") {
  Site site;
  site.report->begin(2, 3, "identify");
  auto slow = std::make_unique<SlowClient>(site, seconds(3600));
  auto* network = slow.get();
  const auto client = reporting_client(std::move(slow), *site.report);
  CHECK_FALSE(client->send(credentials_request()));
  CHECK(network->during.waiting == "GET http://169.254.170.23/v1/credentials");
  CHECK(network->during.error.empty());
  CHECK_FALSE(client->send(credentials_request()));
  CHECK(network->during.error.find("timed out") != std::string::npos);
  CHECK(site.file().waiting == "GET http://169.254.170.23/v1/credentials");
}

TEST_CASE("an answer that refuses is an error too, a missing document is not") {
  Site site;
  site.report->begin(2, 3, "identify");
  auto quick = std::make_unique<SlowClient>(site, seconds(1));
  auto* network = quick.get();
  const auto client = reporting_client(std::move(quick), *site.report);
  for (const int status : {403, 429, 503}) {
    network->status = status;
    CHECK(client->send(credentials_request()));
    CHECK(site.file().error.find("HTTP " + std::to_string(status)) != std::string::npos);
    CHECK_FALSE(site.file().waiting.empty());
  }
  network->status = 404;
  CHECK(client->send(credentials_request()));
  site.report->tick();
  CHECK(site.file().error.empty());
}

TEST_CASE("what is waited for is gone when it came") {
  Site site;
  site.report->begin(2, 3, "identify");
  const auto client =
      reporting_client(std::make_unique<SlowClient>(site, seconds(1)), *site.report);
  CHECK(client->send(credentials_request()));
  site.report->tick();
  CHECK(site.file().waiting.empty());
  CHECK(site.file().error.empty());
}

TEST_CASE("calls of the start have start-up's limits, a step has 60 s of calls, the rest is free") {
  Site site;
  auto slow = std::make_unique<SlowClient>(site, seconds(3600));
  auto* network = slow.get();
  const auto client = reporting_client(std::move(slow), *site.report);
  auto request = credentials_request();
  request.timeout = seconds(30);
  request.connect_timeout = seconds(5);
  site.report->begin(2, 3, "identify");
  for (int i = 0; i < 5; ++i) {
    CHECK_FALSE(client->send(request));
    CHECK(network->last.timeout == seconds(10));
    CHECK(network->last.connect_timeout == seconds(2));
  }
  site.clock.pass(seconds(6));
  CHECK_FALSE(client->send(request));
  CHECK(network->last.timeout == seconds(4));
  network->last = {};
  const auto refused = client->send(request);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::timeout);
  CHECK(network->last.url.empty());  // not sent
  site.report->ready();
  CHECK_FALSE(client->send(request));
  CHECK(network->last.timeout == seconds(30));
  CHECK(network->last.connect_timeout == seconds(5));
}

TEST_CASE("waits of a step end before its time does; those of the next begin anew") {
  Site site;
  const auto first = site.report->begin(1, 2, "set up ENIs");
  site.clock.pass(kWaitLimit - seconds(1));
  site.report->tick();
  CHECK_FALSE(first.stop_requested());
  site.clock.pass(seconds(1));
  site.report->tick();
  CHECK(first.stop_requested());
  CHECK_FALSE(site.report->begin(2, 2, "next").stop_requested());
}

TEST_CASE("a slow step is spoken of, and not too often") {
  Site site;
  site.report->begin(1, 2, "slow");
  const auto lines = [&] {
    const auto text = site.out.str();
    return std::count(text.begin(), text.end(), '\n');
  };
  CHECK(lines() == 1);
  for (int i = 0; i < 30; ++i) {
    site.clock.pass(seconds(1));
    site.report->tick();
  }
  CHECK(lines() == 4);  // at 0, 2, 12 and 22 s
}

TEST_CASE("a directory that is not there stops nothing") {
  HandClock clock;
  std::ostringstream out;
  StartupReport report("/proc/none/ipam.json", clock, out);
  report.begin(1, 1, "x");
  report.ready();
  CHECK(out.str().find("ready since") != std::string::npos);
}

TEST_CASE("EC2 and STS calls are named by their action, their bodies never shown") {
  http::Request request;
  request.method = "POST";
  request.url = "https://sts.eu-west-1.amazonaws.com/";
  request.body = "Action=AssumeRoleWithWebIdentity&WebIdentityToken=hush";
  CHECK(describe(request) == "AssumeRoleWithWebIdentity at https://sts.eu-west-1.amazonaws.com/");
  request.body = "x=hush";
  CHECK(describe(request) == "POST https://sts.eu-west-1.amazonaws.com/");
}

}  // namespace vpccni::agent
