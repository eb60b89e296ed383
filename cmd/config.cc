// vpccni config: every setting with the value that counts and where it comes from; and what of the
// environment is not used as written, or refused. Of the environment that it is called with: in a
// container that of its pod.

#include "base/json.h"
#include "cmd/columns.h"
#include "cmd/command.h"
#include "cmd/screen.h"
#include "settings/entrypoint.h"
#include "settings/table.h"

namespace vpccni::cmd {

namespace {

struct Effective {
  std::string value;
  std::string_view origin;
};

Effective effective(const settings::Setting& row, const Environment& environment) {
  const auto at = environment.find(std::string(row.name));
  const bool set =
      at != environment.end() && (!at->second.empty() || row.empty == settings::Empty::value);
  if (!set) {
    return {std::string(row.fallback), "default"};
  }
  return {row.kind == settings::Kind::secret ? "***" : at->second, "environment"};
}

int show(const Invocation& invocation, bool json) {
  Columns table({"NAME", "VALUE", "ORIGIN"});
  base::OrderedJson list = base::OrderedJson::array();
  for (const auto& row : settings::settings_table()) {
    const auto now = effective(row, invocation.environment);
    table.add({std::string(row.name), now.value, std::string(now.origin)});
    list.push_back({{"name", row.name}, {"value", now.value}, {"origin", now.origin}});
  }
  invocation.out << (json ? base::dump_json(
                                base::OrderedJson{{"schema", "vpccni/v1"}, {"settings", list}}, 2) +
                                "\n"
                          : table.text(find_screen(invocation.environment).width));
  return kDone;
}

/// What is wrong, and whether it is refused.
std::vector<std::pair<std::string, bool>> problems(const Environment& environment) {
  std::vector<std::pair<std::string, bool>> out;
  std::vector<settings::Note> notes;
  const auto set = settings::load(environment, notes);
  for (const auto& note : notes) {
    out.emplace_back(to_string(note), note.fatal);
  }
  for (const auto& refusal : settings::refusals(set)) {
    out.emplace_back(refusal, true);
  }
  const auto entrypoint = settings::load_entrypoint(environment);
  for (const auto& refusal : entrypoint.refusals) {
    out.emplace_back(refusal, true);
  }
  return out;
}

int validate(const Invocation& invocation, bool json) {
  const auto found = problems(invocation.environment);
  base::OrderedJson list = base::OrderedJson::array();
  for (const auto& [text, refused] : found) {
    list.push_back({{"refused", refused}, {"problem", text}});
    if (!json) {
      invocation.out << (refused ? "refused  " : "ignored  ") << text << "\n";
    }
  }
  if (json) {
    invocation.out << base::dump_json(
                          base::OrderedJson{{"schema", "vpccni/v1"}, {"problems", list}}, 2)
                   << "\n";
  } else if (found.empty()) {
    invocation.out << "every setting is used as written\n";
  }
  return found.empty() ? kDone : kFailed;
}

}  // namespace

int run_config(const Invocation& invocation) {
  auto args = invocation.args;
  const bool json = std::erase(args, "--json") > 0;
  if (args.size() == 1 && args[0] == "show") {
    return show(invocation, json);
  }
  if (args.size() == 1 && args[0] == "validate") {
    return validate(invocation, json);
  }
  invocation.err << "usage: vpccni config show|validate [--json]\n";
  return kUsage;
}

}  // namespace vpccni::cmd
