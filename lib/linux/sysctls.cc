#include "linux/sysctls.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "base/fd.h"
#include "base/text.h"

namespace vpccni::linux {

namespace {

constexpr std::string_view kRoot = "/proc/sys/";
constexpr std::size_t kValueBytes = 4096;

std::string full_path(std::string_view path) {
  return std::string(kRoot) + std::string(path);
}

Result<std::string> value_of(const base::Fd& fd, const std::string& path) {
  std::array<char, kValueBytes> text{};
  const ssize_t n = ::pread(fd.get(), text.data(), text.size(), 0);
  if (n < 0) {
    return errno_error(errno, "read " + path);
  }
  return std::string(base::trim({text.data(), static_cast<std::size_t>(n)}));
}

}  // namespace

Result<> set_sysctl(std::string_view path, std::string_view value) {
  const std::string file = full_path(path);
  const base::Fd fd(::open(file.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.valid()) {
    return errno_error(errno, "open " + file);
  }
  VPCCNI_TRY(const std::string now, value_of(fd, file));
  if (now == value) {
    return {};
  }
  if (::pwrite(fd.get(), value.data(), value.size(), 0) < 0) {
    return errno_error(errno, "write " + file);
  }
  return {};
}

Result<> set_sysctl_if_present(std::string_view path, std::string_view value) {
  auto result = set_sysctl(path, value);
  if (!result && result.error().cause == "ENOENT") {
    return {};
  }
  return result;
}

Result<std::string> sysctl(std::string_view path) {
  const std::string file = full_path(path);
  const base::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return errno_error(errno, "open " + file);
  }
  return value_of(fd, file);
}

}  // namespace vpccni::linux
