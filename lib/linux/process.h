#pragma once
// A child process run to its end: bounded in time and output, in the calling thread's namespaces.
// Safe in threaded programs (posix_spawn). Not for the ADD path.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace vpccni::linux {

struct ProcessLimits {
  base::Duration time = std::chrono::seconds(60);
  std::size_t output_bytes = std::size_t{64} << 20U;  // of stdout; stderr is kept to 64 KiB
};

struct ProcessOutput {
  int exit_status = 0;  // 128 + signal number if a signal ended it
  std::string out;
  std::string err;
};

/// argv[0] is looked up in PATH. `not_found` if it is not there, `timeout` and `exhausted` if a
/// limit was passed (the child is killed), whatever its exit status is otherwise.
Result<ProcessOutput> run_process(const std::vector<std::string>& argv, std::string_view input,
                                  const ProcessLimits& limits);

}  // namespace vpccni::linux
