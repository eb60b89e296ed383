#include "linux/netns.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

namespace vpccni::linux {

Result<Netns> Netns::open(const std::string& path) {
  base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) {
    return errno_error(errno, "network namespace " + path);
  }
  const int type = ::ioctl(fd.get(), NS_GET_NSTYPE);
  if (type != CLONE_NEWNET) {
    return Error{Errc::invalid_argument, path + " is not a network namespace"};
  }
  return Netns(std::move(fd));
}

Result<Netns> Netns::current() {
  // thread-self: /proc/self would be the main thread's.
  return open("/proc/thread-self/ns/net");
}

Result<bool> is_same(const Netns& a, const Netns& b) {
  struct stat first {};
  struct stat second {};
  if (::fstat(a.fd(), &first) != 0 || ::fstat(b.fd(), &second) != 0) {
    return errno_error(errno, "look at network namespace");
  }
  return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

Result<> with_netns(const Netns& netns, const std::function<Result<>()>& work) {
  VPCCNI_TRY(const Netns home, Netns::current());
  if (::setns(netns.fd(), CLONE_NEWNET) != 0) {
    return errno_error(errno, "enter network namespace");
  }
  Result<> result = work();
  if (::setns(home.fd(), CLONE_NEWNET) != 0) {
    std::abort();
  }
  return result;
}

}  // namespace vpccni::linux
