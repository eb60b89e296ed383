#pragma once
// The tags of our ENIs (spec agent.md 5.2, 5.3). A tag that cannot be set is a warning, never the
// end of a start: nothing of the data plane depends on it.

#include <optional>
#include <stop_token>
#include <string_view>

#include "agent/eni_lifecycle.h"

namespace vpccni::agent {

inline constexpr std::string_view kCreatedAtTag = "node.k8s.amazonaws.com/createdAt";

/// Those of `wanted` that the ENI lacks or has with another value. None for a trunk, which is the
/// resource controller's.
aws::Tags missing_tags(const aws::Eni& eni, const aws::Tags& wanted);

/// The tags of an ENI that is made now: eni_tags() of the node and createdAt.
aws::Tags new_eni_tags(const Node& node, base::WallTime now);

/// RFC 3339, whole seconds, UTC.
std::string format_created_at(base::WallTime at);
/// RFC 3339 with Z or an offset, as upstream writes its local time.
std::optional<base::WallTime> parse_created_at(std::string_view text);

/// CreateTags with retries where they can help.
Result<> tag_eni(const Edges& edges, const net::EniId& eni, const aws::Tags& tags,
                 const std::stop_token& stop);

/// For a managed ENI that start or reconcile found. Does nothing if no tag is missing or
/// provisioning is disabled; a failure is logged.
void tag_if_needed(const Edges& edges, const Node& node, const aws::Eni& eni,
                   const std::stop_token& stop);

}  // namespace vpccni::agent
