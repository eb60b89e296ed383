#pragma once
// What is being done now, in one line of stderr that the next one takes the place of, and that goes
// with this object. Only where a person looks: on a terminal, and not with --json.

#include <unistd.h>

#include <ostream>
#include <string_view>

#include "cmd/screen.h"

namespace vpccni::cmd {

class Progress {
 public:
  Progress(const Invocation& invocation, bool json)
      : err_(invocation.err),
        on_(!json && isatty(STDERR_FILENO) == 1),
        in_place_(!is_dumb(invocation.environment)) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  void operator()(std::string_view doing) {
    clear();
    if (on_) {
      err_ << doing << (in_place_ ? " ..." : " ...\n") << std::flush;
      shown_ = in_place_;
    }
  }
  void clear() {
    if (shown_) {
      err_ << "\r\033[K" << std::flush;
      shown_ = false;
    }
  }

 private:
  std::ostream& err_;
  bool on_;
  bool in_place_;
  bool shown_ = false;
};

}  // namespace vpccni::cmd
