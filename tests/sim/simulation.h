#pragma once
// One seed from start to end: a storm of `steps` events, then quiet, then a look at what is left,
// a clean restart, and another look. check() of the VPC model holds all the way.

#include <deque>
#include <optional>
#include <string>

#include "tests/sim/journal.h"
#include "tests/sim/world.h"

namespace vpccni::sim {

struct Outcome {
  std::optional<Violation> violation;
  std::deque<std::string> lines;  // with Options.trace
  std::size_t digest = 0;         // of the lines
};

Outcome simulate(const Options& options);

// Parts of a run, for other scenarios.
void pass(World& world, base::Duration how_long);
/// Quiet, a look at what is left, a clean restart, and another look.
void settle(World& world);

}  // namespace vpccni::sim
