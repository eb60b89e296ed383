#pragma once
// Puts our kernel objects back when somebody removes them: rules, routes, addresses and links
// within about a second of the kernel's notice, iptables chains at a look every 30 s. The worker
// must be one that no EC2 call delays.

#include <functional>
#include <memory>
#include <string>

#include "agent/healer.h"
#include "agent/worker.h"
#include "base/log.h"
#include "event/loop.h"
#include "linux/route_monitor.h"
#include "metrics/registry.h"

namespace vpccni::agent {

/// Lives on the loop's thread, and in the network namespace of the node. What is referenced
/// outlives it.
class SelfHealing {
 public:
  struct Sources {
    std::function<podnet::WantedHost()> wanted;  // on the loop's thread
    /// Tells the cluster, on the loop's thread: reason and note of an event.
    std::function<void(const std::string& reason, const std::string& note)> tell;
  };
  SelfHealing(event::Loop& loop, Worker& worker, const base::Clock& clock, const base::Log& log,
              metrics::Registry& metrics, Sources sources);

  /// The chains have to change: the VPC has other CIDRs.
  void renew_chains() { verify_chains(true); }

 private:
  void changed();
  void look_after(base::Duration delay);
  void look();
  void looked(const Healing& healing);
  Healing heal(const podnet::WantedHost& wanted);
  void verify_chains(bool expected);
  void compare_chains(const podnet::HostNetwork& network, bool expected);
  std::string remover() const;

  event::Loop& loop_;
  Worker& worker_;
  const base::Clock& clock_;
  const base::Log& log_;
  metrics::Registry& metrics_;
  Sources sources_;
  std::optional<linux::RouteMonitor> monitor_;
  std::optional<pid_t> remover_;
  event::Registration watch_;
  event::Registration timer_;
  event::Registration chains_;
  bool looking_ = false;
  bool again_ = false;  // something changed during a look
  std::optional<base::SteadyTime> due_;
  Healer healer_;  // the worker's
};

}  // namespace vpccni::agent
