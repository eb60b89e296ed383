#pragma once
// The last ADDs that gave no address, and what was true then: the memory behind /v1/failures. The
// texts are bounded, as a pod's name is foreign. Not thread-safe; the loop owns it.

#include <deque>
#include <string>

#include "base/clock.h"
#include "ipam/event.h"

namespace vpccni::agent {

struct FailedAdd {
  base::WallTime at{};
  base::Duration took{};
  std::string reason;  // of the catalogue, spec users.md 1.6
  std::string detail;
  ipam::PodKey key;
  ipam::PodInfo pod;
  ipam::Stats pool;
  std::string doing;  // the operation under way, or why there is none
};

class FailedAdds {
 public:
  static constexpr std::size_t kKept = 1000;

  void add(FailedAdd one);
  const std::deque<FailedAdd>& kept() const { return kept_; }  // oldest first
  std::uint64_t total() const { return total_; }               // since the agent's start

 private:
  std::deque<FailedAdd> kept_;
  std::uint64_t total_ = 0;
};

/// The catalogue's reason at the start of an error's text ("MULTI_NIC_OFF: …") and what follows;
/// a text without one is an INVALID_REQUEST.
ipam::AddFailure split_reason(const std::string& text);

}  // namespace vpccni::agent
