#pragma once
// VPCCNI_FIPS=require: the agent's own check before its first use of TLS.

#include "fips/report.h"

namespace vpccni::fips {

/// The quick profile in this process, with the image's manifest when there is one. The same
/// preconditions as run(). Errors are `unsupported` and name every failed check.
Result<Report> require_module();

}  // namespace vpccni::fips
