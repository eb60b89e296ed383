#include "agent/connection_flush.h"

namespace vpccni::agent {

void ConnectionFlush::released(const net::Ip& address) {
  waiting_.released.insert(address);
  start();
}

void ConnectionFlush::assigned(const net::Ip& address) {
  waiting_.released.erase(address);  // its pod may speak by now
  waiting_.assigned.insert(address);
  start();
}

void ConnectionFlush::start() {
  if (running_ || waiting_.empty()) {
    return;
  }
  running_ = true;
  worker_.post([this, batch = std::exchange(waiting_, {})](const std::stop_token&) {
    auto done = conntrack::flush(batch);
    loop_.post([this, done = std::move(done)] {
      running_ = false;
      if (!done && !failed_) {
        log_.warn("connections of released addresses stay tracked; ignoring",
                  {{"error", done.error().message}});
      }
      if (done && *done > 0) {
        log_.debug("connections of released addresses forgotten",
                   {{"count", std::to_string(*done)}});
      }
      failed_ = !done;
      start();
    });
  });
}

}  // namespace vpccni::agent
