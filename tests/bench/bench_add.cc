// bench-add: ADD and DEL as whole processes, against the kernel's floor for the same netlink work.
// Run on a lab node (scripts/bench does). Floor and plugin take turns in the same run, so that
// their ratio does not depend on the machine. usage: bench-add --plugin PATH [--parallel N]
// [--samples N] Prints one JSON object; times in milliseconds.

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <iostream>
#include <latch>
#include <mutex>
#include <thread>

#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"
#include "podnet/pod.h"
#include "tests/bench/percentile.h"

namespace {

using namespace vpccni;
using bench::percentile;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string plugin;
  int parallel = 1;
  int samples = 200;
};

/// A network namespace under /run/netns for as long as this lives.
class PodNetns {
 public:
  explicit PodNetns(std::string name) : path_("/run/netns/" + std::move(name)) {
    // A thread of its own: its namespace goes with it, the mount keeps the new one.
    std::thread([this] {
      const base::Fd file(::open(path_.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
      ok_ = file.valid() && ::unshare(CLONE_NEWNET) == 0 &&
            ::mount("/proc/thread-self/ns/net", path_.c_str(), "none", MS_BIND, nullptr) == 0;
    }).join();
  }
  ~PodNetns() {
    ::umount2(path_.c_str(), MNT_DETACH);
    ::unlink(path_.c_str());
  }
  PodNetns(const PodNetns&) = delete;
  PodNetns& operator=(const PodNetns&) = delete;
  bool ok() const { return ok_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool ok_ = false;
};

struct Pod {
  int number = 0;
  std::unique_ptr<PodNetns> netns;
  std::string name() const { return "bench-" + std::to_string(number); }
  std::string sandbox() const {
    return base::hex(std::string(24, 'b') + std::to_string(10000000 + number));
  }
};

double milliseconds(Clock::duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

/// Starts the plugin, gives it its stdin, waits for its end. True if it succeeded.
bool run_plugin(const std::string& path, const std::string& verb, const Pod& pod) {
  int input[2];  // NOLINT(modernize-avoid-c-arrays): pipe2
  if (::pipe2(input, O_CLOEXEC) != 0) {
    return false;
  }
  const base::Fd read_end(input[0]);
  base::Fd write_end(input[1]);
  std::vector<std::string> variables = {
      "CNI_COMMAND=" + verb,
      "CNI_CONTAINERID=" + pod.sandbox(),
      "CNI_NETNS=" + pod.netns->path(),
      "CNI_IFNAME=eth0",
      "CNI_PATH=/",
      "CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=" + pod.name()};
  std::vector<char*> environment;
  for (auto& each : variables) {
    environment.push_back(each.data());
  }
  environment.push_back(nullptr);
  std::string program = path;
  char* arguments[] = {program.data(), nullptr};  // NOLINT(modernize-avoid-c-arrays)
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, read_end.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int started =
      ::posix_spawn(&child, path.c_str(), &actions, nullptr, arguments, environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (started != 0) {
    return false;
  }
  constexpr std::string_view kConfig =
      R"({"cniVersion":"1.0.0","name":"aws-cni","type":"aws-cni","pluginLogLevel":"error"})";
  const bool written = ::write(write_end.get(), kConfig.data(), kConfig.size()) > 0;
  write_end.reset();
  int status = 0;
  ::waitpid(child, &status, 0);
  return written && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// What ADD asks of the kernel, without process, RPC and checkpoint.
bool floor_add(const Pod& pod) {
  podnet::PodLink link;
  link.address = net::Ip::v4(0x0ac80000U + static_cast<std::uint32_t>(pod.number));  // 10.200/16
  link.host_veth = podnet::host_veth_name("eni", "floor", pod.name(), 0);
  link.container_link = "eth0";
  link.host_mac = podnet::host_veth_mac(pod.sandbox(), "eth0");
  link.table = net::TableId(2);
  return podnet::attach_pod(pod.netns->path(), {link}).has_value();
}

bool floor_del(const Pod& pod) {
  return podnet::detach_pod(
             {{net::Ip::v4(0x0ac80000U + static_cast<std::uint32_t>(pod.number)), net::TableId(2),
               podnet::host_veth_name("eni", "floor", pod.name(), 0)}})
      .has_value();
}

/// Times of `work` on every pod, `parallel` at once.
struct Times {
  std::vector<double> each;
  int failed = 0;
};

template <class Work>
void measure(const std::vector<Pod>& pods, int parallel, Times& times, Work work) {
  std::mutex mutex;
  std::atomic<std::size_t> next = 0;
  std::latch ready(parallel);
  std::vector<std::jthread> threads;
  for (int i = 0; i < parallel; ++i) {
    threads.emplace_back([&] {
      ready.arrive_and_wait();
      for (std::size_t at = next++; at < pods.size(); at = next++) {
        const auto begin = Clock::now();
        const bool ok = work(pods[at]);
        const auto took = milliseconds(Clock::now() - begin);
        const std::lock_guard lock(mutex);
        times.each.push_back(took);
        times.failed += ok ? 0 : 1;
      }
    });
  }
}

bool make_pods(std::vector<Pod>& pods, int count, int& number, const std::string& prefix) {
  pods.clear();
  for (int i = 0; i < count; ++i) {
    Pod pod;
    pod.number = ++number;
    pod.netns = std::make_unique<PodNetns>(prefix + std::to_string(pod.number));
    if (!pod.netns->ok()) {
      return false;
    }
    pods.push_back(std::move(pod));
  }
  return true;
}

int run(const Options& options) {
  Times floor_adds;
  Times floor_dels;
  Times adds;
  Times dels;
  std::vector<Pod> pods;
  int number = 0;
  const std::string prefix = "vpcbench-" + std::to_string(::getpid()) + "-";
  const int batch = std::max(options.parallel, 10);
  while (static_cast<int>(adds.each.size()) < options.samples) {
    if (!make_pods(pods, batch, number, prefix)) {
      std::cerr << "bench-add: a network namespace cannot be made\n";
      return 1;
    }
    measure(pods, options.parallel, floor_adds, floor_add);
    measure(pods, options.parallel, floor_dels, floor_del);
    if (!make_pods(pods, batch, number, prefix)) {
      return 1;
    }
    measure(pods, options.parallel, adds,
            [&](const Pod& pod) { return run_plugin(options.plugin, "ADD", pod); });
    measure(pods, options.parallel, dels,
            [&](const Pod& pod) { return run_plugin(options.plugin, "DEL", pod); });
    pods.clear();
  }
  base::OrderedJson out;
  out["parallel"] = options.parallel;
  out["samples"] = adds.each.size();
  out["failed"] = adds.failed + dels.failed + floor_adds.failed + floor_dels.failed;
  out["floor_p50_ms"] = percentile(floor_adds.each, 0.5);
  out["floor_p99_ms"] = percentile(floor_adds.each, 0.99);
  out["add_p50_ms"] = percentile(adds.each, 0.5);
  out["add_p99_ms"] = percentile(adds.each, 0.99);
  out["floor_del_p50_ms"] = percentile(floor_dels.each, 0.5);
  out["del_p50_ms"] = percentile(dels.each, 0.5);
  out["del_p99_ms"] = percentile(dels.each, 0.99);
  out["ratio_p50"] =
      std::round(percentile(adds.each, 0.5) / percentile(floor_adds.each, 0.5) * 100) / 100;
  std::cout << base::dump_json(out) << '\n';
  return out["failed"] == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--plugin") {
      options.plugin = argv[i + 1];
    } else if (name == "--parallel") {
      options.parallel = base::parse_integer<int>(argv[i + 1]).value_or(0);
    } else if (name == "--samples") {
      options.samples = base::parse_integer<int>(argv[i + 1]).value_or(0);
    }
  }
  if (options.plugin.empty() || options.parallel < 1 || options.samples < 1) {
    std::cerr << "usage: bench-add --plugin PATH [--parallel N] [--samples N]\n";
    return 2;
  }
  return run(options);
}
