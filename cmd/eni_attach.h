#pragma once
#include "cmd/command.h"

namespace vpccni::cmd {

/// vpccni eni attach ENI, eni detach ENI.
int eni_attach(const Invocation& invocation, const std::string& eni, bool yes, bool json);
int eni_detach(const Invocation& invocation, const std::string& eni, bool yes, bool json);

}  // namespace vpccni::cmd
