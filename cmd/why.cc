// vpccni why: the last ADDs that failed, newest first, each with its reason and what the pool had.

#include "cmd/columns.h"
#include "cmd/command.h"
#include "cmd/screen.h"
#include "sre/read_node.h"

namespace vpccni::cmd {

int run_why(const Invocation& invocation) {
  auto args = invocation.args;
  const bool json = std::erase(args, "--json") > 0;
  if (!args.empty()) {
    invocation.err << "usage: vpccni why [--json]\n";
    return kUsage;
  }
  const auto view = sre::read_node({invocation.environment, invocation.clock, false});
  if (!view.agent_answers()) {
    invocation.err << invocation.program
                   << ": only the agent knows, and it does not answer: " << view.agent_trouble
                   << "\n";
    return kFailed;
  }
  const auto* list = base::find_member(view.failures, "failures");
  const bool none = list == nullptr || !list->is_array() || list->empty();
  if (json) {
    base::OrderedJson out = {{"schema", "vpccni/v1"},
                             {"total", base::integer_member(view.failures, "total").value_or(0)},
                             {"failures", base::OrderedJson::array()}};
    if (!none) {
      out["failures"] = base::OrderedJson(*list);
    }
    invocation.out << base::dump_json(out, 2) << "\n";
    return kDone;
  }
  if (none) {
    invocation.out << "no ADD has failed since the agent started\n";
    return kDone;
  }
  Columns table({"TIME", "POD", "REASON", "FREE", "DETAIL"});
  for (const auto& one : *list) {
    const auto* pool = base::find_member(one, "pool");
    const auto free = pool == nullptr ? 0 : base::integer_member(*pool, "free").value_or(0);
    table.add({base::string_member(one, "time").substr(0, 19),
               base::string_member(one, "namespace") + "/" + base::string_member(one, "name"),
               base::string_member(one, "reason"), std::to_string(free),
               base::string_member(one, "detail")});
  }
  invocation.out << table.text(find_screen(invocation.environment).width);
  return kDone;
}

}  // namespace vpccni::cmd
