#pragma once
// A network namespace by its descriptor. Values; safe in threaded programs: entering concerns the
// calling thread only, lasts for one call, and a thread that cannot come back ends the process
// rather than go on in the wrong namespace.

#include <functional>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace vpccni::linux {

class Netns {
 public:
  /// `not_found` if the path is gone, `invalid_argument` if it is something else.
  static Result<Netns> open(const std::string& path);
  /// The calling thread's.
  static Result<Netns> current();

  int fd() const { return fd_.get(); }

 private:
  explicit Netns(base::Fd fd) : fd_(std::move(fd)) {}
  base::Fd fd_;
};

Result<bool> is_same(const Netns& a, const Netns& b);

/// Runs `work`, which should only open something, inside `netns` on the calling thread.
Result<> with_netns(const Netns& netns, const std::function<Result<>()>& work);

}  // namespace vpccni::linux
