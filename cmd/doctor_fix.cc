#include "cmd/doctor_fix.h"

#include <algorithm>
#include <filesystem>

#include "base/files.h"
#include "linux/sysctls.h"

namespace vpccni::cmd {

namespace {

constexpr unsigned kReadable = 0644;

Result<> carry_out(const sre::SetParameter& cure) {
  return linux::set_sysctl(cure.path, cure.value);
}

Result<> carry_out(const sre::WriteFile& cure) {
  VPCCNI_CHECK(base::make_directories(std::filesystem::path(cure.path).parent_path().string()));
  return base::write_file_durably(cure.path, cure.text, kReadable);
}

Result<> carry_out(const sre::PutBack& cure) {
  return podnet::repair(cure.fault);
}

}  // namespace

std::optional<DoctorCall> parse_doctor(const std::vector<std::string>& args) {
  DoctorCall call;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const auto& word = args[i];
    const auto rules = sre::doctor_rules();
    if (word == "--json") {
      call.json = true;
    } else if (word == "--list") {
      call.list = true;
    } else if (word == "--iam") {
      call.iam = true;
    } else if (word == "--fix") {
      call.fix = true;
    } else if (word == "--dry-run") {
      call.dry_run = true;
    } else if (word == "--node-root" && i + 1 < args.size()) {
      call.node_root = args[++i];
    } else if (call.fix && std::any_of(rules.begin(), rules.end(),
                                       [&](const auto& rule) { return rule.id == word; })) {
      call.rules.insert(word);
    } else {
      return std::nullopt;
    }
  }
  const bool one_thing =
      static_cast<int>(call.json) + static_cast<int>(call.list) + static_cast<int>(call.fix) <= 1;
  return one_thing && (call.fix || !call.dry_run) ? std::optional(call) : std::nullopt;
}

int mend(const Invocation& invocation, const DoctorCall& call, const sre::NodeView& view,
         const std::vector<sre::Finding>& findings) {
  std::set<std::string> done;
  bool failed = false;
  for (const auto& finding : findings) {
    const std::string id(finding.rule->id);
    if (!call.rules.empty() && !call.rules.contains(id)) {
      continue;
    }
    const auto cures =
        finding.rule->cure == nullptr ? std::vector<sre::Cure>() : finding.rule->cure(view);
    if (cures.empty()) {
      failed = failed || call.rules.contains(id);
      invocation.out << id << "  not by this command: " << finding.rule->fix << "\n";
    }
    for (const auto& cure : cures) {
      const auto text = to_string(cure);
      if (!done.insert(text).second) {
        continue;
      }
      const auto outcome = call.dry_run
                               ? Result<>()
                               : std::visit([](const auto& one) { return carry_out(one); }, cure);
      failed = failed || !outcome;
      invocation.out << id << "  "
                     << (call.dry_run ? "would "
                         : outcome    ? ""
                                      : "FAILED ")
                     << text << (outcome ? "" : ": " + outcome.error().message) << "\n";
    }
  }
  if (findings.empty()) {
    invocation.out << "nothing to mend\n";
  }
  return failed ? kFailed : kDone;
}

}  // namespace vpccni::cmd
