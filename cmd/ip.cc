// vpccni ip: the addresses of the node's ENIs, and who has them. Works with the agent dead, but
// then cannot tell what cools.

#include <algorithm>

#include "cmd/columns.h"
#include "cmd/command.h"
#include "cmd/ip_change.h"
#include "cmd/screen.h"
#include "sre/read_node.h"

namespace vpccni::cmd {

namespace {

struct Row {
  std::string address;  // or a prefix
  std::string eni;
  std::string state;  // primary, pod, cooling, free, prefix
  std::string pod;
};

Row row_of(const sre::NodeView& view, const net::EniId& eni, const net::Ip& address) {
  Row row{to_string(address), to_string(eni), "free", ""};
  const auto pod = std::find_if(view.pods.begin(), view.pods.end(),
                                [&](const auto& one) { return one.held.address == address; });
  if (pod != view.pods.end()) {
    row.state = pod->quarantined ? "quarantined" : "pod";
    row.pod = pod->held.pod.name_space + "/" + pod->held.pod.name;
    return row;
  }
  const auto* cooling = base::find_member(view.plan, "cooling");
  if (cooling != nullptr && base::find_member(*cooling, row.address) != nullptr) {
    row.state = "cooling";
  }
  return row;
}

std::vector<Row> rows_of(const sre::NodeView& view) {
  std::vector<Row> rows;
  for (const auto& eni : view.enis) {
    for (std::size_t i = 0; i < eni.addresses.size(); ++i) {
      auto row = row_of(view, eni.id, eni.addresses[i]);
      if (i == 0) {
        row.state = "primary";
      }
      rows.push_back(std::move(row));
    }
    for (const auto& prefix : eni.prefixes) {
      rows.push_back({to_string(prefix), to_string(eni.id), "prefix", ""});
    }
  }
  // Those that live in prefixes.
  for (const auto& pod : view.pods) {
    const auto address = to_string(pod.held.address);
    if (std::none_of(rows.begin(), rows.end(),
                     [&](const Row& row) { return row.address == address; })) {
      rows.push_back(row_of(view, pod.eni, pod.held.address));
    }
  }
  return rows;
}

int list(const Invocation& invocation, bool json) {
  const auto view = sre::read_node({invocation.environment, invocation.clock});
  if (!view.imds_trouble.empty()) {
    invocation.err << invocation.program << ": IMDS: " << view.imds_trouble << "\n";
    return kFailed;
  }
  Columns table({"ADDRESS", "ENI", "STATE", "POD"});
  base::OrderedJson out = base::OrderedJson::array();
  for (const auto& row : rows_of(view)) {
    table.add({row.address, row.eni, row.state, row.pod});
    out.push_back(
        {{"address", row.address}, {"eni", row.eni}, {"state", row.state}, {"pod", row.pod}});
  }
  invocation.out << (json ? base::dump_json(
                                base::OrderedJson{{"schema", "vpccni/v1"}, {"addresses", out}}, 2) +
                                "\n"
                          : table.text(find_screen(invocation.environment).width));
  return kDone;
}

}  // namespace

int run_ip(const Invocation& invocation) {
  auto args = invocation.args;
  const bool json = std::erase(args, "--json") > 0;
  const bool yes = std::erase(args, "--yes") > 0;
  const std::string verb = args.empty() ? "" : args.front();
  if (verb == "assign" || verb == "unassign") {
    args.erase(args.begin());
    return verb == "assign" ? ip_assign(invocation, args, yes, json)
                            : ip_unassign(invocation, args, yes, json);
  }
  if (args.size() != 1 || verb != "list" || yes) {
    invocation.err << "usage: vpccni ip list [--json]\n"
                      "       vpccni ip assign ENI [--count N | --prefixes N] [--yes] [--json]\n"
                      "       vpccni ip unassign ADDRESS|PREFIX... [--yes] [--json]\n";
    return kUsage;
  }
  return list(invocation, json);
}

}  // namespace vpccni::cmd
