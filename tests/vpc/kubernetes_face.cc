#include "tests/vpc/kubernetes_face.h"

#include "base/text.h"

namespace vpccni::vpc {

namespace {

constexpr std::size_t kMostEvents = 10000;

http::ServerReply json_reply(int status, const base::Json& body) {
  return {status, "application/json", base::dump_json(body), {}};
}

http::ServerReply refuse(int status, const std::string& reason, const std::string& message) {
  return json_reply(status, {{"kind", "Status"},
                             {"apiVersion", "v1"},
                             {"status", "Failure"},
                             {"reason", reason},
                             {"message", message},
                             {"code", status}});
}

std::string query_value(const std::string& query, std::string_view key) {
  for (const auto part : base::split(query, '&')) {
    const auto equals = part.find('=');
    if (part.substr(0, equals) == key && equals != std::string_view::npos) {
      return base::percent_decode(part.substr(equals + 1), true);
    }
  }
  return {};
}

}  // namespace

void KubernetesFace::add_node(const std::string& name, int pod_capacity) {
  nodes_[name] = {{"kind", "Node"},
                  {"apiVersion", "v1"},
                  {"metadata", {{"name", name}, {"labels", base::Json::object()}}},
                  {"spec", base::Json::object()},
                  {"status", {{"capacity", {{"pods", std::to_string(pod_capacity)}}}}}};
}

void KubernetesFace::put_pod(const std::string& name_space, const std::string& name,
                             const std::string& node) {
  pods_[{name_space, name}] = {
      {"kind", "Pod"},
      {"apiVersion", "v1"},
      {"metadata",
       {{"name", name}, {"namespace", name_space}, {"uid", "uid-" + name_space + "-" + name}}},
      {"spec", {{"nodeName", node}}}};
}

void KubernetesFace::remove_pod(const std::string& name_space, const std::string& name) {
  pods_.erase({name_space, name});
}

http::ServerReply KubernetesFace::pod_list(const std::string& query) const {
  const std::string selector = query_value(query, "fieldSelector");
  constexpr std::string_view kNodeName = "spec.nodeName=";
  base::Json items = base::Json::array();
  for (const auto& [key, pod] : pods_) {
    if (selector.empty() || (selector.starts_with(kNodeName) &&
                             pod["spec"]["nodeName"] == selector.substr(kNodeName.size()))) {
      items.push_back(pod);
    }
  }
  return json_reply(200, {{"kind", "PodList"},
                          {"apiVersion", "v1"},
                          {"metadata", {{"resourceVersion", "1"}}},
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

http::ServerReply KubernetesFace::answer(const http::ServerRequest& request) {
  const auto parts = base::split(request.path, '/');  // "", "api", "v1", …
  if (request.method == "GET" && request.path == "/version") {
    return json_reply(200, {{"major", "1"}, {"minor", "31"}, {"gitVersion", "v1.31.0"}});
  }
  if (request.method == "GET" && parts.size() == 5 && request.path.starts_with("/api/v1/nodes/")) {
    const auto node = nodes_.find(std::string(parts[4]));
    return node == nodes_.end()
               ? refuse(404, "NotFound", "nodes \"" + std::string(parts[4]) + "\" not found")
               : json_reply(200, node->second);
  }
  if (request.method == "GET" && request.path == "/api/v1/pods") {
    return pod_list(request.query);
  }
  if (request.method == "GET" && parts.size() == 7 && parts[3] == "namespaces" &&
      parts[5] == "pods") {
    const auto pod = pods_.find({std::string(parts[4]), std::string(parts[6])});
    return pod == pods_.end()
               ? refuse(404, "NotFound", "pods \"" + std::string(parts[6]) + "\" not found")
               : json_reply(200, pod->second);
  }
  if (request.method == "POST" && request.path.starts_with("/apis/events.k8s.io/v1/namespaces/") &&
      request.path.ends_with("/events")) {
    return create_event(request);
  }
  return refuse(404, "NotFound", "the server could not find the requested resource");
}

void KubernetesFace::handle(const http::ServerRequest& request,
                            const std::shared_ptr<http::Responder>& to) {
  if (faults_.down) {
    to->drop();
  } else if (faults_.black_hole) {
    unanswered_.push_back(to);
  } else if (faults_.status != 0) {
    to->reply(refuse(faults_.status, "Fault", "injected"));
  } else if (faults_.garbage) {
    to->reply({200, "application/json", "{\"kind\": \"Node\", ", {}});
  } else {
    to->reply(answer(request));
  }
}

}  // namespace vpccni::vpc
