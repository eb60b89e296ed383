// vpccni checkpoint: what the checkpoint holds, and whether it can be used. Reads, never writes.

#include <map>

#include "base/files.h"
#include "base/json.h"
#include "cmd/columns.h"
#include "cmd/command.h"
#include "cmd/screen.h"
#include "ipam/checkpoint.h"
#include "settings/settings.h"

namespace vpccni::cmd {

namespace {

struct Call {
  bool verify = false;
  bool json = false;
  std::string file;
};

std::optional<Call> parse(const Invocation& invocation) {
  auto args = invocation.args;
  Call call;
  call.json = std::erase(args, "--json") > 0;
  if (args.empty() || args.size() > 2 || (args[0] != "show" && args[0] != "verify")) {
    return std::nullopt;
  }
  call.verify = args[0] == "verify";
  std::vector<settings::Note> notes;
  call.file =
      args.size() == 2 ? args[1] : settings::load(invocation.environment, notes).backing_store;
  return call;
}

/// Two pods with one address, or one sandbox's interface twice: the agent refuses such a file.
std::vector<std::string> doubles(const std::vector<ipam::Assignment>& held) {
  std::vector<std::string> out;
  std::map<net::Ip, int> addresses;
  std::map<ipam::PodKey, int> keys;
  for (const auto& one : held) {
    if (++addresses[one.address] == 2) {
      out.push_back("two entries hold " + to_string(one.address));
    }
    if (++keys[one.key] == 2) {
      out.push_back("two entries are of " + one.key.container + "/" + one.key.ifname);
    }
  }
  return out;
}

base::OrderedJson to_json(const std::vector<ipam::Assignment>& held) {
  base::OrderedJson list = base::OrderedJson::array();
  for (const auto& one : held) {
    list.push_back({{"namespace", one.pod.name_space},
                    {"name", one.pod.name},
                    {"address", to_string(one.address)},
                    {"network", one.key.network},
                    {"containerID", one.key.container},
                    {"ifName", one.key.ifname}});
  }
  return {{"schema", "vpccni/v1"}, {"pods", list}};
}

std::string to_text(const std::vector<ipam::Assignment>& held, std::size_t width) {
  Columns table({"POD", "ADDRESS", "CONTAINER", "INTERFACE"});
  for (const auto& one : held) {
    table.add({one.pod.name_space + "/" + one.pod.name, to_string(one.address),
               one.key.container.substr(0, 12), one.key.ifname});
  }
  return table.text(width);
}

}  // namespace

int run_checkpoint(const Invocation& invocation) {
  const auto call = parse(invocation);
  if (!call) {
    invocation.err << "usage: vpccni checkpoint show|verify [FILE] [--json]\n";
    return kUsage;
  }
  const auto bytes = base::read_file(call->file);
  const auto held =
      bytes ? ipam::parse_checkpoint(*bytes) : Result<std::vector<ipam::Assignment>>(bytes.error());
  if (!held) {
    invocation.err << invocation.program << ": " << call->file << ": " << held.error().message
                   << "\n";
    return kFailed;
  }
  if (!call->verify) {
    invocation.out << (call->json ? base::dump_json(to_json(*held), 2) + "\n"
                                  : to_text(*held, find_screen(invocation.environment).width));
    return kDone;
  }
  const auto wrong = doubles(*held);
  if (call->json) {
    invocation.out << base::dump_json(base::OrderedJson{{"schema", "vpccni/v1"},
                                                        {"entries", held->size()},
                                                        {"problems", wrong}},
                                      2)
                   << "\n";
  } else {
    for (const auto& one : wrong) {
      invocation.out << one << "\n";
    }
    invocation.out << call->file << ": " << held->size() << " entries, "
                   << (wrong.empty() ? "in order" : "not in order") << "\n";
  }
  return wrong.empty() ? kDone : kFailed;
}

}  // namespace vpccni::cmd
