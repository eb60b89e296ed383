#include "k8s/api_http.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <limits>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"

namespace vpccni::k8s {

namespace {

using base::Json;

constexpr std::size_t kTokenLimit = 65536;
constexpr int kMaxPages = 100;
constexpr std::size_t kNoteLimit = 1024;  // bytes; the API server refuses longer texts of an event
constexpr std::size_t kNameLimit = 128;
constexpr std::string_view kController = "aws-node";

Errc class_of(int status) {
  switch (status) {
    case 401:
    case 403:
      return Errc::denied;
    case 404:
      return Errc::not_found;
    case 409:
      return Errc::conflict;
    case 429:
      return Errc::throttled;
    default:
      return status >= 500 ? Errc::unavailable : Errc::invalid_argument;
  }
}

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
  VPCCNI_TRY(auto value, base::parse_json(text, {.bytes = std::size_t{16} << 20U}));
  if (!value.is_object()) {
    return Error{Errc::corrupt, "a JSON object expected"};
  }
  return value;
}

Result<Pod> pod_of(const Json& value) {
  const Json& metadata = member_or_null(value, "metadata");
  Pod pod;
  pod.name_space = base::string_member(metadata, "namespace");
  pod.name = base::string_member(metadata, "name");
  pod.uid = base::string_member(metadata, "uid");
  pod.annotations = texts(base::find_member(metadata, "annotations"));
  if (pod.name.empty()) {
    return Error{Errc::corrupt, "a pod without a name"};
  }
  return pod;
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

/// At most `limit` bytes, as valid UTF-8 that ends with a whole character.
std::string clipped(const std::string& text, std::size_t limit) {
  const auto valid = base::parse_json(base::dump_json(Json(text.substr(0, limit))));
  std::string out = valid && valid->is_string() ? valid->get<std::string>() : std::string();
  if (out.size() > limit) {  // U+FFFD is longer than the byte that it replaces
    while (limit > 0 && (static_cast<unsigned char>(out[limit]) & 0xC0U) == 0x80U) {
      --limit;
    }
    out.resize(limit);
  }
  return out;
}

/// The part of a path that names an object. "." and ".." would be taken as steps, "" as the list.
Result<std::string> path_part(const std::string& name) {
  if (name.empty() || name == "." || name == "..") {
    return Error{Errc::invalid_argument,
                 "kubernetes: no name of an object: " + base::json_quote(name)};
  }
  return base::percent_encode(name);
}

/// As client-go names events: a name may not end with a dot, so it cannot be a generateName.
std::string event_name(std::string pod, base::WallTime at) {
  constexpr std::size_t kLongest = 253 - 1 - 16;
  pod = clipped(pod, kLongest);
  while (pod.ends_with('.') || pod.ends_with('-')) {
    pod.pop_back();
  }
  const auto nanoseconds = static_cast<std::uint64_t>(at.time_since_epoch().count());
  std::array<char, 16> digits{};
  const auto [end, ignored] =
      std::to_chars(digits.data(), digits.data() + digits.size(), nanoseconds, 16);
  return pod + "." + std::string(digits.data(), end);
}

std::string rfc3339_micro(base::WallTime at) {
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
  const std::time_t seconds = micros / 1000000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::string fraction = std::to_string(1000000 + micros % 1000000).substr(1);
  return std::string(text.data(), size) + "." + fraction + "Z";
}

}  // namespace

Result<Node> parse_node(std::string_view text) {
  VPCCNI_TRY(const auto value, object(text));
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

Result<Pod> parse_pod(std::string_view text) {
  VPCCNI_TRY(const auto value, object(text));
  return pod_of(value);
}

Result<std::vector<Pod>> parse_pod_list(std::string_view text, std::string& next_page) {
  VPCCNI_TRY(const auto value, object(text));
  const Json* items = base::find_member(value, "items");
  if (items == nullptr || (!items->is_array() && !items->is_null())) {
    return Error{Errc::corrupt, "a list without items"};  // null is Go's empty list
  }
  std::vector<Pod> pods;
  for (const auto& item : *items) {
    VPCCNI_TRY(auto pod, pod_of(item));
    pods.push_back(std::move(pod));
  }
  next_page = base::string_member(member_or_null(value, "metadata"), "continue");
  return pods;
}

Result<std::string> ApiHttp::call(const std::string& method, const std::string& path,
                                  std::string body) {
  http::Request request;
  request.method = method;
  request.url = config_.url + path;
  request.headers = {{"Accept", "application/json"}};
  if (!body.empty()) {
    request.headers.emplace_back("Content-Type", "application/json");
  }
  request.body = std::move(body);
  request.connect_timeout = std::chrono::seconds(3);
  request.timeout = std::chrono::seconds(10);
  if (::access(config_.ca_file.c_str(), R_OK) == 0) {
    request.ca_file = config_.ca_file;
  }
  if (config_.url.starts_with("https://")) {
    if (const auto token = base::read_file(config_.token_file, kTokenLimit)) {
      request.headers.emplace_back("Authorization", "Bearer " + std::string(base::trim(*token)));
    }
  }
  const std::string doing = "kubernetes " + method + " " + path;
  VPCCNI_TRY(auto response, wrap(client_->send(request), doing));
  if (response.status < 200 || response.status > 299) {
    std::string reason;
    if (const auto status = base::parse_json(response.body)) {
      reason = base::string_member(*status, "message").substr(0, 512);
    }
    return Error{
        class_of(response.status),
        doing + ": HTTP " + std::to_string(response.status) + (reason.empty() ? "" : ": " + reason),
        std::to_string(response.status)};
  }
  return std::move(response.body);
}

Result<std::string> ApiHttp::version() {
  VPCCNI_TRY(const auto body, call("GET", "/version", {}));
  VPCCNI_TRY(const auto value, wrap(object(body), "kubernetes GET /version"));
  return base::string_member(value, "gitVersion");
}

Result<Node> ApiHttp::node(const std::string& name) {
  VPCCNI_TRY(const auto part, path_part(name));
  const std::string path = "/api/v1/nodes/" + part;
  VPCCNI_TRY(const auto body, call("GET", path, {}));
  return wrap(parse_node(body), "kubernetes GET " + path);
}

Result<Pod> ApiHttp::pod(const std::string& name_space, const std::string& name) {
  VPCCNI_TRY(const auto space_part, path_part(name_space));
  VPCCNI_TRY(const auto name_part, path_part(name));
  const std::string path = "/api/v1/namespaces/" + space_part + "/pods/" + name_part;
  VPCCNI_TRY(const auto body, call("GET", path, {}));
  return wrap(parse_pod(body), "kubernetes GET " + path);
}

Result<std::vector<Pod>> ApiHttp::pods_on_node(const std::string& node) {
  const std::string path =
      "/api/v1/pods?limit=500&fieldSelector=" + base::percent_encode("spec.nodeName=" + node);
  std::vector<Pod> pods;
  std::string next_page;
  for (int page = 0; page < kMaxPages; ++page) {
    const std::string from =
        next_page.empty() ? "" : "&continue=" + base::percent_encode(next_page);
    VPCCNI_TRY(const auto body, call("GET", path + from, {}));
    VPCCNI_TRY(auto some, wrap(parse_pod_list(body, next_page), "kubernetes GET /api/v1/pods"));
    std::move(some.begin(), some.end(), std::back_inserter(pods));
    if (next_page.empty()) {
      return pods;
    }
  }
  return Error{Errc::corrupt, "kubernetes GET /api/v1/pods: paging does not end"};
}

Result<> ApiHttp::create_event(const NewEvent& event) {
  VPCCNI_TRY(const auto space_part, path_part(event.name_space));
  const base::WallTime now = clock_.now().wall;
  Json body;
  body["apiVersion"] = "events.k8s.io/v1";
  body["kind"] = "Event";
  body["metadata"] = {{"name", event_name(event.regarding_pod, now)},
                      {"namespace", event.name_space}};
  body["eventTime"] = rfc3339_micro(now);
  body["type"] = event.type;
  body["reason"] = clipped(event.reason, kNameLimit);
  body["action"] = clipped(event.action, kNameLimit);
  body["note"] = clipped(event.note, kNoteLimit);
  body["regarding"] = {{"apiVersion", "v1"},
                       {"kind", "Pod"},
                       {"name", event.regarding_pod},
                       {"namespace", event.name_space},
                       {"uid", event.regarding_uid}};
  body["reportingController"] = kController;
  body["reportingInstance"] = clipped(event.regarding_pod, kNameLimit);
  VPCCNI_TRY([[maybe_unused]] const auto answer,
             call("POST", "/apis/events.k8s.io/v1/namespaces/" + space_part + "/events",
                  base::dump_json(body)));
  return {};
}

}  // namespace vpccni::k8s
