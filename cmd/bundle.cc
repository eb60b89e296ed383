// vpccni bundle: one archive for support: what the node shows, with secrets taken out. Works with
// the agent dead. Writes one file, which only its owner reads.

#include <algorithm>

#include "base/files.h"
#include "cmd/command.h"
#include "cmd/version.h"
#include "settings/settings.h"
#include "settings/table.h"
#include "sre/archive.h"
#include "sre/doctor.h"
#include "sre/explain.h"
#include "sre/read_node.h"
#include "sre/redact.h"

namespace vpccni::cmd {

namespace {

constexpr std::size_t kLogTail = std::size_t{4} << 20U;     // bytes of each log
constexpr std::size_t kMostBytes = std::size_t{15} << 20U;  // of the archive
constexpr std::size_t kCheckpointLimit = std::size_t{4} << 20U;
constexpr std::size_t kLogLimit = std::size_t{256} << 20U;
constexpr unsigned kMode = 0600;

std::string settings_text(const Environment& environment) {
  std::string out;
  for (const auto& row : settings::settings_table()) {
    const auto at = environment.find(std::string(row.name));
    if (at != environment.end()) {
      out += std::string(row.name) + "=" +
             (row.kind == settings::Kind::secret ? "***" : at->second) + "\n";
    }
  }
  return out;
}

std::string kernel_text(const sre::NodeView& view) {
  if (!view.kernel_trouble.empty()) {
    return view.kernel_trouble + "\n";
  }
  std::string out = "links\n";
  for (const auto& link : view.kernel.links) {
    out += "  " + to_string(link.index) + " " + link.name + " " + to_string(link.mac) + " mtu " +
           std::to_string(link.mtu) + (link.up ? " up" : " down") + " " + link.kind + "\n";
  }
  out += "rules\n";
  for (const auto& rule : view.kernel.rules) {
    out += "  " + to_string(rule) + "\n";
  }
  out += "routes\n";
  for (const auto& route : view.kernel.routes) {
    out += "  " + to_string(route.destination) +
           (route.gateway ? " via " + to_string(*route.gateway) : "") + " dev " +
           to_string(route.link) + " table " + to_string(route.table) + "\n";
  }
  return out;
}

std::string rules_text(const sre::NodeView& view) {
  if (!view.iptables_trouble.empty()) {
    return view.iptables_trouble + "\n";
  }
  std::string out;
  for (const auto* table : {&view.nat, &view.mangle}) {
    out += "*" + table->name + "\n";
    for (const auto& rule : table->rules) {
      out += "-A " + rule.chain + " " + rule.spec + "\n";
    }
  }
  return out;
}

std::string findings_text(const sre::NodeView& view) {
  std::string out;
  for (const auto& finding : sre::examine(view)) {
    out += std::string(finding.rule->id) + " " + std::string(to_string(finding.rule->grade)) + " " +
           std::string(finding.rule->title) + ": " + finding.evidence + "\n";
  }
  return out;
}

std::string explained_text(const sre::NodeView& view) {
  std::string out;
  for (const auto& pod : view.pods) {
    out += pod.held.pod.name_space + "/" + pod.held.pod.name + " " + to_string(pod.held.address) +
           "\n";
    for (const auto& hop : sre::explain(view, pod)) {
      out += "  " + hop.name + ": " + std::string(to_string(hop.state)) + " " + hop.detail + "\n";
    }
  }
  return out;
}

std::string sources_text(const sre::NodeView& view) {
  std::string out = "vpccni " + std::string(kVersion) + "\n";
  for (const auto& [source, trouble] :
       {std::pair{"agent", view.agent_trouble}, std::pair{"checkpoint", view.checkpoint_trouble},
        std::pair{"IMDS", view.imds_trouble}, std::pair{"EC2", view.ec2_trouble},
        std::pair{"kernel", view.kernel_trouble}, std::pair{"iptables", view.iptables_trouble}}) {
    out += std::string(source) + ": " + (trouble.empty() ? "read" : trouble) + "\n";
  }
  if (view.startup) {
    out += "start: " + to_sentence(*view.startup) + "\n";
  }
  for (const auto& [name, value] : view.parameters) {
    out += name + "=" + value + "\n";
  }
  return out;
}

/// The end of a file, from a line's beginning; why not, if it cannot be read.
std::string tail(const std::string& path, std::size_t bytes) {
  const auto text = base::read_file(path, kLogLimit);
  if (!text) {
    return text.error().message + "\n";
  }
  if (text->size() <= bytes) {
    return *text;
  }
  const auto begin = text->find('\n', text->size() - bytes);
  return begin == std::string::npos ? std::string() : text->substr(begin + 1);
}

std::vector<sre::ArchiveFile> collect(const Invocation& invocation, const sre::NodeView& view,
                                      std::size_t log_bytes) {
  std::vector<settings::Note> notes;
  const auto set = settings::load(invocation.environment, notes);
  std::vector<sre::ArchiveFile> files = {
      {"sources.txt", sources_text(view)},
      {"findings.txt", findings_text(view)},
      {"pods.txt", explained_text(view)},
      {"kernel.txt", kernel_text(view)},
      {"iptables.txt", rules_text(view)},
      {"settings.txt", settings_text(invocation.environment)},
      {"plan.json", base::dump_json(view.plan, 2)},
      {"failures.json", base::dump_json(view.failures, 2)},
      {"targets.json", base::dump_json(view.targets, 2)},
      {"fips.json", base::dump_json(view.fips, 2)},
      {"checkpoint.json", tail(view.checkpoint_path, kCheckpointLimit)},
      {"conflist.json", view.conflist.value_or("none\n")},
  };
  if (log_bytes > 0) {
    files.push_back({"agent.log", tail(set.log_file, log_bytes)});
    files.push_back({"plugin.log", tail("/host/var/log/aws-routed-eni/plugin.log", log_bytes)});
  }
  for (auto& file : files) {
    file.name = "vpccni-bundle/" + file.name;
    file.text = sre::redact(file.text);
  }
  return files;
}

/// With as much of the logs as the limit leaves room for.
Result<std::string> build(const Invocation& invocation, bool logs) {
  const auto view = sre::read_node({invocation.environment, invocation.clock});
  for (std::size_t bytes = logs ? kLogTail : 0;; bytes /= 4) {
    VPCCNI_TRY(auto archive,
               sre::make_archive(collect(invocation, view, bytes), invocation.clock.now().wall));
    if (archive.size() <= kMostBytes || bytes == 0) {
      return archive;
    }
  }
}

}  // namespace

int run_bundle(const Invocation& invocation) {
  auto args = invocation.args;
  const bool logs = std::erase(args, "--no-logs") == 0;
  std::string file = "vpccni-bundle.tar.gz";
  if (args.size() == 2 && args[0] == "--out") {
    file = args[1];
  } else if (!args.empty()) {
    invocation.err << "usage: vpccni bundle [--out FILE] [--no-logs]\n";
    return kUsage;
  }
  const auto archive = build(invocation, logs);
  const auto written =
      archive ? base::write_file_durably(file, *archive, kMode) : Result<>(archive.error());
  if (!written) {
    invocation.err << invocation.program << ": " << written.error().message << "\n";
    return kFailed;
  }
  invocation.out << file << ": " << archive->size() << " bytes\n";
  return kDone;
}

}  // namespace vpccni::cmd
