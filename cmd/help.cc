#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "cmd/command.h"
#include "settings/table.h"

namespace vpccni::cmd {

namespace {

using base::OrderedJson;

void print_overview(std::ostream& out) {
  std::size_t width = 0;
  for (const Command& each : commands()) {
    width = std::max(width, each.name.size());
  }
  out << "vpccni gives Kubernetes pods on EC2 addresses of the VPC; a drop-in for the AWS VPC "
         "CNI.\n"
         "\nusage: vpccni COMMAND [ARGUMENT...]\n\n";
  for (const Command& each : commands()) {
    out << "  " << each.name << std::string(width - each.name.size() + 2, ' ') << each.summary
        << "\n";
  }
  out << "\nvpccni help COMMAND tells how to call one, vpccni help environment all settings.\n"
         "\nNew here? On a node: vpccni status, then vpccni doctor. In the source tree: "
         "scripts/lab demo\n"
         "makes a VPC with two nodes on this machine, runs pods on them and takes it all away "
         "again.\n";
}

void print_commands_json(std::ostream& out) {
  OrderedJson rows = OrderedJson::array();
  for (const Command& each : commands()) {
    rows.push_back({{"name", each.name},
                    {"alias", each.alias},
                    {"summary", each.summary},
                    {"usage", each.usage},
                    {"schemas", base::words(each.schemas)}});
  }
  out << base::dump_json(OrderedJson{{"schema", "vpccni/v1"}, {"commands", rows}}, 2) << "\n";
}

/// "docs/schema/eni-list.json, eni-gc.json"
std::string schema_files(const Command& command) {
  std::string out = "docs/schema/";
  for (const auto name : base::words(command.schemas)) {
    out += (out.ends_with('/') ? "" : ", ") + std::string(name) + ".json";
  }
  return out;
}

int print_command(const Command& command, std::ostream& out) {
  out << "usage: vpccni " << command.name << (command.usage.empty() ? "" : " ") << command.usage
      << "\n\n"
      << command.summary << "\n";
  if (!command.alias.empty()) {
    out << "Also runs under the name " << command.alias << ".\n";
  }
  if (!command.schemas.empty()) {
    out << "--json is described in " << schema_files(command) << ".\n";
  }
  return kDone;
}

void print_environment(std::ostream& out) {
  out << "Settings come from the environment, once, at the start. Name, default, meaning:\n";
  for (const auto& row : settings::settings_table()) {
    out << "\n" << row.name << (row.fallback.empty() ? "" : "=") << row.fallback << "\n    ";
    out << row.help << (row.acted ? "" : " (Not acted on yet.)") << "\n";
  }
}

void print_environment_json(std::ostream& out) {
  OrderedJson rows = OrderedJson::array();
  for (const auto& row : settings::settings_table()) {
    rows.push_back({{"name", row.name},
                    {"default", row.fallback},
                    {"help", row.help},
                    {"kind", to_string(row.kind)},
                    {"scope", to_string(row.scope)},
                    {"since", row.since},
                    {"acted_on", row.acted}});
  }
  out << base::dump_json(OrderedJson{{"schema", "vpccni/v1"}, {"settings", rows}}, 2) << "\n";
}

int usage_error(const Invocation& call) {
  call.err << "usage: vpccni help [--json | environment [--json] | COMMAND]\n";
  return kUsage;
}

}  // namespace

int run_help(const Invocation& call) {
  auto args = call.args;
  const bool json = std::erase(args, "--json") > 0;
  if (args.empty()) {
    json ? print_commands_json(call.out) : print_overview(call.out);
    return kDone;
  }
  if (args.size() > 1) {
    return usage_error(call);
  }
  if (args[0] == "environment") {
    json ? print_environment_json(call.out) : print_environment(call.out);
    return kDone;
  }
  const Command* row = find_command(args[0]);
  if (row == nullptr) {
    call.err << "vpccni help: no command \"" << args[0] << "\"; see vpccni help\n";
    return kUsage;
  }
  return json ? usage_error(call) : print_command(*row, call.out);
}

}  // namespace vpccni::cmd
