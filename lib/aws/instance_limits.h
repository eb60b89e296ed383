#pragma once
// Limits of the instance types that were known when this was built (data/instance-limits.json, from
// upstream v1.23.1). A type that is not listed has to be asked of EC2. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "aws/eni.h"
#include "base/result.h"

namespace vpccni::aws {

std::optional<InstanceLimits> instance_limits(std::string_view type);

/// The type's row in a text of the data file's form, which others wrote: bounded, parsed strictly.
/// nullopt: the type is not listed. Errors: corrupt.
Result<std::optional<InstanceLimits>> limits_in(std::string_view json, const std::string& type);

/// What is assumed of a type that nobody knows: small enough for every type that there is.
InstanceLimits assumed_limits();

/// One row's value, `{"e":4,"i":15,"d":0,"c":[[0,4]],"h":"nitro","b":false}`; for tests.
std::optional<InstanceLimits> parse_limits_row(std::string_view json);

}  // namespace vpccni::aws
