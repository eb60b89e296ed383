#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"

namespace vpccni::base {

Level parse_level(std::string_view text) {
  const std::string lower = to_lower(text);
  if (lower == "info") {
    return Level::info;
  }
  if (lower == "warn") {
    return Level::warn;
  }
  if (lower == "error") {
    return Level::error;
  }
  if (lower == "fatal") {
    return Level::fatal;
  }
  return Level::debug;
}

namespace {

std::string_view name_of(Level level) {
  constexpr std::array<std::string_view, 5> kNames = {"debug", "info", "warn", "error", "fatal"};
  return kNames.at(static_cast<std::size_t>(level));
}

/// "ipamd/ipamd.go:123" form: last directory and file.
std::string caller_of(const std::source_location& at) {
  std::string_view file = at.file_name();
  auto slash = file.rfind('/');
  if (slash != std::string_view::npos && slash > 0) {
    slash = file.rfind('/', slash - 1);
    if (slash != std::string_view::npos) {
      file.remove_prefix(slash + 1);
    }
  }
  return std::string(file) + ":" + std::to_string(at.line());
}

}  // namespace

std::string log_time(WallTime at) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch());
  const std::time_t seconds = static_cast<std::time_t>(ms.count() / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 64> buffer{};
  std::size_t n = std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%S", &local);
  std::string text(buffer.data(), n);
  const auto fraction = std::to_string(1000 + ms.count() % 1000);
  text += '.';
  text += fraction.substr(1);
  if (local.tm_gmtoff == 0) {
    text += 'Z';
  } else {
    n = std::strftime(buffer.data(), buffer.size(), "%z", &local);
    text.append(buffer.data(), n);
  }
  return text;
}

std::string format_line(Level level, WallTime at, std::string_view caller, std::string_view msg,
                        std::initializer_list<Field> fields) {
  std::string line = R"({"level":")";
  line += name_of(level);
  line += R"(","ts":")" + log_time(at) + R"(","caller":)" + json_quote(caller);
  line += R"(,"msg":)" + json_quote(msg);
  for (const auto& [key, value] : fields) {
    line += ',' + json_quote(key) + ':' + json_quote(value);
  }
  line += "}\n";
  return line;
}

bool write_line(int fd, std::string_view line) {
  while (!line.empty()) {
    const ssize_t n = ::write(fd, line.data(), line.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return false;
    }
    line.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// A log that cannot be written must not stop the work.
Sink descriptor_sink(int fd) {
  return [fd](std::string_view line) { (void)write_line(fd, line); };
}

Sink file_sink(const std::string& path) {
  if (const auto slash = path.rfind('/'); slash != std::string::npos && slash > 0) {
    (void)make_directories(path.substr(0, slash));  // the open says what is wrong
  }
  auto fd = std::make_shared<Fd>(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600));
  if (!fd->valid()) {
    return descriptor_sink(STDERR_FILENO);
  }
  return [fd](std::string_view line) { (void)write_line(fd->get(), line); };
}

void Log::write(Level level, std::string_view msg, Fields fields, const Where& at) const {
  if (level < level_) {
    return;
  }
  sink_(format_line(level, clock_.now().wall, caller_of(at), msg, fields));
}

}  // namespace vpccni::base
