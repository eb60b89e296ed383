// vpccni eni: the node's ENIs as IMDS, the kernel and the pods show them.

#include <algorithm>

#include "cmd/columns.h"
#include "cmd/command.h"
#include "cmd/eni_attach.h"
#include "cmd/eni_gc.h"
#include "cmd/screen.h"
#include "sre/read_node.h"

namespace vpccni::cmd {

namespace {

struct Row {
  const aws::ImdsEni* eni;
  std::string table;
  std::string link;  // "" = none has its MAC
  std::size_t used = 0;
};

Row row_of(const sre::NodeView& view, const aws::ImdsEni& eni) {
  Row row{&eni, "-", "", 0};
  for (const auto& wanted : view.wanted.enis) {
    if (wanted.mac == eni.mac) {
      row.table = to_string(wanted.table);
    }
  }
  if (eni.mac == view.primary_mac) {
    row.table = "main";
  }
  for (const auto& link : view.kernel.links) {
    if (link.mac == eni.mac) {
      row.link = link.name;
    }
  }
  row.used = static_cast<std::size_t>(std::count_if(
      view.pods.begin(), view.pods.end(), [&](const auto& pod) { return pod.eni == eni.id; }));
  return row;
}

int list(const Invocation& invocation, bool json) {
  const auto view = sre::read_node({invocation.environment, invocation.clock});
  if (!view.imds_trouble.empty()) {
    invocation.err << invocation.program << ": IMDS: " << view.imds_trouble << "\n";
    return kFailed;
  }
  Columns table({"ENI", "DEVICE", "LINK", "TABLE", "SUBNET", "ADDRESSES", "PREFIXES", "PODS", ""});
  base::OrderedJson out = base::OrderedJson::array();
  for (const auto& eni : view.enis) {
    const auto row = row_of(view, eni);
    const bool primary = eni.mac == view.primary_mac;
    const auto subnet = eni.subnet ? to_string(*eni.subnet) : "";
    table.add({to_string(eni.id), to_string(eni.device), row.link.empty() ? "none" : row.link,
               row.table, subnet, std::to_string(eni.addresses.size()),
               std::to_string(eni.prefixes.size()), std::to_string(row.used),
               primary ? "primary" : ""});
    out.push_back({{"id", to_string(eni.id)},
                   {"device", eni.device.value()},
                   {"card", eni.card.value()},
                   {"mac", to_string(eni.mac)},
                   {"link", row.link},
                   {"table", row.table},
                   {"subnet", subnet},
                   {"addresses", eni.addresses.size()},
                   {"prefixes", eni.prefixes.size()},
                   {"pods", row.used},
                   {"primary", primary}});
  }
  invocation.out << (json ? base::dump_json(
                                base::OrderedJson{{"schema", "vpccni/v1"}, {"enis", out}}, 2) +
                                "\n"
                          : table.text(find_screen(invocation.environment).width));
  return kDone;
}

}  // namespace

int run_eni(const Invocation& invocation) {
  auto args = invocation.args;
  const bool json = std::erase(args, "--json") > 0;
  const bool yes = std::erase(args, "--yes") > 0;
  if (args.size() == 1 && args[0] == "gc") {
    return eni_gc(invocation, yes, json);
  }
  if (args.size() == 2 && args[0] == "attach") {
    return eni_attach(invocation, args[1], yes, json);
  }
  if (args.size() == 2 && args[0] == "detach") {
    return eni_detach(invocation, args[1], yes, json);
  }
  if (args.size() != 1 || args[0] != "list" || yes) {
    invocation.err << "usage: vpccni eni list [--json]\n       vpccni eni gc [--yes] [--json]\n"
                      "       vpccni eni attach|detach ENI [--yes] [--json]\n";
    return kUsage;
  }
  return list(invocation, json);
}

}  // namespace vpccni::cmd
