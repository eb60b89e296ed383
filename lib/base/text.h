#pragma once
// Small pure functions on text: numbers, splitting, quoting, encoding.

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vpccni::base {

std::string to_lower(std::string_view text);   // ASCII
std::string_view trim(std::string_view text);  // ASCII white space at both ends
std::vector<std::string_view> split(std::string_view text, char separator);  // keeps empty parts
std::vector<std::string_view> words(std::string_view text);  // split on runs of white space
std::string join(const std::vector<std::string>& parts, std::string_view separator);
bool iequals(std::string_view a, std::string_view b);  // ASCII, case-insensitive

/// A JSON string literal with its quotes. Invalid UTF-8 becomes U+FFFD.
std::string json_quote(std::string_view text);
void append_json_quoted(std::string& out, std::string_view text);

/// The text with U+FFFD in place of each byte that is no UTF-8.
std::string to_utf8(std::string_view text);
/// At most `bytes` bytes of the text, cut between characters.
std::string_view utf8_prefix(std::string_view text, std::size_t bytes);

/// RFC 3986: leaves A-Z a-z 0-9 - _ . ~ bare.
std::string percent_encode(std::string_view text);
/// Decodes %XX and, when `plus_is_space`, '+'. A malformed escape stays as it is.
std::string percent_decode(std::string_view text, bool plus_is_space);

std::string hex(std::string_view bytes);  // lower case

/// The whole text as a decimal integer with optional sign (Go's Atoi), nothing else.
template <class Int>
Result<Int> parse_integer(std::string_view text) {
  Int value{};
  const char* first = text.data();
  const char* last = first + text.size();
  if (first != last && *first == '+') {
    ++first;
    if (first != last && *first == '-') {
      return Error{Errc::invalid_argument, "integer expected, got \"" + std::string(text) + "\""};
    }
  }
  const auto [end, ec] = std::from_chars(first, last, value);
  if (ec != std::errc{} || end != last || first == last) {
    return Error{Errc::invalid_argument,
                 "integer expected, got \"" + std::string(text.substr(0, 64)) + "\""};
  }
  return value;
}

/// Go's strconv.ParseBool: 1 t T TRUE true True 0 f F FALSE false False.
Result<bool> parse_bool(std::string_view text);

}  // namespace vpccni::base
