#pragma once
// Text in columns, each as wide as its widest cell; on a terminal as wide as that.

#include <string>
#include <vector>

#include "base/screen_text.h"

namespace vpccni::cmd {

class Columns {
 public:
  explicit Columns(std::vector<std::string> head) { add(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// width: of a Screen; 0 = as wide as it gets.
  std::string text(std::size_t width) const { return base::lay_out(rows_, width); }

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace vpccni::cmd
