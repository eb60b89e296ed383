#pragma once
// What shall go wrong, as data: faults of EC2 actions, the account's token buckets, and faults of
// one instance's IMDS. Pure; the faces act on what is decided here. Not thread-safe.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/id.h"

namespace vpccni::vpc {

class Model;

enum class FaultKind {
  throttle,      // RequestLimitExceeded, nothing is done
  deny,          // UnauthorizedOperation, nothing is done
  fail,          // `code`, nothing is done
  delay,         // the work is done at once, the answer comes `delay` later
  lose_answer,   // the work is done, the connection is cut instead of answering
  cut,           // the connection is cut, nothing is done
  black_hole,    // no answer at all, nothing is done
  slow_drip,     // the work is done, the answer comes in pieces `delay` apart
  garbage,       // the work is done, the answer is no XML
  error_in_200,  // `code` in a 200, nothing is done
  http_status,   // `status` with an empty body, nothing is done
  stale          // Describe actions answer from `as_of`, the others are not touched
};
std::string_view to_string(FaultKind kind);
std::optional<FaultKind> parse_fault_kind(std::string_view text);

struct Fault {
  FaultKind kind = FaultKind::fail;
  std::string action = "*";  // EC2's action name, or "*"
  net::InstanceId instance;  // only calls with this instance's role; empty = everybody's
  int times = -1;            // how often; -1 = until cleared
  std::string code = "InternalError";
  std::string message;
  int status = 503;
  base::Duration delay{};
  std::shared_ptr<Model> as_of;  // of stale: a copy of the model as it was
  int id = 0;                    // set by add()
};

/// What happens to one call.
struct CallPlan {
  std::optional<Error> refusal;  // answer this and do nothing; the cause is EC2's code
  base::Duration delay{};
  std::optional<Fault> ending;   // lose_answer, cut, black_hole, slow_drip, garbage, error_in_200,
                                 // http_status
  std::shared_ptr<Model> as_of;  // answer from this instead of the model
  bool works() const;            // the action is carried out
};

class Faults {
 public:
  int add(Fault fault);
  void clear();
  bool clear(int id);
  const std::vector<Fault>& active() const { return active_; }

  /// Spec aws.md 6.6: per action bucket, shared by the account. Off by default.
  void set_account_limits(bool on) { account_limits_ = on; }

  /// Counts the call and uses up what applies to it. The first fault of each kind applies.
  CallPlan plan(std::string_view action, const net::InstanceId& caller, base::Instant now);

  const std::map<std::string, std::uint64_t, std::less<>>& calls() const { return calls_; }
  void reset_calls() { calls_.clear(); }

 private:
  std::optional<Fault> use(FaultKind kind, std::string_view action, const net::InstanceId& caller);
  bool take_token(std::string_view action, base::Instant now);

  struct Bucket {
    double tokens = 0;
    base::SteadyTime at{};
  };
  std::vector<Fault> active_;
  int next_id_ = 1;
  bool account_limits_ = false;
  std::map<std::string, Bucket, std::less<>> buckets_;
  std::map<std::string, std::uint64_t, std::less<>> calls_;
};

/// Faults of one instance's metadata service.
struct ImdsFaults {
  enum class Gone { vanish, half, stay };
  bool down = false;                       // connections are cut
  bool black_hole = false;                 // no answer
  base::Duration delay{};                  // before each answer
  bool tokens_refused = false;             // 403 for PUT
  int unavailable = 0;                     // the next N requests get 503
  base::Duration clock_behind{};           // of its own clock, in answers' dates
  std::optional<base::SteadyTime> frozen;  // shows the state of that moment
  std::set<std::string> missing;           // paths under /latest/ that answer 404
  std::set<std::string> hidden;            // ENI ids, MACs, addresses, prefixes left out of lists
  /// What is left of an ENI that was detached: nothing; its MAC without device-number; everything.
  Gone after_detach = Gone::vanish;
};

}  // namespace vpccni::vpc
