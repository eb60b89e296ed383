// Addresses, numbers, text and JSON: what is read and written reads the same again.

#include "base/json.h"
#include "base/text.h"
#include "net/ip.h"
#include "net/mac.h"
#include "tests/fuzz/fuzz.h"

namespace vpccni {
namespace {

using fuzz::require;

/// `letters` are all that may stand in such a text.
template <class T>
void check_value(std::string_view input, std::string_view letters) {
  const auto read = T::parse(input);
  if (!read) {
    return;
  }
  require(input.find_first_not_of(letters) == std::string_view::npos, "only its letters are taken");
  const auto again = T::parse(to_string(*read));
  require(again && *again == *read, "a printed value reads the same");
}

template <class Int>
void check_integer(std::string_view input) {
  const auto read = base::parse_integer<Int>(input);
  if (read) {
    const auto again = base::parse_integer<Int>(std::to_string(*read));
    require(again && *again == *read, "a printed integer reads the same");
  }
}

void check_cidr(std::string_view input) {
  check_value<net::Cidr>(input, "0123456789abcdefABCDEF:./");
  const auto left = net::Cidr::parse(fuzz::take_until(input, " "));
  const auto right = net::Cidr::parse(input);
  if (left) {
    require(left->contains(left->base()) && left->contains(*left), "a block contains itself");
    require(left->contains(left->at(left->size() - 1)), "a block contains its last address");
  }
  if (left && right && left->contains(*right)) {
    require(left->contains(right->base()), "a block contains what its parts contain");
    require(left->family() == right->family(), "blocks of one family");
  }
}

void check_text(std::string_view input) {
  require(base::percent_decode(base::percent_encode(input), true) == input, "percent encoding");
  (void)base::percent_decode(input, true);
  require(base::hex(input).size() == input.size() * 2, "two digits per byte");
  const auto quoted = base::parse_json(base::json_quote(input));
  require(quoted && quoted->is_string(), "a quoted text is JSON");
  std::vector<std::string> parts;
  for (const auto part : base::split(input, ',')) {
    parts.emplace_back(part);
  }
  require(base::join(parts, ",") == input, "split and join");
  for (const auto word : base::words(input)) {
    require(!word.empty() && base::trim(word) == word, "words have no blanks");
  }
  require(base::iequals(base::to_lower(input), input), "letter case");
  (void)base::parse_bool(input);
}

void check_json(std::string_view input) {
  const auto prefix = base::parse_json_prefix(input, {.bytes = 65536, .depth = 64});
  const auto whole = base::parse_json(input, {.bytes = 65536, .depth = 64});
  if (whole) {
    require(prefix && *prefix == *whole, "the whole text is its own prefix");
    const std::string text = base::dump_json(*whole);
    const auto again = base::parse_json(text);
    require(again && *again == *whole, "printed JSON reads the same");
    require(base::dump_json(*again) == text, "and prints the same");
    require(base::parse_json(base::dump_json(*whole, 4)).has_value(), "indented too");
  }
  if (prefix) {
    (void)base::string_member(*prefix, "a");
    (void)base::integer_member(*prefix, "a");
    (void)base::bool_member(*prefix, "a");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  switch (fuzz::take_choice(input, 7)) {
    case 0:
      check_value<net::Ip>(input, "0123456789abcdefABCDEF:.");
      break;
    case 1:
      check_cidr(input);
      break;
    case 2:
      check_value<net::IpInterface>(input, "0123456789abcdefABCDEF:./");
      break;
    case 3:
      check_value<net::Mac>(input, "0123456789abcdefABCDEF:");
      break;
    case 4:
      check_integer<int>(input);
      check_integer<std::int64_t>(input);
      check_integer<std::uint32_t>(input);
      break;
    case 5:
      check_text(input);
      break;
    default:
      check_json(input);
  }
  return 0;
}

}  // namespace vpccni
