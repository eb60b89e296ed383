#include "agent/rotating_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cstdio>

#include "base/files.h"
#include "base/log.h"
#include "base/owned.h"

namespace vpccni::agent {

namespace {

constexpr unsigned kNewFileMode = 0600;
constexpr int kBackgroundNice = 10;

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  const base::Owned<DIR, ::closedir> dir(::opendir(directory.c_str()));
  while (dir) {
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) {
      break;
    }
    names.emplace_back(entry->d_name);
  }
  return names;
}

/// From where `in` stands to its end, as one gzip member behind what `to` holds. False if stopped
/// or failed.
bool append_compressed(int in, const std::string& to, const std::stop_token& stop) {
  gzFile out = ::gzopen(to.c_str(), "abe");
  if (out == nullptr) {
    return false;
  }
  std::array<char, 65536> buffer{};
  bool good = true;
  while (good && !stop.stop_requested()) {
    const ssize_t n = ::read(in, buffer.data(), buffer.size());
    if (n == 0) {
      break;
    }
    good = n > 0 && ::gzwrite(out, buffer.data(), static_cast<unsigned>(n)) == n;
  }
  return ::gzclose(out) == Z_OK && good && !stop.stop_requested();
}

/// `path` becomes `path`.gz. Whoever still appends to it is followed until nothing new is there.
bool compress(const std::string& path, const std::stop_token& stop) {
  const std::string to = path + ".gz";
  const base::Fd in(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  struct stat status {};
  if (!in.valid() || ::fstat(in.get(), &status) != 0) {
    return false;
  }
  const base::Fd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  bool good = out.valid() && ::fchmod(out.get(), status.st_mode & 0777U) == 0;
  do {
    good = good && append_compressed(in.get(), to, stop) && ::fstat(in.get(), &status) == 0;
  } while (good && status.st_size > ::lseek(in.get(), 0, SEEK_CUR));
  ::unlink(good ? path.c_str() : to.c_str());
  return good;
}

}  // namespace

RotatingFile::RotatingFile(std::string path, const LogLimits& limits, const base::Clock& clock)
    : path_(std::move(path)),
      directory_(path_.find('/') == std::string::npos ? "." : path_.substr(0, path_.rfind('/'))),
      name_(path_.substr(path_.rfind('/') + 1)),
      limits_(limits),
      clock_(clock),
      full_at_(limits.bytes) {}

Result<std::unique_ptr<RotatingFile>> RotatingFile::open(const std::string& path,
                                                         const LogLimits& limits,
                                                         const base::Clock& clock) {
  std::unique_ptr<RotatingFile> file(new RotatingFile(path, limits, clock));
  if (!file->directory_.empty()) {
    VPCCNI_CHECK(base::make_directories(file->directory_));
  }
  VPCCNI_CHECK(file->open_current(kNewFileMode));
  file->thread_ =
      std::jthread([raw = file.get()](const std::stop_token& stop) { raw->tidy(stop); });
  return file;
}

Result<> RotatingFile::open_current(unsigned mode) {
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY;
  base::Fd fd(::open(path_.c_str(), kFlags | O_CREAT | O_EXCL, 0600));
  if (fd.valid()) {
    (void)::fchmod(fd.get(), mode);
  } else {
    fd.reset(::open(path_.c_str(), kFlags | O_CREAT, 0600));
  }
  if (!fd.valid()) {
    return errno_error(errno, "open " + path_);
  }
  fd_ = std::move(fd);
  return {};
}

void RotatingFile::write(std::string_view line) {
  const std::lock_guard lock(file_mutex_);
  make_room(line.size());
  if (!base::write_line(fd_.get(), line)) {
    (void)base::write_line(STDERR_FILENO, line);
  }
}

/// After this, fd_ is the file at path_, and the line fits, as far as that can be had.
void RotatingFile::make_room(std::size_t size) {
  struct stat ours {};
  struct stat there {};
  if (::fstat(fd_.get(), &ours) != 0) {
    return;
  }
  if (::stat(path_.c_str(), &there) != 0 || there.st_ino != ours.st_ino ||
      there.st_dev != ours.st_dev) {
    (void)open_current(ours.st_mode & 0777U);
    return;
  }
  const auto have = static_cast<std::size_t>(ours.st_size);
  if (have == 0 || have + size <= full_at_) {
    return;
  }
  if (auto moved = move_aside(); !moved) {
    full_at_ = have + limits_.bytes / 10;  // not again at the next line
    (void)base::write_line(STDERR_FILENO, "vpccni agent: log: " + moved.error().message + "\n");
    return;
  }
  full_at_ = limits_.bytes;
  (void)open_current(ours.st_mode & 0777U);
  const std::lock_guard tidy_lock(tidy_mutex_);
  untidy_ = true;
  wake_.notify_one();
}

Result<> RotatingFile::move_aside() {
  base::WallTime at = clock_.now().wall;
  std::string to;
  do {
    to = directory_ + "/" + old_log_name(name_, at);
    at += std::chrono::milliseconds(1);
  } while (::access(to.c_str(), F_OK) == 0 || ::access((to + ".gz").c_str(), F_OK) == 0);
  if (::rename(path_.c_str(), to.c_str()) != 0) {
    return errno_error(errno, "rename " + path_ + " to " + to);
  }
  return {};
}

void RotatingFile::tidy(const std::stop_token& stop) {
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kBackgroundNice);
  while (true) {
    {
      std::unique_lock lock(tidy_mutex_);
      if (!wake_.wait(lock, stop, [this] { return untidy_; })) {
        return;
      }
      untidy_ = false;
    }
    const auto plan = plan_old_logs(names_in(directory_ + "/"), name_, limits_, clock_.now().wall);
    for (const auto& name : plan.remove) {
      ::unlink((directory_ + "/" + name).c_str());
    }
    for (const auto& name : plan.compress) {
      (void)compress(directory_ + "/" + name, stop);  // again after the next rotation
    }
  }
}

}  // namespace vpccni::agent
