#pragma once
// The process_* metrics, read from /proc when somebody asks. Stateless, thread-safe.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "metrics/registry.h"

namespace vpccni::metrics {

/// The members of /proc/<pid>/stat that become metrics, in the kernel's units.
struct ProcessStat {
  std::uint64_t cpu_ticks = 0;    // user and system
  std::uint64_t start_ticks = 0;  // since boot
  std::uint64_t virtual_bytes = 0;
  std::uint64_t resident_pages = 0;
};
Result<ProcessStat> parse_process_stat(std::string_view text);

/// Brings the process_* metrics up to date. What cannot be read keeps its last value.
void observe_process(Registry& registry);

}  // namespace vpccni::metrics
