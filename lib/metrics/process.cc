#include "metrics/process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/files.h"
#include "base/owned.h"
#include "base/text.h"

namespace vpccni::metrics {

namespace {

// Places after the closing bracket of the command's name: state is 0 (proc(5), field 3).
constexpr std::size_t kUserTicks = 11;
constexpr std::size_t kSystemTicks = 12;
constexpr std::size_t kStartTicks = 19;
constexpr std::size_t kVirtualBytes = 20;
constexpr std::size_t kResidentPages = 21;

double ticks_per_second() {
  return static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// Seconds since the epoch when the machine booted, which does not change; 0 if unknown.
double boot_time() {
  const auto text = base::read_file("/proc/stat");
  if (!text) {
    return 0;
  }
  for (const auto line : base::split(*text, '\n')) {
    const auto parts = base::words(line);
    if (parts.size() == 2 && parts[0] == "btime") {
      return static_cast<double>(base::parse_integer<std::int64_t>(parts[1]).value_or(0));
    }
  }
  return 0;
}

int open_descriptors() {
  const base::Owned<DIR, ::closedir> directory(::opendir("/proc/self/fd"));
  if (directory == nullptr) {
    return -1;
  }
  int count = -1;  // the directory's own descriptor
  while (const dirent* entry = ::readdir(directory.get())) {
    count += entry->d_name[0] == '.' ? 0 : 1;
  }
  return count;
}

}  // namespace

Result<ProcessStat> parse_process_stat(std::string_view text) {
  const auto bracket = text.rfind(')');  // the name may hold anything, brackets too
  if (bracket == std::string_view::npos) {
    return Error{Errc::corrupt, "process stat without a name"};
  }
  const auto fields = base::words(text.substr(bracket + 1));
  if (fields.size() <= kResidentPages) {
    return Error{Errc::corrupt, "process stat has too few fields"};
  }
  ProcessStat stat;
  VPCCNI_TRY(const auto user, base::parse_integer<std::uint64_t>(fields[kUserTicks]));
  VPCCNI_TRY(const auto system, base::parse_integer<std::uint64_t>(fields[kSystemTicks]));
  VPCCNI_TRY(stat.start_ticks, base::parse_integer<std::uint64_t>(fields[kStartTicks]));
  VPCCNI_TRY(stat.virtual_bytes, base::parse_integer<std::uint64_t>(fields[kVirtualBytes]));
  VPCCNI_TRY(stat.resident_pages, base::parse_integer<std::uint64_t>(fields[kResidentPages]));
  stat.cpu_ticks = user + system;
  return stat;
}

void observe_process(Registry& registry) {
  static const double booted = boot_time();
  static const double page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  if (const auto text = base::read_file("/proc/self/stat"); text) {
    if (const auto stat = parse_process_stat(*text); stat) {
      registry.set<Metric::process_cpu_seconds_total>(static_cast<double>(stat->cpu_ticks) /
                                                      ticks_per_second());
      registry.set<Metric::process_start_time_seconds>(
          booted + static_cast<double>(stat->start_ticks) / ticks_per_second());
      registry.set<Metric::process_virtual_memory_bytes>(static_cast<double>(stat->virtual_bytes));
      registry.set<Metric::process_resident_memory_bytes>(
          static_cast<double>(stat->resident_pages) * page);
    }
  }
  if (const int open = open_descriptors(); open >= 0) {
    registry.set<Metric::process_open_fds>(open);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    registry.set<Metric::process_max_fds>(static_cast<double>(limit.rlim_cur));
  }
  if (::getrlimit(RLIMIT_AS, &limit) == 0) {  // no limit shows as 2^64, as the Go client has it
    registry.set<Metric::process_virtual_memory_max_bytes>(static_cast<double>(limit.rlim_cur));
  }
}

}  // namespace vpccni::metrics
