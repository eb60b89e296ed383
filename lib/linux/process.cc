#include "linux/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/fd.h"

namespace vpccni::linux {

namespace {

constexpr std::size_t kErrorBytes = std::size_t{64} << 10U;

struct Pipe {
  base::Fd read;
  base::Fd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return errno_error(errno, "pipe");
  }
  return Pipe{base::Fd(ends[0]), base::Fd(ends[1])};
}

/// The child's stdin as a file in memory: it can be read late or not at all without blocking us.
Result<base::Fd> input_file(std::string_view input) {
  base::Fd fd(::memfd_create("input", MFD_CLOEXEC));
  if (!fd.valid()) {
    return errno_error(errno, "memfd_create");
  }
  while (!input.empty()) {
    const ssize_t n = ::write(fd.get(), input.data(), input.size());
    if (n < 0) {
      return errno_error(errno, "write to memory file");
    }
    input.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) {
    return errno_error(errno, "rewind memory file");
  }
  return fd;
}

/// A running child; killed and reaped if nobody waited for it.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      (void)::kill(pid_, SIGKILL);
      (void)wait();
    }
  }
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

Result<pid_t> spawn(const std::vector<std::string>& argv, int in, int out, int err) {
  std::vector<char*> words;
  for (const std::string& word : argv) {
    words.push_back(const_cast<char*>(word.c_str()));  // NOLINT: posix_spawn does not write
  }
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
  sigset_t none{};
  sigset_t defaults{};
  (void)::sigemptyset(&none);
  (void)::sigemptyset(&defaults);
  (void)::sigaddset(&defaults, SIGPIPE);
  (void)::posix_spawn_file_actions_init(&actions);
  (void)::posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  (void)::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  (void)::posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  (void)::posix_spawnattr_init(&attributes);
  (void)::posix_spawnattr_setsigmask(&attributes, &none);
  (void)::posix_spawnattr_setsigdefault(&attributes, &defaults);
  (void)::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = -1;
  const int status = ::posix_spawnp(&pid, words[0], &actions, &attributes, words.data(), ::environ);
  (void)::posix_spawn_file_actions_destroy(&actions);
  (void)::posix_spawnattr_destroy(&attributes);
  if (status != 0) {
    return errno_error(status, "run " + argv[0]);
  }
  return pid;
}

/// Takes what is there. False at the end of the stream.
bool drain(int fd, std::string& into, std::size_t limit) {
  std::array<char, 16384> part{};
  const ssize_t n = ::read(fd, part.data(), part.size());
  if (n <= 0) {
    return n < 0 && errno == EINTR;
  }
  const auto room = limit - std::min(limit, into.size());
  into.append(part.data(), std::min(room, static_cast<std::size_t>(n)));
  return true;
}

int milliseconds_until(base::SteadyTime deadline) {
  const auto left = deadline - base::SystemClock().now().steady;
  const auto count = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::clamp<decltype(count)>(count, 0, 1 << 30));
}

/// Reads both streams and waits for the end of the process.
Result<> follow(pid_t pid, int out, int err, const ProcessLimits& limits, ProcessOutput& output) {
  const base::SteadyTime deadline = base::SystemClock().now().steady + limits.time;
  const base::Fd ended(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!ended.valid()) {
    return errno_error(errno, "pidfd_open");
  }
  std::array<pollfd, 3> waits = {{{out, POLLIN, 0}, {err, POLLIN, 0}, {ended.get(), POLLIN, 0}}};
  // A grandchild may hold the streams open for ever: only the process itself must end.
  while (waits[0].fd >= 0 || waits[2].fd >= 0) {
    const int left = milliseconds_until(deadline);
    const int ready = ::poll(waits.data(), waits.size(), left);
    if (ready == 0 && left == 0) {
      return Error{Errc::timeout, "not done in time"};
    }
    if (ready < 0) {
      if (errno == EINTR) {
        continue;
      }
      return errno_error(errno, "poll");
    }
    if (waits[0].revents != 0 && !drain(out, output.out, limits.output_bytes + 1)) {
      waits[0].fd = -1;
    }
    if (waits[1].revents != 0 && !drain(err, output.err, kErrorBytes)) {
      waits[1].fd = -1;
    }
    if (waits[2].revents != 0) {
      waits[2].fd = -1;
    }
    if (output.out.size() > limits.output_bytes) {
      return Error{Errc::exhausted, "more output than expected"};
    }
  }
  while (waits[1].fd >= 0 && ::poll(&waits[1], 1, 0) > 0 && drain(err, output.err, kErrorBytes)) {
  }
  return {};
}

}  // namespace

Result<ProcessOutput> run_process(const std::vector<std::string>& argv, std::string_view input,
                                  const ProcessLimits& limits) {
  if (argv.empty()) {
    return Error{Errc::invalid_argument, "run: no program named"};
  }
  VPCCNI_TRY(const base::Fd in, input_file(input));
  VPCCNI_TRY(Pipe out, make_pipe());
  VPCCNI_TRY(Pipe err, make_pipe());
  VPCCNI_TRY(const pid_t pid, spawn(argv, in.get(), out.write.get(), err.write.get()));
  Child child(pid);
  out.write.reset();
  err.write.reset();
  ProcessOutput output;
  VPCCNI_CHECK(wrap(follow(child.pid(), out.read.get(), err.read.get(), limits, output), argv[0]));
  output.exit_status = child.wait();
  return output;
}

}  // namespace vpccni::linux
