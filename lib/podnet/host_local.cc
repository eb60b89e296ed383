#include "podnet/host_local.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/fd.h"
#include "base/files.h"
#include "base/owned.h"
#include "base/text.h"

namespace vpccni::podnet {

namespace {

constexpr std::string_view kLastReserved = "last_reserved_ip.0";
constexpr std::size_t kLongestOwner = 4096;

/// Held until it is destroyed; the kernel lets go of it when a holder is killed.
Result<base::Fd> lock(const std::string& directory) {
  const std::string path = directory + "/lock";
  base::Fd fd(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0750));
  if (!fd.valid()) {
    return errno_error(errno, "open " + path);
  }
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) {
      return errno_error(errno, "lock " + path);
    }
  }
  return fd;
}

struct Reserved {
  net::Ip address;
  std::string path;
  std::string owner;       // the file's text
  bool abandoned = false;  // by a writer that died, if the lock is ours
};

/// What is neither an address by its name nor on its way to kLastReserved is nobody's.
Result<std::vector<Reserved>> reserved(const std::string& directory) {
  const base::Owned<DIR, ::closedir> open(::opendir(directory.c_str()));
  if (!open) {
    return errno_error(errno, "read " + directory);
  }
  std::vector<Reserved> all;
  while (const dirent* entry = ::readdir(open.get())) {
    const auto address = net::Ip::parse(entry->d_name);
    std::string path = directory + "/" + entry->d_name;
    if (std::string_view(entry->d_name).starts_with(std::string(kLastReserved) + ".tmp")) {
      all.push_back({{}, std::move(path), {}, true});
      continue;
    }
    if (!address) {
      continue;
    }
    const auto text = base::read_file(path, kLongestOwner);
    all.push_back({*address, std::move(path), text ? std::string(base::trim(*text)) : std::string(),
                   text && text->empty()});
  }
  return all;
}

std::string owner_text(const HostLocalOwner& owner) {
  return owner.container_id + "\r\n" + owner.ifname;
}

/// Versions before 0.8 wrote the container alone.
bool is_of(const Reserved& one, const HostLocalOwner& owner) {
  return one.owner == owner_text(owner) || one.owner == owner.container_id;
}

/// False if somebody has the address. An empty file is of a writer that died: the lock is ours, so
/// nobody is writing it now.
Result<bool> take(const std::string& path, const HostLocalOwner& owner) {
  base::Fd fd(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644));
  if (!fd.valid() && errno == EEXIST) {
    const auto text = base::read_file(path, kLongestOwner);
    if (!text || !text->empty()) {
      return false;
    }
    fd.reset(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  }
  if (!fd.valid()) {
    return errno_error(errno, "make " + path);
  }
  const std::string text = owner_text(owner);
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    auto error = errno_error(errno, "write " + path);
    (void)::unlink(path.c_str());
    return error;
  }
  return true;
}

/// Where the search starts: behind the last one, if that is in the range.
net::Ip start_of(const std::string& directory, const HostLocalRange& range) {
  const auto text = base::read_file(directory + "/" + std::string(kLastReserved), 256);
  const auto last = text ? net::Ip::parse(base::trim(*text)) : Result<net::Ip>(Error{});
  const bool usable =
      last && last->family() == range.first.family() && *last >= range.first && *last < range.last;
  return usable ? last->plus(1) : range.first;
}

}  // namespace

Result<HostLocalRange> HostLocalRange::of(const net::Cidr& subnet) {
  const std::uint64_t size = subnet.size();
  if (size < 4) {
    return Error{Errc::invalid_argument, "subnet " + to_string(subnet) + " has no room for pods"};
  }
  const std::uint64_t last = size - (subnet.family() == net::Family::v4 ? 2 : 1);
  return HostLocalRange{subnet, subnet.at(1), subnet.at(last), subnet.at(1)};
}

Result<net::Ip> reserve_address(const std::string& directory, const HostLocalRange& range,
                                const HostLocalOwner& owner) {
  VPCCNI_CHECK(base::make_directories(directory));
  VPCCNI_TRY(const auto held, lock(directory));
  VPCCNI_TRY(const auto all, reserved(directory));
  for (const Reserved& one : all) {
    if (is_of(one, owner) && range.subnet.contains(one.address)) {
      return Error{Errc::already_exists, to_string(one.address) + " has been allocated to " +
                                             owner.container_id +
                                             ", duplicate allocation is not allowed"};
    }
  }
  const net::Ip start = start_of(directory, range);
  net::Ip candidate = start;
  do {
    if (candidate != range.gateway) {
      VPCCNI_TRY(const bool taken, take(directory + "/" + to_string(candidate), owner));
      if (taken) {
        const std::string last = directory + "/" + std::string(kLastReserved);
        if (auto noted = base::replace_file(last, to_string(candidate), 0644); !noted) {
          (void)::unlink((directory + "/" + to_string(candidate)).c_str());
          return std::move(noted).error();
        }
        return candidate;
      }
    }
    candidate = candidate == range.last ? range.first : candidate.plus(1);
  } while (candidate != start);
  return Error{Errc::exhausted, "no IP addresses available in range set: " +
                                    to_string(range.first) + "-" + to_string(range.last)};
}

Result<> release_addresses(const std::string& directory, const HostLocalOwner& owner) {
  if (::access(directory.c_str(), F_OK) != 0 && errno == ENOENT) {
    return {};
  }
  VPCCNI_TRY(const auto held, lock(directory));
  VPCCNI_TRY(const auto all, reserved(directory));
  Result<> first;
  for (const Reserved& one : all) {
    if ((is_of(one, owner) || one.abandoned) && ::unlink(one.path.c_str()) != 0 &&
        errno != ENOENT && first) {
      first = errno_error(errno, "remove " + one.path);
    }
  }
  return first;
}

Result<bool> has_address(const std::string& directory, const HostLocalOwner& owner) {
  auto all = reserved(directory);
  if (!all) {
    return all.error().cause == "ENOENT" ? Result<bool>(false)
                                         : Result<bool>(std::move(all).error());
  }
  for (const Reserved& one : *all) {
    if (is_of(one, owner)) {
      return true;
    }
  }
  return false;
}

}  // namespace vpccni::podnet
