// vpccni startup: where the agent's start is, from the file that it keeps.

#include <filesystem>

#include "base/files.h"
#include "base/json.h"
#include "base/startup_file.h"
#include "cmd/command.h"
#include "settings/settings.h"

namespace vpccni::cmd {

namespace {

constexpr std::size_t kLimit = std::size_t{64} << 10U;

base::OrderedJson to_json(const base::StartupFile& file) {
  return {{"schema", "vpccni/v1"},   {"state", file.state}, {"step", file.step},
          {"of", file.of},           {"name", file.name},   {"since", file.since},
          {"waiting", file.waiting}, {"error", file.error}, {"elapsedMs", file.elapsed_ms}};
}

}  // namespace

int run_startup(const Invocation& invocation) {
  auto args = invocation.args;
  const bool json = std::erase(args, "--json") > 0;
  if (!args.empty()) {
    invocation.err << "usage: " << invocation.program << " [--json]\n";
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
  invocation.out << (json ? base::dump_json(to_json(*file), 2)
                          : file->state + ": " + to_sentence(*file))
                 << "\n";
  return file->state == "ready" ? kDone : kFailed;
}

}  // namespace vpccni::cmd
