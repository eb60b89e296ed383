#pragma once
// The restart matrix: an agent with fifty live pods restarts while IMDS or EC2 tell something
// wrong, in both modes of the pool and in each use of the node. The seed names the case; no pod may
// lose its address.

#include <string>

#include "tests/sim/simulation.h"

namespace vpccni::sim {

enum class Wrong {
  imds_short,        // lacks one address or prefix that pods use
  imds_without_eni,  // lacks an ENI with pods
  imds_lists_freed,  // still lists what was given back
  ec2_away,          // does not answer
  both_stale         // show the state of some time ago
};
inline constexpr int kWrongs = 5;

struct MatrixCase {
  Wrong wrong = Wrong::imds_short;
  bool prefixes = false;
  Mode mode = Mode::plain;
};
std::string to_string(const MatrixCase& one);
/// Every thirty seeds in a row are all cases once; a mode that is asked for leaves ten.
MatrixCase matrix_case(const Options& options);

/// For the world of such a seed, in place of a drawn climate.
void set_matrix_climate(World& world);
/// REQUIRES options.matrix.
Outcome restart_matrix(const Options& options);

}  // namespace vpccni::sim
