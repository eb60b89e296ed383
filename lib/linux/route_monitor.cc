#include "linux/route_monitor.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace vpccni::linux {

namespace {

constexpr std::array kGroups = {RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                                RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,  RTNLGRP_IPV4_RULE,
                                RTNLGRP_IPV6_RULE};

bool is_removal(int type) {
  return type == RTM_DELLINK || type == RTM_DELADDR || type == RTM_DELROUTE || type == RTM_DELRULE;
}

}  // namespace

Result<RouteMonitor> RouteMonitor::open() {
  base::Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  sockaddr_nl self{};
  self.nl_family = AF_NETLINK;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
  if (!fd.valid() || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&self), sizeof(self)) != 0) {
    return errno_error(errno, "open a netlink socket for changes");
  }
  for (const int group : kGroups) {
    const int status =
        ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
    if (status != 0) {
      return errno_error(errno, "follow netlink group " + std::to_string(group));
    }
  }
  return RouteMonitor(std::move(fd));
}

RouteMonitor::Changes RouteMonitor::drain() {
  Changes all;
  alignas(nlmsghdr) std::array<char, 32768> buffer;  // NOLINT: filled by the kernel
  while (true) {
    const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0 && errno == ENOBUFS) {
      all.any = true;  // more came than the kernel keeps
      continue;
    }
    if (n <= 0) {
      return all;
    }
    const auto some = parse_changes(buffer.data(), static_cast<std::size_t>(n));
    all.any = all.any || some.any;
    all.remover = some.remover ? some.remover : all.remover;
  }
}

RouteMonitor::Changes parse_changes(const char* bytes, std::size_t size) {
  RouteMonitor::Changes changes;
  while (size >= sizeof(nlmsghdr)) {
    nlmsghdr header{};
    std::memcpy(&header, bytes, sizeof(header));
    if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > size) {
      break;
    }
    changes.any = changes.any || header.nlmsg_type >= RTM_BASE;
    const auto from = static_cast<pid_t>(header.nlmsg_pid);
    if (is_removal(header.nlmsg_type) && from > 0 && from != ::getpid()) {
      changes.remover = from;
    }
    const std::size_t step = std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), size);
    bytes += step;
    size -= step;
  }
  return changes;
}

}  // namespace vpccni::linux
