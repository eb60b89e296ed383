#pragma once
// The only place that names the JSON library. Foreign text goes through parse_json: bounded in
// size and depth, no exceptions. Lookups answer "absent" instead of throwing.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vpccni::base {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;  // members stay in the order of insertion

struct JsonLimits {
  std::size_t bytes = std::size_t{4} << 20U;
  int depth = 64;
};

/// The whole text as one value. Errors are `corrupt` and name the byte offset.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});
/// The same, with members in the order of the text.
Result<OrderedJson> parse_ordered_json(std::string_view text, const JsonLimits& limits = {});
/// The first value of the text; what follows is ignored (Go's Decoder).
Result<Json> parse_json_prefix(std::string_view text, const JsonLimits& limits = {});

/// The member, or nullptr when `value` is no object or has none of that name.
const Json* find_member(const Json& value, std::string_view name);
/// The member's text when it is a string, else "".
std::string string_member(const Json& value, std::string_view name);
/// The member when it is an integer that fits.
std::optional<std::int64_t> integer_member(const Json& value, std::string_view name);
std::optional<bool> bool_member(const Json& value, std::string_view name);

/// Compact text; invalid UTF-8 is replaced, never thrown about. indent < 0 = one line.
std::string dump_json(const Json& value, int indent = -1);
std::string dump_json(const OrderedJson& value, int indent = -1);

}  // namespace vpccni::base
