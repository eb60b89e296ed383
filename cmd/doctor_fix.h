#pragma once
// vpccni doctor --fix.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cmd/command.h"
#include "sre/doctor.h"

namespace vpccni::cmd {

struct DoctorCall {
  bool json = false;
  bool list = false;
  bool fix = false;
  bool dry_run = false;
  bool iam = false;
  std::set<std::string> rules;  // of --fix; empty: all
  std::string node_root;
};
/// nullopt: no such call.
std::optional<DoctorCall> parse_doctor(const std::vector<std::string>& args);

/// Carries out the cures of the findings, each once, and says so. Exit 0: all could be done; 1: one
/// failed, or a finding that was asked for has none; then nothing else is left out.
int mend(const Invocation& invocation, const DoctorCall& call, const sre::NodeView& view,
         const std::vector<sre::Finding>& findings);

}  // namespace vpccni::cmd
