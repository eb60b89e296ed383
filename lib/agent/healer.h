#pragma once
// When a missing kernel object is put back (users.md C4, C9). Pure: no clock, no I/O; one thread.
//
// An object is put back when two looks miss it: an ADD or DEL that is at work is done by the
// second. What has to be put back again and again is fought over: then we wait, longer each time,
// and say so instead of fighting for ever.

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "podnet/host_check.h"

namespace vpccni::agent {

struct Healing {
  std::vector<podnet::Fault> repair;      // now
  std::vector<std::string> fought;        // put back too often: from now on with pauses
  std::vector<std::string> lost;          // cannot be put back; named once
  std::optional<base::SteadyTime> again;  // look again then, also if nothing changes
};

class Healer {
 public:
  /// Between two looks at least so much.
  static constexpr auto kConfirm = std::chrono::milliseconds(400);
  /// A pod's link can be gone because its DEL is on the way, or was never heard.
  static constexpr auto kLost = std::chrono::seconds(180);
  /// A fight: so often in a row a repair was undone so soon. It ends with so long a peace.
  static constexpr int kUndone = 8;
  static constexpr auto kSoon = std::chrono::seconds(2);
  static constexpr auto kPeace = std::chrono::minutes(5);
  static constexpr auto kFirstPause = std::chrono::seconds(30);
  static constexpr auto kLongestPause = std::chrono::minutes(10);

  /// `found`: all that one look misses. What is in `repair` counts as put back.
  Healing look(const std::vector<podnet::Fault>& found, base::SteadyTime now);
  /// It did not work: nobody undid it.
  void not_repaired(const std::string& what);

 private:
  struct Record {
    std::optional<base::SteadyTime> missing_since;
    std::optional<base::SteadyTime> repaired;  // last
    int undone = 0;                            // in a row
    base::Duration pause{};                    // zero: not fought over
    bool named = false;                        // as lost
  };
  void consider(const podnet::Fault& fault, Record& record, base::SteadyTime now, Healing& result);

  std::map<std::string, Record> records_;  // by what
};

}  // namespace vpccni::agent
