#include "agent/log_file.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <unistd.h>

#include <memory>

#include "base/files.h"
#include "base/text.h"

namespace vpccni::agent {

namespace {

constexpr std::size_t kRotateAt = std::size_t{100} << 20U;  // bytes
constexpr std::size_t kOldFiles = 5;

}  // namespace

base::Sink agent_sink(const std::string& target, std::string& trouble) {
  if (base::iequals(target, "stdout")) {
    return base::descriptor_sink(STDOUT_FILENO);
  }
  if (base::iequals(target, "stderr")) {
    return base::descriptor_sink(STDERR_FILENO);
  }
  if (const auto slash = target.rfind('/'); slash != std::string::npos && slash > 0) {
    if (auto made = base::make_directories(target.substr(0, slash)); !made) {
      trouble = "log file " + target + ": " + made.error().message + "; logging to stderr";
      return base::descriptor_sink(STDERR_FILENO);
    }
  }
  try {
    auto file =
        std::make_shared<spdlog::sinks::rotating_file_sink_mt>(target, kRotateAt, kOldFiles);
    file->set_formatter(
        std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::local, ""));
    return [file](std::string_view line) {
      try {
        file->log(spdlog::details::log_msg(spdlog::string_view_t(), spdlog::level::info,
                                           spdlog::string_view_t(line.data(), line.size())));
        file->flush();
      } catch (const std::exception&) {
        // A log that cannot be written must not stop the agent.
        if (::write(STDERR_FILENO, line.data(), line.size()) < 0) {
          return;
        }
      }
    };
  } catch (const std::exception& error) {
    trouble = "log file " + target + ": " + error.what() + "; logging to stderr";
    return base::descriptor_sink(STDERR_FILENO);
  }
}

}  // namespace vpccni::agent
