#include "tests/vpc/kubernetes_forms.h"

#include "base/text.h"

namespace vpccni::vpc {

namespace {

constexpr Kind kKinds[] = {{"", "v1", "nodes", "Node"},
                           {"", "v1", "pods", "Pod"},
                           {"crd.k8s.amazonaws.com", "v1alpha1", "eniconfigs", "ENIConfig"},
                           {"vpcresources.k8s.aws", "v1alpha1", "cninodes", "CNINode"}};

}  // namespace

std::string Kind::api_version() const {
  return (group.empty() ? std::string() : std::string(group) + "/") + std::string(version);
}

const Kind* find_kind(std::string_view resource) {
  for (const Kind& each : kKinds) {
    if (each.resource == resource) {
      return &each;
    }
  }
  return nullptr;
}

http::ServerReply json_reply(int status, const base::Json& body) {
  return {status, "application/json", base::dump_json(body), {}};
}

base::Json status_json(int status, const std::string& reason, const std::string& message) {
  return {{"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Failure"},
          {"reason", reason}, {"message", message}, {"code", status}};
}

http::ServerReply refuse(int status, const std::string& reason, const std::string& message) {
  return json_reply(status, status_json(status, reason, message));
}

std::string watch_line(const std::string& type, const base::Json& object) {
  return base::dump_json(base::Json{{"type", type}, {"object", object}}) + "\n";
}

base::Json new_node(const std::string& name, int pod_capacity) {
  return {{"kind", "Node"},
          {"apiVersion", "v1"},
          {"metadata", {{"name", name}, {"labels", base::Json::object()}}},
          {"spec", base::Json::object()},
          {"status", {{"capacity", {{"pods", std::to_string(pod_capacity)}}}}}};
}

base::Json new_pod(const std::string& name_space, const std::string& name,
                   const std::string& node) {
  return {{"kind", "Pod"},
          {"apiVersion", "v1"},
          {"metadata",
           {{"name", name}, {"namespace", name_space}, {"uid", "uid-" + name_space + "-" + name}}},
          {"spec", {{"nodeName", node}}}};
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

bool selects(const std::string& selector, const base::Json& object) {
  if (selector.empty()) {
    return true;
  }
  for (const auto& [field, parent, member] : {std::tuple{"metadata.name=", "metadata", "name"},
                                              std::tuple{"spec.nodeName=", "spec", "nodeName"}}) {
    if (selector.starts_with(field)) {
      const auto* within = base::find_member(object, parent);
      return within != nullptr &&
             base::string_member(*within, member) == selector.substr(std::string(field).size());
    }
  }
  return false;
}

std::string write_continue(const PageEnd& end) {
  return std::to_string(end.version) + "/" + end.name_space + "/" + end.name;
}

std::optional<PageEnd> read_continue(const std::string& token) {
  const auto parts = base::split(token, '/');
  const auto version =
      base::parse_integer<std::uint64_t>(parts.empty() ? std::string_view() : parts[0]);
  if (parts.size() != 3 || !version) {
    return std::nullopt;
  }
  return PageEnd{*version, std::string(parts[1]), std::string(parts[2])};
}

}  // namespace vpccni::vpc
