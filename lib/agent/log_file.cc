#include "agent/log_file.h"

#include <unistd.h>

#include "agent/rotating_file.h"
#include "base/log_repeats.h"
#include "base/text.h"

namespace vpccni::agent {

namespace {

base::Sink open_sink(const std::string& target, const LogLimits& limits, const base::Clock& clock,
                     std::string& trouble) {
  if (base::iequals(target, "stdout")) {
    return base::descriptor_sink(STDOUT_FILENO);
  }
  if (base::iequals(target, "stderr")) {
    return base::descriptor_sink(STDERR_FILENO);
  }
  auto file = RotatingFile::open(target, limits, clock);
  if (!file) {
    trouble = "log file " + target + ": " + file.error().message + "; logging to stderr";
    return base::descriptor_sink(STDERR_FILENO);
  }
  const std::shared_ptr<RotatingFile> shared = *std::move(file);
  return [shared](std::string_view line) { shared->write(line); };
}

}  // namespace

base::Sink agent_sink(const std::string& target, const LogLimits& limits, const base::Clock& clock,
                      std::string& trouble) {
  return base::without_repeats(open_sink(target, limits, clock, trouble), clock);
}

}  // namespace vpccni::agent
