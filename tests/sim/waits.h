#pragma once
// base::retry draws its jitter from the machine's entropy; a run in virtual time must repeat.

#include "base/clock.h"

namespace vpccni::sim {

/// A wait is cut to the step below it, and no back-off of lib/agent has a step inside its 15 % of
/// jitter: then the cut wait is the same for every draw. (The test sim_replay sees it if that
/// changes.)
inline base::Duration repeatable_wait(base::Duration wanted) {
  constexpr int kMilliseconds[] = {50,   75,   100,  150,  200,  240,   350,   500,  700,
                                   1000, 1500, 1900, 2700, 5500, 10700, 21000, 45000};
  base::Duration cut = wanted;
  for (const int step : kMilliseconds) {
    const base::Duration at = std::chrono::milliseconds(step);
    cut = at <= wanted ? at : cut;
  }
  return cut;
}

}  // namespace vpccni::sim
