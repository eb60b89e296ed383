#pragma once
// Lists and watches that come in parts: each object is cut out as text and handed on by itself, so
// that memory is bounded by one object, however many there are. Pure; foreign bytes.

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vpccni::k8s {

/// The text of one object. An error ends the reading.
using OneObject = std::function<Result<>(std::string_view json)>;

/// A watch: one object a line. What comes after the last line break is no whole object yet.
class LineReader {
 public:
  LineReader(OneObject each, std::size_t limit) : each_(std::move(each)), limit_(limit) {}
  Result<> feed(std::string_view bytes);

 private:
  OneObject each_;
  std::size_t limit_;  // of one line
  std::string line_;
};

/// {"kind": …, "metadata": {"resourceVersion": …, "continue": …}, "items": [ … ]}
class ListReader {
 public:
  ListReader(OneObject each, std::size_t limit) : each_(std::move(each)), limit_(limit) {}
  Result<> feed(std::string_view bytes);

  struct Rest {
    std::string version;    // metadata.resourceVersion
    std::string next_page;  // metadata.continue; "" at the last one
  };
  /// After the last part: everything but the items. Anything but a whole list is corrupt.
  Result<Rest> finish() const;

 private:
  Result<> take(char c);
  Result<> take_structure(char c);
  Result<> end_item(bool last);
  bool after_items_key() const;
  std::string& target() { return in_items_ ? item_ : rest_; }

  OneObject each_;
  std::size_t limit_;  // of one item
  std::string rest_;   // the list with empty items
  std::string item_;
  std::size_t string_begin_ = 0;  // of the last string in rest_, with its quotes
  std::size_t string_end_ = 0;
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool in_items_ = false;
  bool any_item_ = false;
};

}  // namespace vpccni::k8s
