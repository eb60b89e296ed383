#include "k8s/read_stream.h"

#include "base/json.h"
#include "base/text.h"

namespace vpccni::k8s {

namespace {

constexpr std::size_t kRestLimit = 65536;
constexpr int kDepthLimit = 64;

Error corrupt(const char* why) {
  return {Errc::corrupt, why};
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

Result<> LineReader::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto part = bytes.substr(0, end);
    if (line_.size() + part.size() > limit_) {
      return Error{Errc::exhausted, "an event is larger than " + std::to_string(limit_) + " bytes"};
    }
    line_.append(part);
    if (end == std::string_view::npos) {
      return {};
    }
    bytes.remove_prefix(end + 1);
    const std::string line = std::exchange(line_, {});  // a large one must not stay
    if (!base::trim(line).empty()) {
      VPCCNI_CHECK(each_(line));
    }
  }
  return {};
}

Result<> ListReader::feed(std::string_view bytes) {
  for (const char c : bytes) {
    VPCCNI_CHECK(take(c));
  }
  return {};
}

Result<> ListReader::take(char c) {
  if (!in_string_) {
    return take_structure(c);
  }
  target() += c;
  if (target().size() > (in_items_ ? limit_ : kRestLimit)) {
    return Error{Errc::exhausted, "a part of a list is too large"};
  }
  if (escaped_) {
    escaped_ = false;
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == '"') {
    in_string_ = false;
    string_end_ = in_items_ ? string_end_ : rest_.size();
  }
  return {};
}

/// A byte outside of strings. In items, depth 2 is between them.
Result<> ListReader::take_structure(char c) {
  if (in_items_ && depth_ == 2 && (c == ',' || c == ']')) {
    VPCCNI_CHECK(end_item(c == ']'));
    if (c == ']') {
      in_items_ = false;
      depth_ = 1;
      rest_ += c;
    }
    return {};
  }
  if (depth_ == 0 && !rest_.empty() && !is_space(c)) {
    return corrupt("bytes after the list");
  }
  if (is_space(c)) {  // one stands for many
    if (!target().empty() && target().back() != ' ') {
      target() += ' ';
    }
    return {};
  }
  const bool items = c == '[' && depth_ == 1 && !in_items_ && after_items_key();
  if (c == '"') {
    in_string_ = true;
    string_begin_ = in_items_ ? string_begin_ : rest_.size();
  }
  target() += c;
  if (target().size() > (in_items_ ? limit_ : kRestLimit)) {
    return Error{Errc::exhausted, "a part of a list is too large"};
  }
  if (c == '{' || c == '[') {
    if (++depth_ > kDepthLimit) {
      return corrupt("a list is too deep");
    }
  } else if (c == '}' || c == ']') {
    if (--depth_ < (in_items_ ? 2 : 0)) {
      return corrupt("a list ends more than it began");
    }
  }
  in_items_ = in_items_ || items;
  return {};
}

bool ListReader::after_items_key() const {
  const std::string_view rest = rest_;
  return string_end_ > string_begin_ &&
         rest.substr(string_begin_, string_end_ - string_begin_) == "\"items\"" &&
         base::trim(rest.substr(string_end_)) == ":";
}

Result<> ListReader::end_item(bool last) {
  const std::string item = std::exchange(item_, {});
  if (base::trim(item).empty()) {
    return last && !any_item_ ? Result<>() : corrupt("an empty item");
  }
  any_item_ = true;
  return each_(item);
}

Result<ListReader::Rest> ListReader::finish() const {
  if (depth_ != 0 || in_string_ || rest_.empty()) {
    return corrupt("the list is cut off");
  }
  VPCCNI_TRY(const auto value, base::parse_json(rest_));
  const auto* items = base::find_member(value, "items");
  if (items == nullptr || (!items->is_array() && !items->is_null())) {
    return corrupt("a list without items");  // null is Go's empty list
  }
  const auto* metadata = base::find_member(value, "metadata");
  if (metadata == nullptr) {
    return Rest{};
  }
  return Rest{base::string_member(*metadata, "resourceVersion"),
              base::string_member(*metadata, "continue")};
}

}  // namespace vpccni::k8s
