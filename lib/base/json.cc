#include "base/json.h"

namespace vpccni::base {

namespace {

/// Bytes of the first value, or where it exceeds the depth. A scan, not a parser: brackets
/// outside strings are counted so that a hostile text cannot recurse deeply in the library.
struct Scan {
  std::size_t end = std::string_view::npos;  // one past the first closed object or array
  bool too_deep = false;
};

Scan scan(std::string_view text, int max_depth) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
      continue;
    }
    if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > max_depth) {
        return {.too_deep = true};
      }
    } else if (c == '}' || c == ']') {
      if (--depth == 0) {
        return {.end = i + 1};
      }
    }
  }
  return {};
}

template <class T>
Result<T> parse(std::string_view text) {
  auto value = T::parse(text.begin(), text.end(), nullptr, false);
  if (value.is_discarded()) {
    return Error{Errc::corrupt, "not valid JSON (" + std::to_string(text.size()) + " bytes)"};
  }
  return value;
}

Result<Scan> checked_scan(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    return Error{Errc::corrupt, "JSON of " + std::to_string(text.size()) +
                                    " bytes is over the limit of " + std::to_string(limits.bytes)};
  }
  const Scan seen = scan(text, limits.depth);
  if (seen.too_deep) {
    return Error{Errc::corrupt, "JSON is nested deeper than " + std::to_string(limits.depth)};
  }
  return seen;
}

template <class T>
Result<T> parse_whole(std::string_view text, const JsonLimits& limits) {
  VPCCNI_TRY(const Scan seen, checked_scan(text, limits));
  if (seen.end != std::string_view::npos &&
      text.find_first_not_of(" \t\r\n", seen.end) != std::string_view::npos) {
    return Error{Errc::corrupt,
                 "not valid JSON: bytes follow the value at offset " + std::to_string(seen.end)};
  }
  return parse<T>(text);
}

}  // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  return parse_whole<Json>(text, limits);
}

Result<OrderedJson> parse_ordered_json(std::string_view text, const JsonLimits& limits) {
  return parse_whole<OrderedJson>(text, limits);
}

Result<Json> parse_json_prefix(std::string_view text, const JsonLimits& limits) {
  VPCCNI_TRY(const Scan seen, checked_scan(text, limits));
  return parse<Json>(text.substr(0, seen.end));
}

const Json* find_member(const Json& value, std::string_view name) {
  if (!value.is_object()) {
    return nullptr;
  }
  const auto it = value.find(name);
  return it == value.end() ? nullptr : &*it;
}

std::string string_member(const Json& value, std::string_view name) {
  const Json* member = find_member(value, name);
  return member != nullptr && member->is_string() ? member->get<std::string>() : std::string();
}

std::optional<std::int64_t> integer_member(const Json& value, std::string_view name) {
  const Json* member = find_member(value, name);
  if (member == nullptr || !member->is_number_integer()) {
    return std::nullopt;
  }
  if (member->is_number_unsigned() && member->get<std::uint64_t>() > INT64_MAX) {
    return std::nullopt;
  }
  return member->get<std::int64_t>();
}

std::optional<bool> bool_member(const Json& value, std::string_view name) {
  const Json* member = find_member(value, name);
  return member != nullptr && member->is_boolean() ? std::optional(member->get<bool>())
                                                   : std::nullopt;
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string dump_json(const OrderedJson& value, int indent) {
  return value.dump(indent, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace vpccni::base
