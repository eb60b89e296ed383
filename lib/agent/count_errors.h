#pragma once
// Counters that only the work on ENIs itself can feed, by upstream's names. Thread-safe.

#include <string_view>

#include "agent/eni_lifecycle.h"

namespace vpccni::agent {

/// awscni_ipamd_error_count. Without metrics nothing is counted.
void count_error(const Edges& edges, std::string_view fn);
/// awscni_aws_utils_error_count, if it is the API that refused.
void count_refused(const Edges& edges, std::string_view fn, const Error& error);

}  // namespace vpccni::agent
