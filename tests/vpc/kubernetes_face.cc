#include "tests/vpc/kubernetes_face.h"

#include <algorithm>

#include "base/text.h"
#include "tests/vpc/kubernetes_forms.h"

namespace vpccni::vpc {

namespace {

constexpr std::size_t kMostEvents = 10000;
constexpr std::size_t kHistory = 1000;
constexpr auto kBookmarkPeriod = std::chrono::seconds(60);
constexpr auto kLongestWatch = std::chrono::seconds(3600);

bool read_only(std::string_view method) {
  return method == "GET";
}

}  // namespace

// --- objects

void KubernetesFace::add_node(const std::string& name, int pod_capacity) {
  put("nodes", {"", name}, new_node(name, pod_capacity));
}

void KubernetesFace::put_pod(const std::string& name_space, const std::string& name,
                             const std::string& node) {
  put("pods", {name_space, name}, new_pod(name_space, name, node));
}

void KubernetesFace::remove_pod(const std::string& name_space, const std::string& name) {
  remove("pods", {name_space, name});
}

void KubernetesFace::add_cni_node(const std::string& name) {
  put("cninodes", {"", name},
      {{"kind", "CNINode"},
       {"apiVersion", "vpcresources.k8s.aws/v1alpha1"},
       {"metadata", {{"name", name}}},
       {"spec", base::Json::object()}});
}

void KubernetesFace::put_eni_config(const std::string& name, const base::Json& spec) {
  put("eniconfigs", {"", name},
      {{"kind", "ENIConfig"},
       {"apiVersion", "crd.k8s.amazonaws.com/v1alpha1"},
       {"metadata", {{"name", name}}},
       {"spec", spec}});
}

void KubernetesFace::remove_eni_config(const std::string& name) {
  remove("eniconfigs", {"", name});
}

bool KubernetesFace::patch_object(const std::string& resource, const Key& key,
                                  const base::Json& patch) {
  const auto found = objects_[resource].find(key);
  if (found == objects_[resource].end()) {
    return false;
  }
  auto object = found->second;
  object.merge_patch(patch);
  return put(resource, key, std::move(object));
}

bool KubernetesFace::patch_node(const std::string& name, const base::Json& patch) {
  return patch_object("nodes", {"", name}, patch);
}

bool KubernetesFace::patch_pod(const std::string& name_space, const std::string& name,
                               const base::Json& patch) {
  return patch_object("pods", {name_space, name}, patch);
}

/// Nothing happens when the object is as it was, as in etcd.
bool KubernetesFace::put(const std::string& resource, const Key& key, base::Json object) {
  base::Json& place = objects_[resource][key];
  if (!place.is_null()) {
    object["metadata"]["resourceVersion"] = place["metadata"]["resourceVersion"];
    if (object == place) {
      return true;
    }
  }
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  Past change{version_, resource, place, object};
  place = std::move(object);
  tell(change);
  return true;
}

void KubernetesFace::remove(const std::string& resource, const Key& key) {
  const auto gone = objects_[resource].extract(key);
  if (!gone.empty()) {
    tell({++version_, resource, gone.mapped(), nullptr});
  }
}

// --- watches

std::string KubernetesFace::line_of(const Past& change, const std::string& selector) {
  const bool before = !change.before.is_null() && selects(selector, change.before);
  const bool after = !change.after.is_null() && selects(selector, change.after);
  if (!before && !after) {
    return {};
  }
  auto object = after ? change.after : change.before;
  object["metadata"]["resourceVersion"] = std::to_string(change.version);
  return watch_line(!after ? "DELETED" : before ? "MODIFIED" : "ADDED", object);
}

void KubernetesFace::tell(const Past& change) {
  std::erase_if(watches_, [](const auto& watch) { return !watch->stream->open(); });
  for (const auto& watch : watches_) {
    if (watch->resource == change.resource) {
      if (const auto line = line_of(change, watch->selector); !line.empty()) {
        watch->stream->send(line);
      }
    }
  }
  history_.push_back(change);
  if (history_.size() > kHistory) {
    forgotten_ = history_.front().version;
    history_.pop_front();
  }
}

void KubernetesFace::watch(const Target& target, const std::string& query,
                           const std::shared_ptr<http::Responder>& to) {
  auto watch = std::make_unique<Watch>();
  watch->resource = target.resource;
  watch->selector = query_value(query, "fieldSelector");
  watch->stream = to->stream({200, "application/json", "", {}});
  const auto from =
      base::parse_integer<std::uint64_t>(query_value(query, "resourceVersion")).value_or(0);
  if (from == 0) {
    for (const auto& [key, object] : objects_[target.resource]) {
      if (selects(watch->selector, object)) {
        watch->stream->send(watch_line("ADDED", object));
      }
    }
  } else if (from < forgotten_) {
    watch->stream->send(watch_line(
        "ERROR", status_json(410, "Expired", "too old resource version: " + std::to_string(from))));
    return;
  } else {
    for (const auto& change : history_) {
      if (change.version > from && change.resource == target.resource) {
        watch->stream->send(line_of(change, watch->selector));
      }
    }
  }
  const int seconds = base::parse_integer<int>(query_value(query, "timeoutSeconds")).value_or(1800);
  const auto limit = std::min<base::Duration>(kLongestWatch, std::chrono::seconds(seconds));
  watch->end = loop_.after(limit, [this, raw = watch.get()] {
    loop_.post([this, raw] {
      std::erase_if(watches_, [raw](const auto& each) { return each.get() == raw; });
    });
  });
  watches_.push_back(std::move(watch));
  bookmarks_ = loop_.every(kBookmarkPeriod, [this] { send_bookmarks(); });
}

void KubernetesFace::send_bookmarks() {
  for (const auto& watch : watches_) {
    const Kind& kind = *find_kind(watch->resource);
    const base::Json object = {{"kind", kind.kind},
                               {"apiVersion", kind.api_version()},
                               {"metadata", {{"resourceVersion", std::to_string(version_)}}}};
    watch->stream->send(watch_line("BOOKMARK", object));
  }
}

void KubernetesFace::end_watches() {
  watches_.clear();
}

void KubernetesFace::forget_history() {
  forgotten_ = ++version_;
  history_.clear();
  watches_.clear();
}

// --- requests

KubernetesFace::Target KubernetesFace::target_of(const std::string& path) {
  const auto parts = base::split(path, '/');  // "", "api", "v1", …
  const auto part = [&parts](std::size_t place) {
    return place < parts.size() ? std::string(parts[place]) : std::string();
  };
  Target target;
  std::size_t at = 3;
  if (path.starts_with("/apis/")) {
    target.group = part(2);
    at = 4;
  } else if (!path.starts_with("/api/v1/")) {
    return target;
  }
  const std::string version = part(at - 1);
  if (part(at) == "namespaces" && parts.size() > at + 2) {
    target.key.first = part(at + 1);
    at += 2;
  }
  target.resource = part(at);
  target.key.second = part(at + 1);
  const Kind* kind = find_kind(target.resource);
  const bool known = kind != nullptr
                         ? kind->group == target.group && kind->version == version
                         : target.group == "events.k8s.io" && target.resource == "events";
  target.valid = known && parts.size() <= at + 2;
  return target;
}

http::ServerReply KubernetesFace::list(const Target& target, const std::string& query) const {
  const auto selector = query_value(query, "fieldSelector");
  const auto& objects = objects_.at(target.resource);
  auto from = objects.begin();
  auto version = version_;
  if (const auto token = query_value(query, "continue"); !token.empty()) {
    const auto place = read_continue(token);
    if (!place || !query_value(query, "resourceVersion").empty()) {
      return refuse(400, "BadRequest", "continue key is not valid");
    }
    if (place->version < forgotten_) {
      return refuse(410, "Expired", "The provided continue parameter is too old");
    }
    version = place->version;
    from = objects.upper_bound({place->name_space, place->name});
  }
  // From memory there are no pages: the real server ignores the limit then.
  const bool cached = query_value(query, "resourceVersion") == "0";
  const auto limit = base::parse_integer<std::size_t>(query_value(query, "limit"));
  const std::size_t most = cached || !limit ? objects.size() : *limit;
  base::Json metadata = {{"resourceVersion", std::to_string(version)}};
  base::Json items = base::Json::array();
  for (; from != objects.end(); ++from) {
    const bool wanted = (target.key.first.empty() || from->first.first == target.key.first) &&
                        selects(selector, from->second);
    if (wanted && items.size() == most) {
      const auto& last = items.back()["metadata"];
      metadata["continue"] = write_continue(
          {version, base::string_member(last, "namespace"), base::string_member(last, "name")});
      break;
    }
    if (wanted) {
      items.push_back(from->second);
    }
  }
  const Kind& kind = *find_kind(target.resource);
  return json_reply(200, {{"kind", std::string(kind.kind) + "List"},
                          {"apiVersion", kind.api_version()},
                          {"metadata", metadata},
                          {"items", items}});
}

http::ServerReply KubernetesFace::create_event(const http::ServerRequest& request) {
  auto event = base::parse_json(request.body);
  if (!event || !event->is_object()) {
    return refuse(400, "BadRequest", "the body is no JSON object");
  }
  for (const char* key : {"eventTime", "reason", "action", "type", "reportingController",
                          "reportingInstance", "regarding", "metadata"}) {
    if (!event->contains(key)) {
      return refuse(422, "Invalid", std::string("Event is invalid: ") + key + ": Required value");
    }
  }
  if (events_.size() < kMostEvents) {
    events_.push_back(*event);
  }
  return json_reply(201, *event);
}

http::ServerReply KubernetesFace::patch_event(const Target& target, const base::Json& patch) {
  const auto found = std::find_if(events_.begin(), events_.end(), [&](const auto& event) {
    const auto& metadata = event["metadata"];
    return base::string_member(metadata, "namespace") == target.key.first &&
           base::string_member(metadata, "name") == target.key.second;
  });
  if (found == events_.end()) {
    return refuse(404, "NotFound", "events \"" + target.key.second + "\" not found");
  }
  const auto* series = base::find_member(patch, "series");
  if (series == nullptr || !base::integer_member(*series, "count") ||
      base::string_member(*series, "lastObservedTime").empty()) {
    return refuse(422, "Invalid", "Event is invalid: series: a count and a time");
  }
  found->merge_patch(patch);
  return json_reply(200, *found);
}

http::ServerReply KubernetesFace::patch(const http::ServerRequest& request, const Target& target) {
  if (http::header(request.headers, "Content-Type") != "application/merge-patch+json") {
    return refuse(415, "UnsupportedMediaType", "the body is no JSON merge patch");
  }
  const auto change = base::parse_json(request.body);
  if (!change || !change->is_object()) {
    return refuse(400, "BadRequest", "the body is no JSON object");
  }
  if (target.resource == "events") {
    return patch_event(target, *change);
  }
  const auto found = objects_[target.resource].find(target.key);
  const auto* metadata = base::find_member(*change, "metadata");
  const auto seen = metadata ? base::string_member(*metadata, "resourceVersion") : std::string();
  if (found != objects_[target.resource].end() && !seen.empty() &&
      seen != base::string_member(found->second["metadata"], "resourceVersion")) {
    return refuse(409, "Conflict", "the object has been modified");
  }
  return patch_object(target.resource, target.key, *change)
             ? json_reply(200, objects_[target.resource][target.key])
             : refuse(404, "NotFound",
                      target.resource + " \"" + target.key.second + "\" not found");
}

/// For tests: the agent makes none.
http::ServerReply KubernetesFace::create(const http::ServerRequest& request, const Target& target) {
  auto object = base::parse_json(request.body);
  if (!object || !object->is_object()) {
    return refuse(400, "BadRequest", "the body is no JSON object");
  }
  auto& metadata = (*object)["metadata"];
  const auto name = base::string_member(metadata, "name");
  if (name.empty()) {
    return refuse(422, "Invalid", "metadata.name: Required value");
  }
  if (target.resource == "pods") {
    metadata["namespace"] = target.key.first;
  }
  // A pod that comes again under its name is another one.
  metadata["uid"] = "uid-" + target.key.first + "-" + name + "-" + std::to_string(version_ + 1);
  put(target.resource, {target.key.first, name}, *object);
  return json_reply(201, *object);
}

http::ServerReply KubernetesFace::answer(const http::ServerRequest& request, const Target& target) {
  if (request.method == "GET" && request.path == "/version") {
    return json_reply(200, {{"major", "1"}, {"minor", "31"}, {"gitVersion", "v1.31.0"}});
  }
  if (!target.valid) {
    return refuse(404, "NotFound", "the server could not find the requested resource");
  }
  const bool named = !target.key.second.empty();
  if (request.method == "POST" && !named) {
    return target.resource == "events" ? create_event(request) : create(request, target);
  }
  if (request.method == "PATCH" && named) {
    return patch(request, target);
  }
  if (target.resource == "events" || (!read_only(request.method) && request.method != "DELETE")) {
    return refuse(405, "MethodNotAllowed", "the server does not allow this method");
  }
  if (!named && read_only(request.method)) {
    return list(target, request.query);
  }
  const auto found = objects_[target.resource].find(target.key);
  if (found == objects_[target.resource].end()) {
    return refuse(404, "NotFound", target.resource + " \"" + target.key.second + "\" not found");
  }
  const auto object = found->second;
  if (request.method == "DELETE") {
    remove(target.resource, target.key);
  }
  return json_reply(200, object);
}

void KubernetesFace::note(const http::ServerRequest& request, const Target& target) {
  const bool watching = query_value(request.query, "watch") == "true";
  const bool named = !target.key.second.empty();
  const std::string verb = request.method == "POST"     ? "create"
                           : request.method == "PATCH"  ? "patch"
                           : request.method == "DELETE" ? "delete"
                           : watching                   ? "watch"
                           : named                      ? "get"
                                                        : "list";
  if (target.valid) {
    asked_.insert(verb + " " + target.group + " " + target.resource);
  }
}

void KubernetesFace::set_faults(const KubernetesFaults& faults) {
  faults_ = faults;
  if (faults.down) {
    watches_.clear();
  }
}

void KubernetesFace::handle(const http::ServerRequest& request,
                            const std::shared_ptr<http::Responder>& to) {
  const auto target = target_of(request.path);
  note(request, target);
  if (faults_.down) {
    to->drop();
  } else if (faults_.black_hole) {
    unanswered_.push_back(to);
  } else if (faults_.status != 0) {
    to->reply(refuse(faults_.status, "Fault", "injected"));
  } else if (faults_.garbage) {
    to->reply({200, "application/json", "{\"kind\": \"Node\", ", {}});
  } else if (target.valid && target.resource != "events" && target.key.second.empty() &&
             query_value(request.query, "watch") == "true") {
    watch(target, request.query, to);
  } else {
    to->reply(answer(request, target));
  }
}

}  // namespace vpccni::vpc
