#pragma once
// For tests: a network namespace of its own as a node, and further ones as pods. They vanish with
// these objects; nothing outside them is touched. Needs root. Failures are exceptions.

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include "linux/netns.h"
#include "linux/process.h"
#include "net/ip.h"
#include "net/mac.h"

namespace vpccni::podnet {

template <class T>
T must(Result<T> result) {
  if (!result) {
    throw std::runtime_error(result.error().message);
  }
  return *std::move(result);
}
inline void must(const Result<>& result) {
  if (!result) {
    throw std::runtime_error(result.error().message);
  }
}

/// stdout of a shell command; ip's blanks at line ends are gone.
inline std::string sh(const std::string& command) {
  const auto output = must(linux::run_process({"/bin/sh", "-euc", command}, {}, {}));
  if (output.exit_status != 0) {
    throw std::runtime_error(command + ": " + output.err);
  }
  std::string text;
  for (const char c : output.out) {
    while (c == '\n' && !text.empty() && text.back() == ' ') {
      text.pop_back();
    }
    text += c;
  }
  // The kernel notices a veth's carrier a moment late: "linkdown" says nothing about us.
  constexpr std::string_view kCarrier = " linkdown";
  for (auto at = text.find(kCarrier); at != std::string::npos; at = text.find(kCarrier)) {
    text.erase(at, kCarrier.size());
  }
  return text;
}

/// A fresh namespace for the calling thread.
inline void enter_new_netns() {
  if (::unshare(CLONE_NEWNET) != 0) {
    throw std::runtime_error("these tests make network namespaces: run them as root");
  }
}

inline void enter(const linux::Netns& netns) {
  if (::setns(netns.fd(), CLONE_NEWNET) != 0) {
    throw std::runtime_error("setns");
  }
}

/// The calling thread's namespace while it lives.
class TestHost {
 public:
  TestHost() : home_(must(linux::Netns::current())) {
    enter_new_netns();
    sh("ip link set lo up");
  }
  ~TestHost() {
    if (::setns(home_.fd(), CLONE_NEWNET) != 0) {
      std::abort();
    }
  }
  TestHost(const TestHost&) = delete;
  TestHost& operator=(const TestHost&) = delete;

  /// Worked example 9.1: eth0 10.0.0.5/24 is the primary ENI, eth1 still bare.
  void add_enis() const {
    sh("ip link add eth0 address 02:00:00:00:00:01 type veth peer name vpc0\n"
       "ip link add eth1 address 02:00:00:00:00:02 type veth peer name vpc1\n"
       "for l in vpc0 vpc1 eth0; do ip link set $l up; done\n"
       "ip addr add 10.0.0.5/24 brd + dev eth0\n"
       "ip route add default via 10.0.0.1");
  }

 private:
  linux::Netns home_;
};

class TestPod {
 public:
  TestPod() : netns_(make()) {}

  std::string path() const { return "/proc/self/fd/" + std::to_string(netns_.fd()); }
  const linux::Netns& netns() const { return netns_; }

  std::string sh(const std::string& command) const {
    std::string text;
    must(linux::with_netns(netns_, [&]() -> Result<> {
      text = podnet::sh(command);
      return {};
    }));
    return text;
  }

 private:
  static linux::Netns make() {
    const linux::Netns home = must(linux::Netns::current());
    enter_new_netns();
    linux::Netns made = must(linux::Netns::current());
    enter(home);
    return made;
  }
  linux::Netns netns_;
};

/// Everything of the host that attach and detach may change.
/// Without what the kernel does by itself, when it likes: carrier, IPv6 link-local and multicast.
inline std::string host_state() {
  return sh(
      "ip rule; ip -6 rule; ip -4 route show table all; "
      "ip -o link | sed -E 's/NO-CARRIER,//; s/ state [A-Z]+//'; "
      "ip -6 route show table all | grep -v -e fe80: -e ^multicast || true");
}

inline net::Ip ip(std::string_view text) {
  return must(net::Ip::parse(text));
}
inline net::Cidr cidr(std::string_view text) {
  return must(net::Cidr::parse(text));
}
inline net::Mac mac(std::string_view text) {
  return must(net::Mac::parse(text));
}

}  // namespace vpccni::podnet
