#pragma once
#include "cmd/command.h"

namespace vpccni::cmd {

/// vpccni ip assign ENI [--count N | --prefixes N], ip unassign ADDRESS|PREFIX...: `args` without
/// the verb.
int ip_assign(const Invocation& invocation, const std::vector<std::string>& args, bool yes,
              bool json);
int ip_unassign(const Invocation& invocation, const std::vector<std::string>& args, bool yes,
                bool json);

}  // namespace vpccni::cmd
