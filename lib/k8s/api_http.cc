#include "k8s/api_http.h"

#include <unistd.h>

#include <algorithm>
#include <random>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "k8s/event_form.h"
#include "k8s/parse.h"
#include "k8s/read_stream.h"

namespace vpccni::k8s {

namespace {

using std::chrono::seconds;

constexpr std::size_t kTokenLimit = 65536;
constexpr std::size_t kAnswerLimit = kObjectLimit;
constexpr int kMaxPages = 100;
constexpr std::size_t kMaxItems = 10000;  // of one node: far above what a kubelet runs
constexpr auto kConnectLimit = seconds(2);
constexpr auto kListSilence = seconds(5);
constexpr auto kListLimit = seconds(60);  // all pages
// A server sends a bookmark about once a minute: two are missed before the connection counts as
// dead. It ends the watch itself after a random time, so that nodes do not come back together.
constexpr auto kWatchSilence = seconds(150);
constexpr auto kWatchShortest = seconds(300);
constexpr auto kWatchLongest = seconds(600);
constexpr const char* kMergePatch = "application/merge-patch+json";

/// The part of a path that names an object. "." and ".." would be taken as steps, "" as the list.
Result<std::string> path_part(const std::string& name) {
  if (name.empty() || name == "." || name == "..") {
    return Error{Errc::invalid_argument,
                 "kubernetes: no name of an object: " + base::json_quote(name)};
  }
  return base::percent_encode(name);
}

Result<std::string> pod_path(const std::string& name_space, const std::string& name) {
  VPCCNI_TRY(const auto space_part, path_part(name_space));
  VPCCNI_TRY(const auto name_part, path_part(name));
  return "/api/v1/namespaces/" + space_part + "/pods/" + name_part;
}

Result<std::string> events_path(const std::string& name_space) {
  VPCCNI_TRY(const auto space_part, path_part(name_space));
  return "/apis/events.k8s.io/v1/namespaces/" + space_part + "/events";
}

Result<std::string> cni_node_path(const std::string& name) {
  VPCCNI_TRY(const auto part, path_part(name));
  return "/apis/vpcresources.k8s.aws/v1alpha1/cninodes/" + part;
}

/// "?fieldSelector=…". Without a value it would select the whole cluster, or what has no node.
Result<std::string> selection(const std::string& path, const std::string& field,
                              const std::string& value) {
  if (value.empty()) {
    return Error{Errc::invalid_argument, "kubernetes: no node to select " + path + " by"};
  }
  return path + "?fieldSelector=" + base::percent_encode(field + "=" + value);
}

long watch_seconds() {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_int_distribution<long>(kWatchShortest.count(), kWatchLongest.count())(random);
}

Error refusal(const std::string& doing, int status, std::string_view body) {
  const std::string reason = status_message(body);
  return {class_of(status),
          doing + ": HTTP " + std::to_string(status) + (reason.empty() ? "" : ": " + reason),
          std::to_string(status)};
}

bool is_success(int status) {
  return status >= 200 && status <= 299;
}

}  // namespace

http::Request ApiHttp::request_of(const Call& call) const {
  http::Request request;
  request.method = call.method;
  request.url = config_.url + call.path;
  request.headers = {{"Accept", "application/json"}};
  if (!call.body.empty()) {
    request.headers.emplace_back("Content-Type", call.body_type);
  }
  request.body = call.body;
  request.connect_timeout = std::min<base::Duration>(kConnectLimit, call.limit);
  request.timeout = call.limit;
  request.body_limit = kAnswerLimit;
  if (::access(config_.ca_file.c_str(), R_OK) == 0) {
    request.ca_file = config_.ca_file;
  }
  if (config_.url.starts_with("https://")) {
    if (const auto token = base::read_file(config_.token_file, kTokenLimit)) {
      request.headers.emplace_back("Authorization", "Bearer " + std::string(base::trim(*token)));
    }
  }
  return request;
}

Result<std::string> ApiHttp::send(const Call& call) {
  const std::string doing = "kubernetes " + call.method + " " + call.path;
  VPCCNI_TRY(auto response, wrap(client_->send(request_of(call)), doing));
  if (!is_success(response.status)) {
    return refusal(doing, response.status, response.body);
  }
  return std::move(response.body);
}

/// The parts of the answer's body go to `part`, whose error ends the call and is its error.
Result<> ApiHttp::stream(const Call& call, const std::function<Result<>(std::string_view)>& part,
                         const std::stop_token& stop) {
  const std::string doing = "kubernetes " + call.method + " " + call.path;
  Result<> taken;
  const auto response = client_->stream(
      request_of(call),
      [&](std::string_view bytes) {
        taken = part(bytes);
        return taken.has_value();
      },
      stop);
  if (!taken) {
    return wrap(std::move(taken), doing);
  }
  if (!response) {
    return wrap(response.error(), doing);
  }
  return is_success(response->status) ? Result<>()
                                      : refusal(doing, response->status, response->body);
}

template <class T>
Result<Listed<T>> ApiHttp::list(const std::string& path, Result<T> (*parse)(std::string_view),
                                const std::stop_token& stop) {
  Listed<T> listed;
  const auto each = [&](std::string_view json) -> Result<> {
    if (listed.items.size() >= kMaxItems) {
      return Error{Errc::exhausted, "more than " + std::to_string(kMaxItems) + " objects"};
    }
    VPCCNI_TRY(auto item, parse(json));
    listed.items.push_back(std::move(item));
    return {};
  };
  const auto latest = clock_.now().steady + kListLimit;
  std::string next_page;
  for (int page = 0; page < kMaxPages; ++page) {
    // A page's token has the version in it, and the server refuses another beside it.
    auto part = path;
    if (!next_page.empty()) {
      part = part.substr(0, part.find("&resourceVersion=")) +
             "&continue=" + base::percent_encode(next_page);
    }
    ListReader reader(each, kObjectLimit);
    const auto feed = [&](std::string_view bytes) -> Result<> {
      if (clock_.now().steady > latest) {
        return Error{Errc::timeout, "the list takes too long"};
      }
      return reader.feed(bytes);
    };
    VPCCNI_CHECK(stream({.path = part, .limit = kListSilence}, feed, stop));
    VPCCNI_TRY(auto rest, wrap(reader.finish(), "kubernetes GET " + part));
    if (listed.version.empty()) {
      listed.version = rest.version;
    }
    next_page = std::move(rest.next_page);
    if (next_page.empty()) {
      return listed;
    }
  }
  return Error{Errc::corrupt, "kubernetes GET " + path + ": paging does not end"};
}

template <class T>
Result<> ApiHttp::watch(const std::string& path, const std::string& version,
                        Result<Change<T>> (*parse)(std::string_view), const Listener<T>& heard,
                        const std::stop_token& stop) {
  LineReader reader(
      [&](std::string_view json) -> Result<> {
        VPCCNI_TRY(auto change, parse(json));
        heard(std::move(change));
        return {};
      },
      kObjectLimit);
  return stream(
      {.path = path + "&watch=true&allowWatchBookmarks=true&timeoutSeconds=" +
               std::to_string(watch_seconds()) +
               "&resourceVersion=" + base::percent_encode(version),
       .limit = kWatchSilence},
      [&reader](std::string_view bytes) { return reader.feed(bytes); }, stop);
}

Result<std::string> ApiHttp::version() {
  VPCCNI_TRY(const auto body, send({.path = "/version"}));
  return wrap(parse_version(body), "kubernetes GET /version");
}

Result<Node> ApiHttp::node(const std::string& name) {
  VPCCNI_TRY(const auto part, path_part(name));
  const std::string path = "/api/v1/nodes/" + part;
  VPCCNI_TRY(const auto body, send({.path = path}));
  return wrap(parse_node(body), "kubernetes GET " + path);
}

Result<Pod> ApiHttp::pod(const std::string& name_space, const std::string& name,
                         base::Duration limit) {
  VPCCNI_TRY(const auto path, pod_path(name_space, name));
  VPCCNI_TRY(const auto body, send({.path = path, .limit = limit}));
  return wrap(parse_pod(body), "kubernetes GET " + path);
}

Result<Listed<Node>> ApiHttp::list_node(const std::string& name, const std::stop_token& stop) {
  VPCCNI_TRY(const auto path, selection("/api/v1/nodes", "metadata.name", name));
  return list<Node>(path + "&resourceVersion=0", parse_node, stop);
}

Result<Listed<Pod>> ApiHttp::pods_on_node(const std::string& node, Freshness freshness,
                                          const std::stop_token& stop) {
  VPCCNI_TRY(const auto path, selection("/api/v1/pods", "spec.nodeName", node));
  const bool any = freshness == Freshness::any;
  return list<Pod>(path + "&limit=100" + (any ? "&resourceVersion=0" : ""), parse_pod, stop);
}

Result<> ApiHttp::watch_node(const std::string& name, const std::string& version,
                             const Listener<Node>& heard, const std::stop_token& stop) {
  VPCCNI_TRY(const auto path, selection("/api/v1/nodes", "metadata.name", name));
  return watch<Node>(path, version, parse_node_change, heard, stop);
}

Result<> ApiHttp::watch_pods(const std::string& node, const std::string& version,
                             const Listener<Pod>& heard, const std::stop_token& stop) {
  VPCCNI_TRY(const auto path, selection("/api/v1/pods", "spec.nodeName", node));
  return watch<Pod>(path, version, parse_pod_change, heard, stop);
}

Result<EniConfig> ApiHttp::eni_config(const std::string& name) {
  VPCCNI_TRY(const auto part, path_part(name));
  const std::string path = "/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs/" + part;
  VPCCNI_TRY(const auto body, send({.path = path}));
  return wrap(parse_eni_config(body), "kubernetes GET " + path);
}

Result<CniNode> ApiHttp::cni_node(const std::string& name) {
  VPCCNI_TRY(const auto path, cni_node_path(name));
  VPCCNI_TRY(const auto body, send({.path = path}));
  return wrap(parse_cni_node(body), "kubernetes GET " + path);
}

Result<> ApiHttp::set_features(const CniNode& node) {
  VPCCNI_TRY(const auto path, cni_node_path(node.name));
  base::Json features = base::Json::array();
  for (const auto& feature : node.features) {
    features.push_back({{"name", feature.name}});
    if (!feature.value.empty()) {
      features.back()["value"] = feature.value;
    }
  }
  const base::Json body = {{"metadata", {{"resourceVersion", node.version}}},
                           {"spec", {{"features", std::move(features)}}}};
  VPCCNI_TRY([[maybe_unused]] const auto answer, send({.method = "PATCH",
                                                       .path = path,
                                                       .body = base::dump_json(body),
                                                       .body_type = kMergePatch}));
  return {};
}

Result<> ApiHttp::annotate_pod(const std::string& name_space, const std::string& name,
                               const std::string& key, const std::string& value,
                               base::Duration limit) {
  VPCCNI_TRY(const auto path, pod_path(name_space, name));
  const base::Json body = {{"metadata", {{"annotations", {{key, value}}}}}};
  VPCCNI_TRY([[maybe_unused]] const auto answer, send({.method = "PATCH",
                                                       .path = path,
                                                       .body = base::dump_json(body),
                                                       .body_type = kMergePatch,
                                                       .limit = limit}));
  return {};
}

Result<std::string> ApiHttp::create_event(const NewEvent& event) {
  VPCCNI_TRY(const auto path, events_path(event.name_space));
  VPCCNI_TRY(
      const auto body,
      send({.method = "POST", .path = path, .body = new_event_json(event, clock_.now().wall)}));
  return wrap(parse_name(body), "kubernetes POST " + path);
}

Result<> ApiHttp::repeat_event(const std::string& name_space, const std::string& event, int count) {
  VPCCNI_TRY(const auto path, events_path(name_space));
  VPCCNI_TRY(const auto part, path_part(event));
  VPCCNI_TRY([[maybe_unused]] const auto answer,
             send({.method = "PATCH",
                   .path = path + "/" + part,
                   .body = series_json(count, clock_.now().wall),
                   .body_type = kMergePatch}));
  return {};
}

}  // namespace vpccni::k8s
