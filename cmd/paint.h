#pragma once
// Colour, where a person looks: on a terminal that has some, unless NO_COLOR is set. Piped output
// stays plain.

#include <unistd.h>

#include <string>
#include <string_view>

#include "cmd/screen.h"

namespace vpccni::cmd {

enum class Colour { red, yellow, green };

class Paint {
 public:
  explicit Paint(const Environment& environment) {
    const auto off = environment.find("NO_COLOR");
    on_ = isatty(STDOUT_FILENO) == 1 && (off == environment.end() || off->second.empty()) &&
          !is_dumb(environment);
  }
  std::string operator()(Colour colour, std::string_view text) const {
    const char* code = colour == Colour::red ? "31" : colour == Colour::yellow ? "33" : "32";
    return on_ ? "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m"
               : std::string(text);
  }

 private:
  bool on_ = false;
};

}  // namespace vpccni::cmd
