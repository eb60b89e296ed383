#pragma once
// `vpccni eni gc`; see eni.cc.

#include "cmd/command.h"

namespace vpccni::cmd {

int eni_gc(const Invocation& invocation, bool yes, bool json);

}  // namespace vpccni::cmd
