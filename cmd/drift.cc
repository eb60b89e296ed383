// vpccni drift: where agent, checkpoint, kernel, IMDS and EC2 differ about pods' addresses. Exit 0:
// nowhere; 1: somewhere; 2: usage.

#include "sre/drift.h"

#include <algorithm>

#include "cmd/columns.h"
#include "cmd/command.h"
#include "cmd/screen.h"
#include "sre/read_node.h"

namespace vpccni::cmd {

namespace {

base::OrderedJson to_json(const sre::DriftRow& row) {
  return {{"address", to_string(row.address)}, {"pod", row.pod},
          {"agent", to_string(row.agent)},     {"checkpoint", to_string(row.checkpoint)},
          {"kernel", to_string(row.kernel)},   {"imds", to_string(row.imds)},
          {"ec2", to_string(row.ec2)},         {"differs", row.differs()}};
}

void tell_unseen(const sre::NodeView& view, std::ostream& err) {
  for (const auto& [source, trouble] :
       {std::pair{"agent", view.agent_trouble}, std::pair{"checkpoint", view.checkpoint_trouble},
        std::pair{"kernel", view.kernel_trouble}, std::pair{"IMDS", view.imds_trouble},
        std::pair{"EC2", view.ec2_trouble}}) {
    if (!trouble.empty()) {
      err << source << " not seen: " << trouble << "\n";
    }
  }
}

/// Puts back what of ours the kernel lacks, as the agent does by itself: only adds. What has no
/// cure here (a pod's link) is said.
int repair(const Invocation& invocation, bool json) {
  const auto view =
      sre::read_node({invocation.environment, invocation.clock, true, sre::AskEc2::when_needed});
  if (!view.kernel_trouble.empty()) {
    invocation.err << invocation.program << ": kernel: " << view.kernel_trouble << "\n";
    return kFailed;
  }
  base::OrderedJson list = base::OrderedJson::array();
  bool left = false;
  for (const auto& fault : podnet::find_faults(view.wanted, view.kernel)) {
    const auto done = fault.repair.empty()
                          ? Result<>(Error{Errc::unsupported, "only a new pod gets one"})
                          : podnet::repair(fault);
    left = left || !done;
    list.push_back({{"what", fault.what},
                    {"repaired", done.has_value()},
                    {"error", done ? std::string() : done.error().message}});
    if (!json) {
      invocation.out << (done ? "put back: " : "missing: ") << fault.what
                     << (done ? "" : ": " + done.error().message) << "\n";
    }
  }
  if (json) {
    invocation.out << base::dump_json(base::OrderedJson{{"schema", "vpccni/v1"}, {"repairs", list}},
                                      2)
                   << "\n";
  } else if (list.empty()) {
    invocation.out << "links, addresses, routes and rules are as they should be\n";
  }
  return left ? kFailed : kDone;
}

}  // namespace

int run_drift(const Invocation& invocation) {
  auto args = invocation.args;
  const bool repairs = std::erase(args, "--repair") > 0;
  const bool json = std::erase(args, "--json") > 0;
  const bool all = std::erase(args, "--all") > 0;
  if (!args.empty() || (repairs && all)) {
    invocation.err << "usage: vpccni drift [--all | --repair] [--json]\n";
    return kUsage;
  }
  if (repairs) {
    return repair(invocation, json);
  }
  const auto view =
      sre::read_node({invocation.environment, invocation.clock, true, sre::AskEc2::always});
  const auto rows = sre::find_drift(view);
  Columns table({"ADDRESS", "POD", "AGENT", "CHECKPOINT", "KERNEL", "IMDS", "EC2"});
  base::OrderedJson list = base::OrderedJson::array();
  bool differs = false;
  for (const auto& row : rows) {
    differs = differs || row.differs();
    if (!all && !row.differs()) {
      continue;
    }
    list.push_back(to_json(row));
    const auto text = [](sre::Known known) { return std::string(to_string(known)); };
    table.add({to_string(row.address), row.pod.empty() ? "-" : row.pod, text(row.agent),
               text(row.checkpoint), text(row.kernel), text(row.imds), text(row.ec2)});
  }
  if (json) {
    invocation.out << base::dump_json(base::OrderedJson{{"schema", "vpccni/v1"}, {"rows", list}}, 2)
                   << "\n";
    return differs ? kFailed : kDone;
  }
  tell_unseen(view, invocation.err);
  if (list.empty()) {
    invocation.out << rows.size() << " addresses of pods, and all views that were seen agree\n";
  } else {
    invocation.out << table.text(find_screen(invocation.environment).width);
  }
  return differs ? kFailed : kDone;
}

}  // namespace vpccni::cmd
