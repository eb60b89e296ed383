// vpccni pods: which pod holds which address, by agent and checkpoint. Works with the agent dead.

#include "cmd/columns.h"
#include "cmd/command.h"
#include "cmd/screen.h"
#include "sre/read_node.h"

namespace vpccni::cmd {

namespace {

std::string remark(const sre::NodeView& view, const sre::PodRow& row) {
  if (row.quarantined) {
    return "quarantined";
  }
  if (view.agent_answers() && !row.in_agent) {
    return "the agent does not know it";
  }
  if (view.checkpoint_trouble.empty() && !row.in_checkpoint) {
    return "not in the checkpoint";
  }
  return "";
}

base::OrderedJson to_json(const sre::NodeView& view) {
  base::OrderedJson list = base::OrderedJson::array();
  for (const auto& row : view.pods) {
    list.push_back({{"namespace", row.held.pod.name_space},
                    {"name", row.held.pod.name},
                    {"address", to_string(row.held.address)},
                    {"eni", to_string(row.eni)},
                    {"table", row.table.value()},
                    {"link", row.host_veth},
                    {"inAgent", row.in_agent},
                    {"inCheckpoint", row.in_checkpoint},
                    {"quarantined", row.quarantined}});
  }
  return {{"schema", "vpccni/v1"},
          {"agent", view.agent_answers() ? "" : view.agent_trouble},
          {"checkpoint", view.checkpoint_trouble},
          {"pods", list}};
}

}  // namespace

int run_pods(const Invocation& invocation) {
  auto args = invocation.args;
  const bool json = std::erase(args, "--json") > 0;
  if (!args.empty()) {
    invocation.err << "usage: vpccni pods [--json]\n";
    return kUsage;
  }
  const auto view = sre::read_node({invocation.environment, invocation.clock});
  if (!view.agent_answers() && !view.checkpoint_trouble.empty()) {
    invocation.err << invocation.program << ": neither the agent (" << view.agent_trouble
                   << ") nor the checkpoint (" << view.checkpoint_trouble << ") can be read\n";
    return kFailed;
  }
  if (json) {
    invocation.out << base::dump_json(to_json(view), 2) << "\n";
    return kDone;
  }
  if (!view.agent_answers()) {
    invocation.err << "the agent does not answer; this is its checkpoint\n";
  }
  Columns table({"POD", "ADDRESS", "ENI", "TABLE", "LINK", ""});
  for (const auto& row : view.pods) {
    table.add({row.held.pod.name_space + "/" + row.held.pod.name, to_string(row.held.address),
               row.eni.empty() ? "-" : to_string(row.eni),
               row.table == net::kMainTable ? "main" : to_string(row.table), row.host_veth,
               remark(view, row)});
  }
  invocation.out << table.text(find_screen(invocation.environment).width);
  return kDone;
}

}  // namespace vpccni::cmd
