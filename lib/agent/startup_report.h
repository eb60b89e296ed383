#pragma once
// Tells where start-up is while it runs (spec users.md B1): startup.json beside the checkpoint and
// a line on stdout, at each step, while a step waits, and at the end; and holds steps to their
// time: waits end after kWaitLimit, calls over the network after kStepLimit. Thread-safe.

#include <iosfwd>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/startup_file.h"
#include "http/client.h"

namespace vpccni::agent {

inline constexpr auto kStepLimit = std::chrono::seconds(60);
/// Waits for the kernel end earlier, so that a step that can go on without what it waits for does.
inline constexpr auto kWaitLimit = std::chrono::seconds(45);

class StartupReport {
 public:
  /// `clock` and `out` outlive it. A file that cannot be written is no error: it only tells.
  StartupReport(const std::string& backing_store, const base::Clock& clock, std::ostream& out);
  StartupReport(const StartupReport&) = delete;
  StartupReport& operator=(const StartupReport&) = delete;

  /// The next step. The token asks it to end its waits.
  std::stop_token begin(int step, int of, std::string_view name);
  void ready();
  void failed(const Error& error);

  /// A call over the network begins and ends.
  void waits_for(const std::string& what);
  void got(const Error* error);

  /// Left of the running step's time, 0 at least; none when the start is over.
  std::optional<base::Duration> time_left() const;

  /// Once a second while starting: tells how long it takes by now, and ends waits.
  void tick();
  void tick_by_itself();

 private:
  void tell_locked();  // in the file
  void say_locked();   // on out_

  const std::string path_;
  const base::Clock& clock_;
  std::ostream& out_;
  mutable std::mutex state_mutex_;
  base::StartupFile file_;    // guarded by state_mutex_, as all below
  base::SteadyTime began_{};  // the step
  base::SteadyTime told_{};   // on out_
  std::stop_source end_of_waits_;
  std::jthread ticker_;  // last: uses the others
};

/// A client that reports its calls and holds them to start-up's limits (connect 2 s, call 10 s, and
/// what is left of the step). Does nothing of this when the start is over.
std::unique_ptr<http::Client> reporting_client(std::unique_ptr<http::Client> inner,
                                               StartupReport& report);

/// What a request is about, without anything secret: "ec2:DescribeSubnets at https://host/".
std::string describe(const http::Request& request);

}  // namespace vpccni::agent
