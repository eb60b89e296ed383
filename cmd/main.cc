// One program, many names: the command is the name we were called by, or the first argument.

#include <csignal>
#include <iostream>

#include "cmd/command.h"

extern char** environ;

namespace {

using namespace vpccni;

cmd::Environment read_environment() {
  cmd::Environment out;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view text(*each);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) {
      out.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return out;
}

std::string_view base_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  std::ios::sync_with_stdio(false);
  std::vector<std::string> args(argv + std::min(argc, 1), argv + argc);
  const std::string name(argc > 0 ? base_name(argv[0]) : "");
  const cmd::Command* command = nullptr;
  std::string program = "vpccni";
  for (const auto& each : cmd::commands()) {
    if (!each.alias.empty() && each.alias == name) {
      command = &each;
      program = name;
    }
  }
  if (command == nullptr && !args.empty()) {
    const std::string word = args[0] == "--help" || args[0] == "-h"      ? "help"
                             : args[0] == "--version" || args[0] == "-v" ? "version"
                                                                         : args[0];
    command = cmd::find_command(word);
    if (command == nullptr) {
      std::cerr << "vpccni: no command \"" << args[0].substr(0, 64) << "\"; see vpccni help\n";
      return cmd::kUsage;
    }
    args.erase(args.begin());
    program += " " + std::string(command->name);
  }
  if (command == nullptr) {
    std::cerr << "usage: vpccni COMMAND [ARGUMENT...]; see vpccni help\n";
    return cmd::kUsage;
  }
  const base::SystemClock clock;
  return command->run(
      {program, std::move(args), read_environment(), clock, std::cin, std::cout, std::cerr});
}
