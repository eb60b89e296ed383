#pragma once
// A log file that becomes an old one when it is full, by rename: whoever else has it open appends
// on to the old one, which is compressed only then and with what was added meanwhile. Old files are
// compressed and removed by a thread of its own, so that a full file never holds up who logs.
// Thread-safe. If somebody else moves or removes the file, a new one is made at the next line.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "agent/old_logs.h"
#include "base/fd.h"
#include "base/result.h"

namespace vpccni::agent {

class RotatingFile {
 public:
  /// Makes missing directories (0755) and the file (0600). `clock` outlives it.
  static Result<std::unique_ptr<RotatingFile>> open(const std::string& path,
                                                    const LogLimits& limits,
                                                    const base::Clock& clock);
  RotatingFile(const RotatingFile&) = delete;
  RotatingFile& operator=(const RotatingFile&) = delete;

  /// One whole line. What cannot be written goes to stderr.
  void write(std::string_view line);

 private:
  RotatingFile(std::string path, const LogLimits& limits, const base::Clock& clock);
  Result<> open_current(unsigned mode);
  void make_room(std::size_t size);
  Result<> move_aside();
  void tidy(const std::stop_token& stop);

  const std::string path_;
  const std::string directory_;
  const std::string name_;
  const LogLimits limits_;
  const base::Clock& clock_;

  std::mutex file_mutex_;
  base::Fd fd_;          // guarded by file_mutex_
  std::size_t full_at_;  // guarded by file_mutex_; later than limits_.bytes after a failure
  std::mutex tidy_mutex_;
  bool untidy_ = true;  // guarded by tidy_mutex_
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: uses the others
};

}  // namespace vpccni::agent
