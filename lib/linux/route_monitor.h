#pragma once
// Tells that links, addresses, routes or policy rules of a network namespace changed, and who asked
// the kernel to remove one. Only a hint: what is there is read afterwards, by links(), rules(), ….
// Of the namespace in which it was opened; one thread at a time.

#include <sys/types.h>

#include <optional>

#include "base/fd.h"
#include "base/result.h"

namespace vpccni::linux {

class RouteMonitor {
 public:
  static Result<RouteMonitor> open();

  /// Readable when something changed.
  int fd() const { return fd_.get(); }

  struct Changes {
    bool any = false;
    /// Its pid, as a program's first netlink socket names it; nothing when the kernel itself or we
    /// removed, or nobody did.
    std::optional<pid_t> remover;
  };
  /// Takes all that waits. Lost messages count as a change.
  Changes drain();

 private:
  explicit RouteMonitor(base::Fd fd) : fd_(std::move(fd)) {}
  base::Fd fd_;
};

/// Is this a message of a change, and who removed something? For tests and fuzzing.
RouteMonitor::Changes parse_changes(const char* bytes, std::size_t size);

}  // namespace vpccni::linux
