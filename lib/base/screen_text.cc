#include "base/screen_text.h"

#include <algorithm>

namespace vpccni::base {

namespace {

constexpr std::size_t kGap = 2;          // between two columns
constexpr std::size_t kIndent = 4;       // of what goes on the next line
constexpr std::size_t kLeastProse = 24;  // columns; with less it has lines of its own

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
}

/// Bytes of the first `count` characters.
std::size_t bytes_of(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (begins_character(text[at]) && count-- == 0) {
      break;
    }
  }
  return at;
}

struct Column {
  std::size_t width = 0;
  bool breaks = false;  // the first on its line
};

std::vector<Column> plan(const std::vector<std::vector<std::string>>& rows, std::size_t width) {
  std::vector<Column> all;
  bool prose = false;
  for (const auto& row : rows) {
    all.resize(std::max(all.size(), row.size()));
  }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      all[i].width = std::max(all[i].width, columns_of(row[i]));
    }
    prose = prose ||
            (row.size() == all.size() && !row.empty() && row.back().find(' ') != std::string::npos);
  }
  std::size_t used = 0;
  for (std::size_t i = 0; width > 0 && i < all.size(); ++i) {
    auto& column = all[i];
    const bool last_prose = prose && i + 1 == all.size();
    const auto wanted = last_prose ? std::min(column.width, kLeastProse) : column.width;
    column.breaks = i > 0 && used + kGap + wanted > width;
    const std::size_t start = i == 0 ? 0 : column.breaks ? kIndent : used + kGap;
    column.width = std::min(column.width, std::max(width, start + 1) - start);
    used = start + column.width;
  }
  return all;
}

void finish(std::string& out, std::string& line) {
  line.erase(line.find_last_not_of(' ') + 1);
  if (!line.empty()) {
    out += line + "\n";
  }
  line.clear();
}

void add_row(std::string& out, const std::vector<std::string>& row,
             const std::vector<Column>& columns) {
  std::string line;
  std::size_t start = 0;  // of the cell
  for (std::size_t i = 0; i < row.size(); ++i) {
    const auto& column = columns[i];
    if (column.breaks) {
      finish(out, line);
      line = std::string(kIndent, ' ');
      start = kIndent;
    }
    const std::string cell = printable(row[i]);
    const bool fits = columns_of(cell) <= column.width;
    const auto lines = fits ? std::vector<std::string>{cell}
                       : i + 1 == columns.size()
                           ? wrap(cell, column.width)
                           : std::vector<std::string>{cut(cell, column.width)};
    for (std::size_t k = 0; k < lines.size(); ++k) {
      if (k > 0) {
        finish(out, line);
        line = std::string(start, ' ');
      }
      line += lines[k] + std::string(column.width - columns_of(lines[k]) + kGap, ' ');
    }
    start += column.width + kGap;
  }
  finish(out, line);
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20U || c == 0x7F; }, '?');
  return text;
}

std::string cut(std::string_view text, std::size_t most) {
  if (most == 0 || columns_of(text) <= most) {
    return std::string(text);
  }
  return std::string(text.substr(0, bytes_of(text, most - 1))) + "…";
}

std::vector<std::string> wrap(std::string_view text, std::size_t most) {
  std::vector<std::string> lines;
  while (most > 0 && columns_of(text) > most) {
    const auto limit = bytes_of(text, most);
    const auto space = text.substr(0, limit + 1).rfind(' ');
    const bool at_space = space != std::string_view::npos && space > 0;
    lines.emplace_back(text.substr(0, at_space ? space : limit));
    text.remove_prefix(at_space ? space + 1 : limit);
  }
  lines.emplace_back(text);
  return lines;
}

std::string lay_out(const std::vector<std::vector<std::string>>& rows, std::size_t width) {
  const auto columns = plan(rows, width);
  std::string out;
  for (const auto& row : rows) {
    add_row(out, row, columns);
  }
  return out;
}

}  // namespace vpccni::base
