#include "k8s/parse.h"

#include <algorithm>
#include <limits>

#include "base/json.h"
#include "base/text.h"

namespace vpccni::k8s {

namespace {

using base::Json;

constexpr std::size_t kMessageLimit = 512;
constexpr std::size_t kMostItems = 64;  // groups of an ENIConfig, features of a CNINode

std::map<std::string, std::string> texts(const Json* object) {
  std::map<std::string, std::string> out;
  if (object != nullptr && object->is_object()) {
    for (const auto& [key, value] : object->items()) {
      if (value.is_string()) {
        out.emplace(key, value.get<std::string>());
      }
    }
  }
  return out;
}

const Json& member_or_null(const Json& value, std::string_view name) {
  static const Json null;
  const Json* found = base::find_member(value, name);
  return found == nullptr ? null : *found;
}

Result<Json> object(std::string_view text) {
  VPCCNI_TRY(auto value, base::parse_json(text, {.bytes = kObjectLimit}));
  if (!value.is_object()) {
    return Error{Errc::corrupt, "a JSON object expected"};
  }
  return value;
}

/// A count of pods as the API server writes quantities: "110", but "1k" for 1000.
std::optional<int> pod_count(std::string text) {
  std::int64_t unit = 1;
  if (text.ends_with('k')) {
    unit = 1000;
    text.pop_back();
  }
  const auto count = base::parse_integer<int>(text);
  if (!count || *count < 0 || *count > std::numeric_limits<int>::max() / unit) {
    return std::nullopt;
  }
  return static_cast<int>(*count * unit);
}

Result<Node> node_of(const Json& value) {
  const Json& metadata = member_or_null(value, "metadata");
  Node node;
  node.name = base::string_member(metadata, "name");
  node.labels = texts(base::find_member(metadata, "labels"));
  node.annotations = texts(base::find_member(metadata, "annotations"));
  const Json& taints = member_or_null(member_or_null(value, "spec"), "taints");
  if (taints.is_array()) {
    for (const auto& taint : taints) {
      node.taints.push_back(
          {base::string_member(taint, "key"), base::string_member(taint, "effect")});
    }
  }
  const Json& capacity = member_or_null(member_or_null(value, "status"), "capacity");
  node.pod_capacity = pod_count(base::string_member(capacity, "pods"));
  if (node.name.empty()) {
    return Error{Errc::corrupt, "a node without a name"};
  }
  return node;
}

/// Upstream asks for the first container's limits alone, and for the start of the name.
bool wants_branch_eni(const Json& spec) {
  const Json& containers = member_or_null(spec, "containers");
  if (!containers.is_array() || containers.empty()) {
    return false;
  }
  const Json& limits = member_or_null(member_or_null(containers.front(), "resources"), "limits");
  return limits.is_object() &&
         std::any_of(limits.items().begin(), limits.items().end(), [](const auto& item) {
           return item.key().starts_with("vpc.amazonaws.com/pod-eni");
         });
}

Result<Pod> pod_of(const Json& value) {
  const Json& metadata = member_or_null(value, "metadata");
  Pod pod;
  pod.name_space = base::string_member(metadata, "namespace");
  pod.name = base::string_member(metadata, "name");
  pod.uid = base::string_member(metadata, "uid");
  pod.annotations = texts(base::find_member(metadata, "annotations"));
  pod.host_network =
      base::bool_member(member_or_null(value, "spec"), "hostNetwork").value_or(false);
  const auto phase = base::string_member(member_or_null(value, "status"), "phase");
  pod.finished = phase == "Succeeded" || phase == "Failed";
  pod.terminating = base::find_member(metadata, "deletionTimestamp") != nullptr;
  pod.wants_branch_eni = wants_branch_eni(member_or_null(value, "spec"));
  if (pod.name.empty()) {
    return Error{Errc::corrupt, "a pod without a name"};
  }
  return pod;
}

/// {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": …}}
Error watch_error(const Json& status) {
  const auto code = base::integer_member(status, "code").value_or(500);
  const int number = code >= 400 && code <= 599 ? static_cast<int>(code) : 500;
  return {class_of(number),
          "the watch ends: " + base::string_member(status, "message").substr(0, kMessageLimit),
          std::to_string(number)};
}

template <class T>
Result<Change<T>> change_of(std::string_view text, Result<T> (*parse)(const Json&)) {
  VPCCNI_TRY(const auto value, object(text));
  const std::string type = base::string_member(value, "type");
  const Json& what = member_or_null(value, "object");
  if (type == "ERROR") {
    return watch_error(what);
  }
  Change<T> change;
  change.version = base::string_member(member_or_null(what, "metadata"), "resourceVersion");
  if (change.version.empty()) {
    return Error{Errc::corrupt, "a watch event without a version"};
  }
  if (type == "BOOKMARK") {
    return change;
  }
  if (type != "ADDED" && type != "MODIFIED" && type != "DELETED") {
    return Error{Errc::corrupt, "no type of a watch event: " + base::json_quote(type)};
  }
  change.kind = type == "DELETED" ? Change<T>::Kind::gone : Change<T>::Kind::present;
  VPCCNI_TRY(change.object, parse(what));
  return change;
}

}  // namespace

Result<Node> parse_node(std::string_view text) {
  VPCCNI_TRY(const auto value, object(text));
  return node_of(value);
}

Result<Pod> parse_pod(std::string_view text) {
  VPCCNI_TRY(const auto value, object(text));
  return pod_of(value);
}

Result<EniConfig> parse_eni_config(std::string_view text) {
  VPCCNI_TRY(const auto value, object(text));
  const Json& spec = member_or_null(value, "spec");
  EniConfig config;
  config.name = base::string_member(member_or_null(value, "metadata"), "name");
  config.subnet = net::SubnetId(base::string_member(spec, "subnet"));
  const Json& groups = member_or_null(spec, "securityGroups");
  if (groups.is_array()) {
    for (const auto& group : groups) {
      if (!group.is_string() || config.security_groups.size() == kMostItems) {
        return Error{Errc::corrupt, "securityGroups is no list of at most 64 ids"};
      }
      config.security_groups.emplace_back(group.get<std::string>());
    }
  }
  if (config.name.empty()) {
    return Error{Errc::corrupt, "an ENIConfig without a name"};
  }
  return config;
}

Result<CniNode> parse_cni_node(std::string_view text) {
  VPCCNI_TRY(const auto value, object(text));
  const Json& metadata = member_or_null(value, "metadata");
  CniNode node;
  node.name = base::string_member(metadata, "name");
  node.version = base::string_member(metadata, "resourceVersion");
  const Json& features = member_or_null(member_or_null(value, "spec"), "features");
  if (features.is_array()) {
    for (const auto& feature : features) {
      if (node.features.size() == kMostItems) {
        return Error{Errc::corrupt, "a CNINode with more than 64 features"};
      }
      node.features.push_back(
          {base::string_member(feature, "name"), base::string_member(feature, "value")});
    }
  }
  if (node.name.empty() || node.version.empty()) {
    return Error{Errc::corrupt, "a CNINode without a name or version"};
  }
  return node;
}

Result<std::string> parse_version(std::string_view text) {
  VPCCNI_TRY(const auto value, object(text));
  return base::string_member(value, "gitVersion");
}

Result<std::string> parse_name(std::string_view text) {
  VPCCNI_TRY(const auto value, object(text));
  auto name = base::string_member(member_or_null(value, "metadata"), "name");
  if (name.empty()) {
    return Error{Errc::corrupt, "an object without a name"};
  }
  return name;
}

Result<Change<Node>> parse_node_change(std::string_view text) {
  return change_of<Node>(text, node_of);
}

Result<Change<Pod>> parse_pod_change(std::string_view text) {
  return change_of<Pod>(text, pod_of);
}

Errc class_of(int status) {
  switch (status) {
    case 401:
    case 403:
      return Errc::denied;
    case 404:
      return Errc::not_found;
    case 409:
    case 410:
      return Errc::conflict;
    case 429:
      return Errc::throttled;
    default:
      return status >= 500 ? Errc::unavailable : Errc::invalid_argument;
  }
}

std::string status_message(std::string_view text) {
  const auto status = base::parse_json(text);
  return status ? base::string_member(*status, "message").substr(0, kMessageLimit) : "";
}

}  // namespace vpccni::k8s
