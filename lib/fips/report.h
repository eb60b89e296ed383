#pragma once
// What a run of the checks found, and how it is judged and shown. Pure values; ids and JSON keys
// are stable, details are for people.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace vpccni::fips {

enum class Severity { required, warning, information };

/// What one check saw. `weak`: bad, but tolerated unless strict. `unavailable`: it could not be
/// carried out, which is no pass. `not_applicable`: it is not about this provider or this call.
enum class Finding { good, bad, weak, unavailable, not_applicable };

struct Outcome {
  Finding finding = Finding::bad;
  std::string detail;
};

enum class Status { pass, fail, warn, skip };

struct Entry {
  std::string id;
  Severity severity = Severity::required;
  Status status = Status::fail;
  std::string detail;
  double milliseconds = 0;
};

/// Severity and strictness turn a finding into a status. A required check that is unavailable
/// fails.
Status judge(Finding finding, Severity severity, bool strict);

/// A provider as it describes itself; `module` is the file its code was loaded from.
struct Provider {
  std::string config_name;
  std::string name;
  std::string version;
  std::string build_info;
  int status = 0;
  std::string module;
  std::string module_sha256;
};

enum class Kind { none, openssl, wolf };
std::string_view to_string(Kind kind);

/// By the exact name: "wolfSSL Provider" is what a build without FIPS calls itself.
Kind kind_of(const Provider& provider);

struct SelfTestEvent {
  std::string phase;  // "Start", "Pass", "Fail", "Corrupt"
  std::string type;
  std::string description;
};

struct Curl {
  std::string version;
  std::string ssl;
  std::string library;
};

struct Report {
  Kind kind = Kind::none;
  Provider provider;  // of that kind; empty when there is none
  std::string certificate;
  std::string openssl_runtime;
  std::string openssl_headers;
  std::string libcrypto;
  std::string libssl;
  std::string config;
  bool default_properties_fips = false;
  Curl curl;
  std::optional<int> kernel_fips;  // nullopt: the kernel has no such switch
  std::vector<std::string> loaded_crypto;
  int self_tests_passed = 0;
  int self_tests_failed = 0;
  std::vector<SelfTestEvent> self_test_events;  // when that check alone was asked for
  std::vector<Entry> entries;

  int count(Status status) const;
  /// No failure; and something was checked.
  bool passed() const;
};

/// One line per check, then a summary. `quiet`: only what did not pass, and the last line.
std::string to_text(const Report& report, bool quiet);
base::OrderedJson to_json(const Report& report);

}  // namespace vpccni::fips
