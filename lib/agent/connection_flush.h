#pragma once
// Takes addresses out of the kernel's connection tracking when their pod is gone, and again when
// the next pod gets them (users.md C7). After the reply, in batches: no ADD or DEL waits for it.

#include "agent/worker.h"
#include "base/log.h"
#include "conntrack/conntrack.h"
#include "event/loop.h"

namespace vpccni::agent {

/// Lives on the loop's thread; the worker does the work. What is referenced outlives it.
class ConnectionFlush {
 public:
  ConnectionFlush(event::Loop& loop, Worker& worker, const base::Log& log)
      : loop_(loop), worker_(worker), log_(log) {}

  void released(const net::Ip& address);
  void assigned(const net::Ip& address);

 private:
  void start();

  event::Loop& loop_;
  Worker& worker_;
  const base::Log& log_;
  conntrack::Flush waiting_;
  bool running_ = false;
  bool failed_ = false;  // said once, until it works again
};

}  // namespace vpccni::agent
