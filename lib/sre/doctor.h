#pragma once
// What is wrong with a node, by a table of rules (users.md 2.5). Pure.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sre/cure.h"
#include "sre/node_view.h"

namespace vpccni::sre {

/// Worst first. `note`: worth knowing, and nothing is wrong.
enum class Grade { fail, warn, note };
std::string_view to_string(Grade grade);

struct DoctorRule {
  std::string_view id;  // stable: "VC010"
  Grade grade;
  std::string_view title;
  std::string_view fix;
  /// The evidence; nothing: all is well, or it could not be seen.
  std::optional<std::string> (*look)(const NodeView&);
  /// What mends it, as far as this node can by itself; null: somebody else must.
  std::vector<Cure> (*cure)(const NodeView&) = nullptr;
};
std::span<const DoctorRule> doctor_rules();

struct Finding {
  const DoctorRule* rule = nullptr;
  std::string evidence;
};

/// Worst first, then in the table's order, which is that of causes before their effects.
std::vector<Finding> examine(const NodeView& view);

}  // namespace vpccni::sre
