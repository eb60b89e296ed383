#include "cmd/command.h"

#include <algorithm>

namespace vpccni::cmd {

const Command* find_command(std::string_view name) {
  const auto rows = commands();
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const Command& each) {
    return each.name == name || (!each.alias.empty() && each.alias == name);
  });
  return row == rows.end() ? nullptr : &*row;
}

}  // namespace vpccni::cmd
