#pragma once
// iptables as its two bulk programs: one reading and one transaction per table. Which variant
// (legacy or nft) is the choice of the program names. A value; safe in threaded programs; runs in
// the calling thread's namespace; blocks until the table's lock is free or the time is up.

#include <string>
#include <string_view>
#include <vector>

#include "linux/process.h"

namespace vpccni::linux {

/// One "-A chain spec" line in the kernel's listing form.
struct SavedRule {
  std::string chain;
  std::string spec;
};

/// One table of `iptables-save`; chains and rules in its order.
struct SavedTable {
  std::string name;
  std::vector<std::string> chains;
  std::vector<SavedRule> rules;

  bool has_chain(std::string_view chain) const;
};

/// The section of `table`; without one the table is empty. `corrupt` on a line of no known form.
Result<SavedTable> parse_save(std::string_view table, std::string_view text);

/// The words of a rule's text, with its quotes and backslashes resolved.
std::vector<std::string> rule_words(std::string_view spec);
/// The word behind an option, "-j"; empty if there is none.
std::string_view word_after(const std::vector<std::string>& words, std::string_view option);

/// What Iptables::restore takes: commands, a line each, on one table; nothing for no commands.
std::string transaction(std::string_view table, const std::string& commands);

class Iptables {
 public:
  Iptables() = default;
  /// Program and first arguments, for instance {"iptables-legacy-save"}.
  Iptables(std::vector<std::string> save, std::vector<std::string> restore)
      : save_(std::move(save)), restore_(std::move(restore)) {}

  Result<SavedTable> save(std::string_view table) const;
  /// One transaction per table of the text. `conflict` when iptables refused it: nothing changed.
  Result<> restore(std::string_view text) const;

 private:
  std::vector<std::string> save_ = {"iptables-save"};
  std::vector<std::string> restore_ = {"iptables-restore"};
};

}  // namespace vpccni::linux
