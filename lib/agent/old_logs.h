#pragma once
// Old log files beside the current one: their names, and which of them go. Pure. The names are
// upstream's, so that what collects logs finds ours: ipamd.log becomes
// ipamd-2025-01-02T03-04-05.678.log (UTC), later with .gz behind it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace vpccni::agent {

struct LogLimits {
  std::size_t bytes = std::size_t{100} << 20U;  // the current file's
  std::size_t old_files = 5;
  base::Duration max_age = std::chrono::hours(24 * 30);
};

/// `current` is a file name, "ipamd.log".
std::string old_log_name(std::string_view current, base::WallTime at);

struct OldLog {
  std::string name;
  base::WallTime at{};  // when it stopped being the current one
  bool compressed = false;
};
/// None if the name is not of an old log of `current`.
std::optional<OldLog> parse_old_log(std::string_view name, std::string_view current);

struct OldLogPlan {
  std::vector<std::string> remove;
  std::vector<std::string> compress;
};
/// `names` are those of the directory. A log and its half-made .gz count as one.
OldLogPlan plan_old_logs(const std::vector<std::string>& names, std::string_view current,
                         const LogLimits& limits, base::WallTime now);

}  // namespace vpccni::agent
