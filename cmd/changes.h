#pragma once
// Changes that somebody makes by hand: told first, made with --yes, refused with all that speaks
// against them; what is as wanted already is a success. Exit 0 unless one is refused or fails.

#include <functional>
#include <string>
#include <vector>

#include "aws/session.h"
#include "cmd/progress.h"
#include "sre/may_change.h"

namespace vpccni::cmd {

struct Change {
  std::string what;                  // "unassign 10.0.0.7 from eni-1"
  std::vector<std::string> against;  // refused if there is any
  bool done_already = false;
  std::function<Result<std::string>(Progress&)> make;  // what it did, in words
};

/// Tells or makes them, one after the other, until one fails.
int run_changes(const Invocation& invocation, const std::vector<Change>& changes, bool yes,
                bool json);

/// This instance, as EC2 and this node see it.
struct Instance {
  std::unique_ptr<aws::Session> session;
  aws::InstanceIdentity identity;
  std::vector<sre::AttachedEni> enis;
  sre::NodeView view;
};
Result<Instance> read_instance(const Invocation& invocation, bool json);

}  // namespace vpccni::cmd
