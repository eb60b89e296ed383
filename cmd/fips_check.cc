// `vpccni fips-check`: proves that this process's cryptography is the validated module's.
// Exit 0: all required checks passed; 1: one failed; 2: usage.

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/text.h"
#include "cmd/command.h"
#include "fips/checks.h"

namespace vpccni::cmd {

namespace {

constexpr std::array<std::string_view, 8> kWithValue = {"--cacert",   "--config", "--manifest",
                                                        "--modules",  "--only",   "--profile",
                                                        "--provider", "--url"};

struct Call {
  fips::Options options;
  bool json = false;
  bool quiet = false;
  bool list = false;
  bool explain = false;
};

const fips::Check* find_check(std::string_view id) {
  for (const auto& check : fips::checks()) {
    if (check.id == id) {
      return &check;
    }
  }
  return nullptr;
}

Result<> set_file(const char* variable, const std::string& value) {
  if (value.empty() || value.front() != '/') {
    return Error{Errc::invalid_argument, "an absolute path is needed, not \"" + value + "\""};
  }
  setenv(variable, value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): no other thread yet
  return {};
}

Result<> set_only(std::string_view value, fips::Options& options) {
  for (const auto id : base::split(value, ',')) {
    if (find_check(id) == nullptr) {
      return Error{Errc::invalid_argument, "no check \"" + std::string(id) + "\"; see --list"};
    }
    options.only.emplace_back(id);
  }
  return {};
}

Result<> set_value(std::string_view option, const std::string& value, Call& call) {
  const auto choose = [&](std::string_view a, std::string_view b) {
    return value == a || value == b;
  };
  if (option == "--config") {
    return set_file("OPENSSL_CONF", value);
  }
  if (option == "--modules") {
    return set_file("OPENSSL_MODULES", value);
  }
  if (option == "--only") {
    return set_only(value, call.options);
  }
  if (option == "--manifest") {
    VPCCNI_TRY(call.options.manifest, fips::read_manifest(value));
    return {};
  }
  if (option == "--url" && value.starts_with("https://")) {
    call.options.url = value;
    return {};
  }
  if (option == "--cacert") {
    call.options.ca_file = value;
    return {};
  }
  if (option == "--profile" && choose("quick", "full")) {
    call.options.quick = value == "quick";
    return {};
  }
  if (option == "--provider" && (value == "auto" || choose("openssl", "wolfssl"))) {
    call.options.want = value == "openssl"   ? fips::Want::openssl
                        : value == "wolfssl" ? fips::Want::wolf
                                             : fips::Want::any;
    return {};
  }
  return Error{Errc::invalid_argument, "\"" + value + "\" is no value of " + std::string(option)};
}

Result<Call> parse(const std::vector<std::string>& args) {
  Call call;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const auto& arg = args[i];
    bool* flag = arg == "--json"      ? &call.json
                 : arg == "--quiet"   ? &call.quiet
                 : arg == "--list"    ? &call.list
                 : arg == "--explain" ? &call.explain
                 : arg == "--strict"  ? &call.options.strict
                                      : nullptr;
    if (flag != nullptr) {
      *flag = true;
      continue;
    }
    if (std::find(kWithValue.begin(), kWithValue.end(), arg) == kWithValue.end()) {
      return Error{Errc::invalid_argument, "unknown argument \"" + arg.substr(0, 64) + "\""};
    }
    if (i + 1 == args.size()) {
      return Error{Errc::invalid_argument, arg + " needs a value"};
    }
    VPCCNI_CHECK(set_value(arg, args[++i], call));
  }
  if (!call.options.manifest) {
    VPCCNI_TRY(call.options.manifest, fips::installed_manifest());
  }
  return call;
}

}  // namespace

int run_fips_check(const Invocation& invocation) {
  const auto call = parse(invocation.args);
  if (!call) {
    invocation.err << invocation.program << ": " << call.error().message << "\n";
    return kUsage;
  }
  if (call->list || call->explain) {
    for (const auto& check : fips::checks()) {
      invocation.out << check.id << (call->explain ? ": " + std::string(check.explain) : "")
                     << "\n";
    }
    return kDone;
  }
  const auto report = fips::run(call->options);
  invocation.out << (call->json ? base::dump_json(fips::to_json(report), 2) + "\n"
                                : fips::to_text(report, call->quiet));
  return report.passed() ? kDone : kFailed;
}

}  // namespace vpccni::cmd
