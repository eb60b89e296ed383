// vpccni startup: where the agent's start is, from the file that it keeps.

#include <filesystem>

#include "base/files.h"
#include "base/startup_file.h"
#include "cmd/command.h"
#include "settings/settings.h"

namespace vpccni::cmd {

namespace {
constexpr std::size_t kLimit = std::size_t{64} << 10U;
}

int run_startup(const Invocation& invocation) {
  if (!invocation.args.empty()) {
    invocation.err << "usage: " << invocation.program << "\n";
    return kUsage;
  }
  std::vector<settings::Note> notes;
  const auto set = settings::load(invocation.environment, notes);
  const auto path =
      (std::filesystem::path(set.backing_store).parent_path() / base::kStartupFileName).string();
  const auto bytes = base::read_file(path, kLimit);
  const auto file = bytes ? base::parse_startup(*bytes) : std::nullopt;
  if (!file) {
    invocation.err << invocation.program << ": no agent has written " << path << "\n";
    return kFailed;
  }
  invocation.out << file->state << ": " << to_sentence(*file) << "\n";
  return file->state == "ready" ? kDone : kFailed;
}

}  // namespace vpccni::cmd
