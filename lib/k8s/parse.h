#pragma once
// What the API server sends, as values. Pure; foreign bytes; errors are corrupt unless the bytes
// are the server's own refusal.

#include <string_view>

#include "k8s/api.h"

namespace vpccni::k8s {

/// The most that one object may take as text; the API server refuses larger ones itself (1.5 MiB).
inline constexpr std::size_t kObjectLimit = std::size_t{4} << 20U;

Result<Node> parse_node(std::string_view json);
Result<Pod> parse_pod(std::string_view json);
Result<EniConfig> parse_eni_config(std::string_view json);
Result<CniNode> parse_cni_node(std::string_view json);
/// The server's version: gitVersion.
Result<std::string> parse_version(std::string_view json);
/// metadata.name
Result<std::string> parse_name(std::string_view json);

/// One line of a watch. An ERROR event is an error with the class of its code.
Result<Change<Node>> parse_node_change(std::string_view json);
Result<Change<Pod>> parse_pod_change(std::string_view json);

/// The class of an HTTP status outside 200-299.
Errc class_of(int status);
/// The text of a Status object, "" if it is none.
std::string status_message(std::string_view json);

}  // namespace vpccni::k8s
