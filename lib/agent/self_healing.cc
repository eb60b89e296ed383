#include "agent/self_healing.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "agent/host_chains.h"
#include "base/files.h"
#include "base/text.h"

namespace vpccni::agent {

namespace {

using metrics::Metric;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Changes come in bursts: one look for all of them, and never more than this many a second.
constexpr auto kBurst = milliseconds(150);
constexpr auto kBetween = milliseconds(450);
constexpr auto kRetry = seconds(5);
constexpr auto kChainPeriod = seconds(30);
constexpr auto kLookPeriod = seconds(60);  // a notice can be lost

/// Its name, where pids mean the same to us as to it.
std::string name_of(pid_t pid) {
  std::string text = "pid " + std::to_string(pid);
  std::array<char, 64> ns{};
  const ssize_t n = ::readlink("/proc/self/ns/pid", ns.data(), ns.size() - 1);
  if (n > 0 && std::string_view(ns.data()) == "pid:[4026531836]") {  // the machine's own
    if (const auto comm = base::read_file("/proc/" + std::to_string(pid) + "/comm", 64)) {
      text += " (" + std::string(base::trim(*comm)) + ")";
    }
  }
  return text;
}

}  // namespace

SelfHealing::SelfHealing(event::Loop& loop, Worker& worker, const base::Clock& clock,
                         const base::Log& log, metrics::Registry& metrics, Sources sources)
    : loop_(loop),
      worker_(worker),
      clock_(clock),
      log_(log),
      metrics_(metrics),
      sources_(std::move(sources)) {
  auto monitor = linux::RouteMonitor::open();
  if (monitor) {
    monitor_ = *std::move(monitor);
    watch_ = loop_.watch(monitor_->fd(), event::Ready::read, [this](bool, bool) { changed(); });
  } else {
    log_.warn("changes of rules and routes are not noticed; looking once a minute",
              {{"error", monitor.error().message}});
  }
  chains_ = loop_.every(kChainPeriod, [this] { verify_chains(false); });
  look_after(kBurst);  // for what went while no agent ran
}

void SelfHealing::changed() {
  const auto changes = monitor_->drain();
  remover_ = changes.remover ? changes.remover : remover_;
  if (changes.any) {
    look_after(looking_ ? kBetween : kBurst);
  }
}

void SelfHealing::look_after(base::Duration delay) {
  const auto when = clock_.now().steady + delay;
  if (looking_) {
    again_ = true;
  } else if (!due_ || when < *due_) {
    due_ = when;
    timer_ = loop_.after(delay, [this] { look(); });
  }
}

void SelfHealing::look() {
  due_.reset();
  looking_ = true;
  worker_.post([this, wanted = sources_.wanted()](const std::stop_token&) {
    auto healing = heal(wanted);
    loop_.post([this, healing = std::move(healing)] { looked(healing); });
  });
}

Healing SelfHealing::heal(const podnet::WantedHost& wanted) {
  const auto seen = podnet::read_host(wanted);
  if (!seen) {
    log_.warn("the host's rules and routes cannot be read; tried again",
              {{"error", seen.error().message}});
    return {};
  }
  Healing healing = healer_.look(podnet::find_faults(wanted, *seen), clock_.now().steady);
  std::erase_if(healing.repair, [&](const auto& fault) {
    const auto done = podnet::repair(fault);
    if (!done) {
      log_.error("a kernel object of ours is missing and could not be put back; tried again",
                 {{"object", fault.what}, {"error", done.error().message}});
      healer_.not_repaired(fault.what);
      healing.again = clock_.now().steady + kRetry;
    }
    return !done;
  });
  return healing;
}

std::string SelfHealing::remover() const {
  return remover_ ? name_of(*remover_) : "unknown";
}

void SelfHealing::looked(const Healing& healing) {
  looking_ = false;
  const bool anything = !healing.repair.empty() || !healing.fought.empty() || !healing.lost.empty();
  const std::string by = anything ? remover() : std::string();
  for (const auto& fault : healing.repair) {
    metrics_.add<Metric::vpccni_dataplane_repairs_total>({podnet::to_string(fault.object)});
    log_.warn("somebody removed a kernel object of ours; put back",
              {{"object", fault.what}, {"last_remover", by}});
  }
  for (const auto& what : healing.fought) {
    log_.error("somebody removes a kernel object of ours again and again; put back with pauses",
               {{"object", what}, {"last_remover", by}});
    sources_.tell("DataplaneFight", what + " is removed again and again, last by " + by +
                                        ": pods lose traffic until it stops");
  }
  for (const auto& what : healing.lost) {
    log_.error("a kernel object of a pod is gone; only a new pod gets another",
               {{"object", what}, {"last_remover", by}});
    sources_.tell("PodLinkLost", what + " is gone: delete the pod, so that it gets a new one");
  }
  if (std::exchange(again_, false)) {
    look_after(kBetween);
  }
  if (healing.again) {
    look_after(std::max<base::Duration>(*healing.again - clock_.now().steady, kBurst));
  }
  if (!due_) {
    look_after(kLookPeriod);
  }
}

void SelfHealing::verify_chains(bool expected) {
  worker_.post([this, network = sources_.wanted().network, expected](const std::stop_token&) {
    compare_chains(network, expected);
  });
}

void SelfHealing::compare_chains(const podnet::HostNetwork& network, bool expected) {
  const auto changed = agent::update_chains(network);
  if (!changed) {
    log_.error("the iptables chains could not be verified; tried again in 30 s",
               {{"error", changed.error().message}});
  } else if (*changed && !expected) {
    metrics_.add<Metric::vpccni_dataplane_repairs_total>(
        {podnet::to_string(podnet::HostObject::chain)});
    log_.warn("the iptables chains were not as they should be; set right");
  }
}

}  // namespace vpccni::agent
