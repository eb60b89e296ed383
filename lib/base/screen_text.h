#pragma once
// Text for a screen of so many columns. A character of UTF-8 takes one column; 0 columns are as
// many as are wanted. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace vpccni::base {

std::size_t columns_of(std::string_view text);
/// The text, or its beginning and "…" if it takes more than `most` columns.
std::string cut(std::string_view text, std::size_t most);
/// The text with '?' for each control character: nothing moves the cursor, or ends the line.
std::string printable(std::string text);
/// Lines of at most `most` columns, broken at spaces, and within words that are longer. One at
/// least.
std::vector<std::string> wrap(std::string_view text, std::size_t most);

/// Rows of cells as lines in columns, each as wide as its widest cell. What has no room beside the
/// rest goes on the next line, indented; the last cell of a row may be prose, and is wrapped.
/// Cells are made printable.
std::string lay_out(const std::vector<std::vector<std::string>>& rows, std::size_t width);

}  // namespace vpccni::base
