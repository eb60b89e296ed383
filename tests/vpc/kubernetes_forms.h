#pragma once
// The forms of the Kubernetes stand-in: objects, refusals, selectors, the tokens of pages. Pure.

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "http/server.h"

namespace vpccni::vpc {

http::ServerReply json_reply(int status, const base::Json& body);
http::ServerReply refuse(int status, const std::string& reason, const std::string& message);
base::Json status_json(int status, const std::string& reason, const std::string& message);
/// One event of a watch, with its line break.
std::string watch_line(const std::string& type, const base::Json& object);

base::Json new_node(const std::string& name, int pod_capacity);
base::Json new_pod(const std::string& name_space, const std::string& name, const std::string& node);

/// A kind of object that the stand-in keeps.
struct Kind {
  std::string_view group;    // "" = core
  std::string_view version;  // "v1"
  std::string_view resource;
  std::string_view kind;
  std::string api_version() const;
};
/// nullptr: it keeps none of these (events are kept apart).
const Kind* find_kind(std::string_view resource);

std::string query_value(const std::string& query, std::string_view key);
/// fieldSelector: metadata.name=… or spec.nodeName=…; "" selects all, what is unknown nothing.
bool selects(const std::string& selector, const base::Json& object);

/// Where a page ended, and of which version the list is.
struct PageEnd {
  std::uint64_t version = 0;
  std::string name_space;
  std::string name;
};
std::string write_continue(const PageEnd& end);
std::optional<PageEnd> read_continue(const std::string& token);

}  // namespace vpccni::vpc
