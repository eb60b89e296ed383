#include "fips/report.h"

#include <catch2/catch.hpp>

namespace vpccni::fips {

TEST_CASE("severity and strictness turn a finding into a status") {
  struct Row {
    Finding finding;
    Severity severity;
    Status plain;
    Status strict;
  };
  const std::vector<Row> rows = {
      {Finding::good, Severity::required, Status::pass, Status::pass},
      {Finding::bad, Severity::required, Status::fail, Status::fail},
      {Finding::unavailable, Severity::required, Status::fail, Status::fail},
      {Finding::weak, Severity::required, Status::warn, Status::fail},
      {Finding::bad, Severity::warning, Status::warn, Status::fail},
      {Finding::bad, Severity::information, Status::pass, Status::warn},
      {Finding::not_applicable, Severity::required, Status::skip, Status::skip},
  };
  for (const auto& row : rows) {
    CHECK(judge(row.finding, row.severity, false) == row.plain);
    CHECK(judge(row.finding, row.severity, true) == row.strict);
  }
}

TEST_CASE("only the exact names are FIPS providers") {
  const auto named = [](const char* name) {
    Provider provider;
    provider.name = name;
    return kind_of(provider);
  };
  CHECK(named("OpenSSL FIPS Provider") == Kind::openssl);
  CHECK(named("wolfSSL Provider FIPS") == Kind::wolf);
  CHECK(named("wolfSSL Provider") == Kind::none);
  CHECK(named("OpenSSL FIPS Provider 2") == Kind::none);
  CHECK(named("OpenSSL Default Provider") == Kind::none);
}

TEST_CASE("a report passes only when something was checked and nothing failed") {
  Report report;
  CHECK_FALSE(report.passed());
  report.entries.push_back({"a.b", Severity::required, Status::pass, "fine", 1});
  CHECK(report.passed());
  CHECK(to_json(report)["result"] == "pass");
  report.entries.push_back({"c.d", Severity::warning, Status::warn, "hm", 1});
  CHECK(to_json(report)["result"] == "warn");
  report.entries.push_back({"e.f", Severity::required, Status::fail, "no", 1});
  CHECK_FALSE(report.passed());
  CHECK(to_json(report)["result"] == "fail");
  CHECK(to_json(report)["summary"]["fail"] == 1);
  const auto quiet = to_text(report, true);
  CHECK(quiet.find("a.b") == std::string::npos);
  CHECK(quiet.find("FAIL  e.f") != std::string::npos);
}

}  // namespace vpccni::fips
