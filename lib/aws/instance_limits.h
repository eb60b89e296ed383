#pragma once
// Limits of the instance types that were known when this was built (data/instance-limits.json, from
// upstream v1.23.1). A type that is not listed has to be asked of EC2. Pure.

#include <optional>
#include <string_view>

#include "aws/eni.h"

namespace vpccni::aws {

std::optional<InstanceLimits> instance_limits(std::string_view type);

/// One row's value, `{"e":4,"i":15,"d":0,"c":[[0,4]],"h":"nitro","b":false}`; for tests.
std::optional<InstanceLimits> parse_limits_row(std::string_view json);

}  // namespace vpccni::aws
