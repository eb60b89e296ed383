#pragma once
// What a node's agent is to the cluster: it starts, and answers ADD and DEL.

#include <functional>
#include <string>
#include <variant>

#include "net/ip.h"
#include "tests/bench/pool/edges.h"

namespace vpccni::pool {

/// The settings under comparison; the same for both agents.
struct Targets {
  bool prefixes = false;
  int warm_enis = 1;
  int warm_ips = 0;
  int minimum_ips = 0;
  int warm_prefixes = 0;
  int max_pods = 0;  // 0 = of the instance type
  base::Duration cooldown = std::chrono::seconds(30);
};

/// The address, or why there is none.
using AddAnswer = std::variant<net::Ip, std::string>;

class NodeAgent {
 public:
  virtual ~NodeAgent() = default;
  /// Starts the agent's process; `ready` is called when it serves.
  virtual void start(std::function<void()> ready) = 0;
  /// REQUIRES that it serves. `answer` is called later.
  virtual void add(int pod, std::function<void(const AddAnswer&)> answer) = 0;
  virtual void del(int pod) = 0;
};

/// The container comes back after a failed start: at once, then 10 s, 20 s … 300 s.
base::Duration restart_delay(int failures);

}  // namespace vpccni::pool
