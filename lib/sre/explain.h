#pragma once
// The way of one pod's packets, hop by hop, each held against what the node shows. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "sre/node_view.h"

namespace vpccni::sre {

/// What repairs what the agent heals.
inline constexpr const char* kHeals =
    "the agent puts it back within seconds (VPCCNI_DATAPLANE_RECONCILE=true); restart aws-node";

enum class HopState { ok, broken, unknown };
std::string_view to_string(HopState state);

struct Hop {
  std::string name;  // stable: "rule to"
  HopState state = HopState::ok;
  std::string detail;
  std::string fix;  // what repairs it; "" unless broken
};

/// Rows that the text means: "namespace/name", "name", or an address.
std::vector<const PodRow*> find_pods(const NodeView& view, std::string_view text);

std::vector<Hop> explain(const NodeView& view, const PodRow& pod);
/// The first broken one; null if none is.
const Hop* first_broken(const std::vector<Hop>& hops);

/// What of our chains is missing, in words; empty if nothing, or if they could not be read.
std::vector<std::string> missing_chains(const NodeView& view);
/// 1 when the kernel drops what leaves by another way than it came; the stricter of "all" and the
/// primary link's counts.
int effective_rp_filter(const NodeView& view);

}  // namespace vpccni::sre
