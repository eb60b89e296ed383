#pragma once
// The settings that count on this instance: what the environment asks for, held against the limits
// of the instance type and against each other (spec agent.md 1.2 step 7, 1.3 step 1). Pure.

#include <vector>

#include "aws/eni.h"
#include "base/result.h"
#include "settings/settings.h"

namespace vpccni::agent {

/// Adds to `notes` what does not count as written. Error: invalid_argument, with every reason why
/// the agent must not start.
Result<settings::Settings> effective(settings::Settings wanted, const aws::InstanceLimits& limits,
                                     std::vector<settings::Note>& notes);

}  // namespace vpccni::agent
