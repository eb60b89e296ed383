#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/fd.h"

namespace vpccni::base {

namespace {

Result<> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) {
        continue;
      }
      return errno_error(errno, "write " + path);
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

enum class Disk { waited_for, left_alone };

Result<> write_out(Fd fd, const std::string& temporary, std::string_view bytes, unsigned mode,
                   Disk disk) {
  if (::fchmod(fd.get(), mode) != 0) {
    return errno_error(errno, "chmod " + temporary);
  }
  VPCCNI_CHECK(write_all(fd.get(), bytes, temporary));
  if (disk == Disk::waited_for && ::fsync(fd.get()) != 0) {
    return errno_error(errno, "fsync " + temporary);
  }
  if (::close(fd.release()) != 0) {
    return errno_error(errno, "close " + temporary);
  }
  return {};
}

Result<> replace(const std::string& path, std::string_view bytes, unsigned mode, Disk disk) {
  std::string temporary = path + ".tmpXXXXXX";
  Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) {
    return errno_error(errno, "create " + temporary);
  }
  if (auto written = write_out(std::move(fd), temporary, bytes, mode, disk); !written) {
    ::unlink(temporary.c_str());
    return written;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int number = errno;
    ::unlink(temporary.c_str());
    return errno_error(number, "rename " + temporary + " to " + path);
  }
  return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) {
    return errno_error(errno, "open " + path);
  }
  std::string bytes;
  for (;;) {
    const std::size_t have = bytes.size();
    if (have > limit) {
      return Error{Errc::exhausted, path + " is larger than " + std::to_string(limit) + " bytes"};
    }
    constexpr std::size_t kChunk = 16384;
    bytes.resize(have + kChunk);
    const ssize_t n = ::read(fd.get(), bytes.data() + have, kChunk);
    if (n < 0 && errno == EINTR) {
      bytes.resize(have);
      continue;
    }
    if (n < 0) {
      return errno_error(errno, "read " + path);
    }
    bytes.resize(have + static_cast<std::size_t>(n));
    if (n == 0) {
      return bytes;
    }
  }
}

Result<> replace_file(const std::string& path, std::string_view bytes, unsigned mode) {
  return replace(path, bytes, mode, Disk::left_alone);
}

Result<> write_file_durably(const std::string& path, std::string_view bytes, unsigned mode) {
  VPCCNI_CHECK(replace(path, bytes, mode, Disk::waited_for));
  const Fd directory(::open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || ::fsync(directory.get()) != 0) {
    return errno_error(errno, "fsync directory of " + path);
  }
  return {};
}

Result<> write_existing(const std::string& path, std::string_view bytes) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) {
    return errno_error(errno, "open " + path);
  }
  return write_all(fd.get(), bytes, path);
}

Result<> make_directories(const std::string& path, unsigned mode) {
  for (std::size_t at = 1; at <= path.size(); ++at) {
    at = std::min(path.find('/', at), path.size());
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) {
      return errno_error(errno, "mkdir " + part);
    }
  }
  return {};
}

}  // namespace vpccni::base
