#pragma once
// One event, one line: JSON members level, ts, caller, msg (upstream's order), then the fields.
// Passed in, not global. Thread-safe. Only commands and the agent log; libraries below return
// errors and log nothing above debug. Never log what an API would redact.

#include <functional>
#include <initializer_list>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace vpccni::base {

/// `fatal` is a threshold only: nothing is written at it, so a log of that level is silent.
enum class Level { debug, info, warn, error, fatal };

/// debug, info, warn, error, fatal, any case; anything else is debug, as upstream.
Level parse_level(std::string_view text);

/// ISO 8601, local, with milliseconds and zone: "Z" for UTC, else "+0100".
std::string log_time(WallTime at);

struct Field {
  std::string_view key;
  std::string value;
};

/// Takes one whole line with its newline. Must be thread-safe and must not throw.
using Sink = std::function<void(std::string_view line)>;

/// All of the line, in one write unless the kernel takes less. False if some of it was not taken.
bool write_line(int fd, std::string_view line);
/// Appends to a descriptor that outlives the log.
Sink descriptor_sink(int fd);
/// Appends to a file (mode 0600; missing directories 0755), opened now; one that cannot be opened
/// falls back to stderr. Does not rotate: one writer rotates, and that is the agent.
Sink file_sink(const std::string& path);

class Log {
 public:
  Log(Sink sink, Level level, const Clock& clock)
      : sink_(std::move(sink)), level_(level), clock_(clock) {}

  using Where = std::source_location;
  using Fields = std::initializer_list<Field>;
  void debug(std::string_view msg, Fields fields = {}, Where at = Where::current()) const {
    write(Level::debug, msg, fields, at);
  }
  void info(std::string_view msg, Fields fields = {}, Where at = Where::current()) const {
    write(Level::info, msg, fields, at);
  }
  void warn(std::string_view msg, Fields fields = {}, Where at = Where::current()) const {
    write(Level::warn, msg, fields, at);
  }
  void error(std::string_view msg, Fields fields = {}, Where at = Where::current()) const {
    write(Level::error, msg, fields, at);
  }

 private:
  void write(Level level, std::string_view msg, Fields fields, const Where& at) const;

  Sink sink_;
  Level level_;
  const Clock& clock_;
};

/// The line that Log writes, for tests and for other writers of the same format.
std::string format_line(Level level, WallTime at, std::string_view caller, std::string_view msg,
                        std::initializer_list<Field> fields);

}  // namespace vpccni::base
