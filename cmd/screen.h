#pragma once
// The terminal on stdout: its size, and whether it can be drawn anew. Piped output has no size: it
// is not cut, wrapped or drawn anew.

#include <sys/ioctl.h>
#include <unistd.h>

#include <string>

#include "base/text.h"
#include "cmd/command.h"

namespace vpccni::cmd {

struct Screen {
  std::size_t width = 0;   // columns; 0 = no terminal, or one that does not tell
  std::size_t height = 0;  // lines; likewise
  bool redraws = false;
};

inline bool is_dumb(const Environment& environment) {
  const auto term = environment.find("TERM");
  return term != environment.end() && term->second == "dumb";
}

/// COLUMNS and LINES come before what the terminal says, as for other programs.
inline Screen find_screen(const Environment& environment) {
  if (isatty(STDOUT_FILENO) != 1) {
    return {};
  }
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
    size = {};
  }
  const auto chosen = [&](const char* name, unsigned short told) -> std::size_t {
    const auto set = environment.find(name);
    const auto number = base::parse_integer<unsigned short>(
        set == environment.end() ? std::string_view() : std::string_view(set->second));
    return number && *number > 0 ? *number : told;
  };
  return {chosen("COLUMNS", size.ws_col), chosen("LINES", size.ws_row), !is_dumb(environment)};
}

}  // namespace vpccni::cmd
