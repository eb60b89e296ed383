#include "fips/report.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace vpccni::fips {

namespace {

std::string_view word(Status status) {
  constexpr std::array<std::string_view, 4> kWords = {"ok", "FAIL", "warn", "skip"};
  return kWords.at(static_cast<std::size_t>(status));
}

std::string_view json_word(Status status) {
  constexpr std::array<std::string_view, 4> kWords = {"pass", "fail", "warn", "skip"};
  return kWords.at(static_cast<std::size_t>(status));
}

std::string_view json_word(Severity severity) {
  constexpr std::array<std::string_view, 3> kWords = {"required", "warning", "information"};
  return kWords.at(static_cast<std::size_t>(severity));
}

base::OrderedJson text_or_null(const std::string& text) {
  return text.empty() ? base::OrderedJson(nullptr) : base::OrderedJson(text);
}

double total(const Report& report) {
  double sum = 0;
  for (const auto& entry : report.entries) {
    sum += entry.milliseconds;
  }
  return sum;
}

std::string_view result(const Report& report) {
  return !report.passed() ? "fail" : report.count(Status::warn) > 0 ? "warn" : "pass";
}

}  // namespace

Status judge(Finding finding, Severity severity, bool strict) {
  switch (finding) {
    case Finding::good:
      return Status::pass;
    case Finding::not_applicable:
      return Status::skip;
    case Finding::weak:
      severity = Severity::warning;
      break;
    case Finding::bad:
    case Finding::unavailable:
      break;
  }
  switch (severity) {
    case Severity::required:
      return Status::fail;
    case Severity::warning:
      return strict ? Status::fail : Status::warn;
    case Severity::information:
      return strict ? Status::warn : Status::pass;
  }
  return Status::fail;
}

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::openssl:
      return "openssl-fips";
    case Kind::wolf:
      return "wolfprovider";
    case Kind::none:
      break;
  }
  return "none";
}

Kind kind_of(const Provider& provider) {
  if (provider.name == "OpenSSL FIPS Provider") {
    return Kind::openssl;
  }
  return provider.name == "wolfSSL Provider FIPS" ? Kind::wolf : Kind::none;
}

int Report::count(Status status) const {
  return static_cast<int>(std::count_if(
      entries.begin(), entries.end(), [&](const Entry& entry) { return entry.status == status; }));
}

bool Report::passed() const {
  return count(Status::fail) == 0 && count(Status::pass) > 0;
}

std::string to_text(const Report& report, bool quiet) {
  std::string out;
  for (const auto& entry : report.entries) {
    if (quiet && (entry.status == Status::pass || entry.status == Status::skip)) {
      continue;
    }
    std::string line(word(entry.status));
    line.resize(6, ' ');
    line += entry.id;
    line.resize(std::max<std::size_t>(line.size() + 1, 26), ' ');
    out += line + entry.detail + "\n";
  }
  std::array<char, 32> ms{};
  std::snprintf(ms.data(), ms.size(), "%.1f ms", total(report));
  out += std::string(result(report)) + ": " +
         (report.kind == Kind::none ? "no FIPS provider"
                                    : report.provider.name + " " + report.provider.version) +
         (report.certificate.empty() ? "" : ", " + report.certificate) + ", " +
         std::to_string(report.count(Status::pass)) + " ok, " +
         std::to_string(report.count(Status::fail)) + " failed, " +
         std::to_string(report.count(Status::warn)) + " warnings, " +
         std::to_string(report.count(Status::skip)) + " skipped, " + ms.data() + "\n";
  return out;
}

base::OrderedJson to_json(const Report& report) {
  base::OrderedJson out;
  out["schema"] = "vpccni.fips-check/1";
  out["result"] = result(report);
  out["provider"] = {{"kind", to_string(report.kind)},
                     {"configName", text_or_null(report.provider.config_name)},
                     {"name", text_or_null(report.provider.name)},
                     {"version", text_or_null(report.provider.version)},
                     {"buildInfo", text_or_null(report.provider.build_info)},
                     {"status", report.provider.status},
                     {"module", text_or_null(report.provider.module)},
                     {"moduleSha256", text_or_null(report.provider.module_sha256)},
                     {"certificate", text_or_null(report.certificate)}};
  out["openssl"] = {{"runtime", report.openssl_runtime},
                    {"headers", report.openssl_headers},
                    {"libcrypto", text_or_null(report.libcrypto)},
                    {"libssl", text_or_null(report.libssl)},
                    {"config", text_or_null(report.config)}};
  out["curl"] = {{"version", text_or_null(report.curl.version)},
                 {"ssl", text_or_null(report.curl.ssl)},
                 {"library", text_or_null(report.curl.library)}};
  out["defaultPropertiesFips"] = report.default_properties_fips;
  out["kernelFips"] =
      report.kernel_fips ? base::OrderedJson(*report.kernel_fips) : base::OrderedJson(nullptr);
  out["loadedCrypto"] = report.loaded_crypto;
  out["selfTest"] = {{"pass", report.self_tests_passed}, {"fail", report.self_tests_failed}};
  for (const auto& event : report.self_test_events) {
    out["selfTest"]["events"].push_back(
        {{"phase", event.phase}, {"type", event.type}, {"desc", event.description}});
  }
  out["checks"] = base::OrderedJson::array();
  for (const auto& entry : report.entries) {
    out["checks"].push_back({{"id", entry.id},
                             {"severity", json_word(entry.severity)},
                             {"status", json_word(entry.status)},
                             {"detail", entry.detail},
                             {"ms", entry.milliseconds}});
  }
  out["summary"] = {{"pass", report.count(Status::pass)},
                    {"fail", report.count(Status::fail)},
                    {"warn", report.count(Status::warn)},
                    {"skip", report.count(Status::skip)},
                    {"ms", total(report)}};
  return out;
}

}  // namespace vpccni::fips
