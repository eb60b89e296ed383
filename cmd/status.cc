// vpccni status: one screen of the node: agent, pool and why it does what it does, ENIs, kernel,
// last failures, FIPS. Works with the agent dead. Exit 0: healthy; 1: not; 2: usage.

#include <algorithm>

#include "cmd/columns.h"
#include "cmd/command.h"
#include "cmd/paint.h"
#include "cmd/version.h"
#include "sre/doctor.h"
#include "sre/read_node.h"

namespace vpccni::cmd {

namespace {

constexpr auto kPause = std::chrono::seconds(2);  // between two looks of --watch

std::string count(const base::Json& page, const char* member) {
  return std::to_string(base::integer_member(page, member).value_or(0));
}

/// Used of all, in ten cells.
std::string bar(std::size_t used, std::size_t all) {
  constexpr std::size_t kCells = 10;
  const auto full = all == 0 ? 0 : (used * kCells + all - 1) / all;
  return "[" + std::string(full, '#') + std::string(kCells - full, '.') + "] " +
         std::to_string(used) + "/" + std::to_string(all);
}

std::size_t addresses_of(const aws::ImdsEni& eni) {
  std::size_t all = eni.addresses.empty() ? 0 : eni.addresses.size() - 1;
  for (const auto& prefix : eni.prefixes) {
    all += std::size_t{1} << (32U - static_cast<unsigned>(prefix.length()));
  }
  return all;
}

std::string agent_line(const sre::NodeView& view) {
  if (view.agent_answers()) {
    return "answers";
  }
  return "DOES NOT ANSWER: " + view.agent_trouble +
         (view.startup ? "; last: " + to_sentence(*view.startup) : "");
}

void print_pool(const sre::NodeView& view, std::ostream& out) {
  if (!view.agent_answers()) {
    out << "pool      " << view.pods.size() << " addresses in use by the checkpoint\n";
    return;
  }
  const auto* cooling = base::find_member(view.plan, "cooling");
  out << "pool      " << count(view.plan, "total") << " addresses, " << count(view.plan, "assigned")
      << " in use, " << (cooling == nullptr ? 0 : cooling->size()) << " cooling, "
      << count(view.plan, "quarantined") << " quarantined; at most " << count(view.plan, "maxPods")
      << " pods\n";
  const auto running = base::string_member(view.plan, "running");
  const auto error = base::string_member(view.plan, "lastError");
  out << "planner   " << base::string_member(view.plan, "because")
      << (running.empty() ? "" : "; now: " + running) << "\n";
  if (!error.empty()) {
    out << "last error " << error << "\n";
  }
}

void print_enis(const sre::NodeView& view, std::ostream& out) {
  if (!view.imds_trouble.empty()) {
    out << "ENIs      IMDS: " << view.imds_trouble << "\n";
    return;
  }
  for (const auto& eni : view.enis) {
    const auto used = static_cast<std::size_t>(std::count_if(
        view.pods.begin(), view.pods.end(), [&](const auto& row) { return row.eni == eni.id; }));
    out << "ENI " << eni.device.value() << "     " << to_string(eni.id) << "  "
        << bar(used, std::max(used, addresses_of(eni)))
        << (eni.mac == view.primary_mac ? "  primary" : "") << "\n";
  }
}

void print_failures(const sre::NodeView& view, std::ostream& out) {
  const auto* list = base::find_member(view.failures, "failures");
  if (list == nullptr || !list->is_array() || list->empty()) {
    return;
  }
  const auto& last = list->front();
  out << "failed    " << list->size() << " ADDs; last " << base::string_member(last, "time") << " "
      << base::string_member(last, "reason") << " (vpccni why)\n";
}

base::OrderedJson to_json(const sre::NodeView& view, const std::vector<sre::Finding>& findings) {
  base::OrderedJson enis = base::OrderedJson::array();
  for (const auto& eni : view.enis) {
    enis.push_back({{"id", to_string(eni.id)},
                    {"device", eni.device.value()},
                    {"addresses", addresses_of(eni)},
                    {"primary", eni.mac == view.primary_mac}});
  }
  base::OrderedJson ids = base::OrderedJson::array();
  for (const auto& finding : findings) {
    ids.push_back(finding.rule->id);
  }
  return {{"schema", "vpccni/v1"},
          {"version", kVersion},
          {"agent", view.agent_answers() ? "" : view.agent_trouble},
          {"startup", view.startup ? to_sentence(*view.startup) : ""},
          {"plan", base::OrderedJson(view.plan)},
          {"pods", view.pods.size()},
          {"enis", enis},
          {"imds", view.imds_trouble},
          {"fips", base::string_member(view.fips, "result")},
          {"findings", ids}};
}

void print(const sre::NodeView& view, const std::vector<sre::Finding>& findings, const Paint& paint,
           std::ostream& out) {
  out << "vpccni    " << kVersion << " (as AWS VPC CNI " << kUpstream << ")\n";
  out << "agent     " << paint(view.agent_answers() ? Colour::green : Colour::red, agent_line(view))
      << "\n";
  print_pool(view, out);
  print_enis(view, out);
  print_failures(view, out);
  if (view.agent_answers()) {
    out << "FIPS      " << base::string_member(view.fips, "result") << "\n";
  }
  if (findings.empty()) {
    out << paint(Colour::green, "healthy") << "   " << sre::doctor_rules().size()
        << " rules found nothing\n";
  }
  for (const auto& finding : findings) {
    out << paint(finding.rule->grade == sre::Grade::fail ? Colour::red : Colour::yellow,
                 finding.rule->id)
        << "     " << finding.rule->title << ": " << finding.evidence << "\n";
  }
}

/// One look; true if nothing is wrong.
bool look(const Invocation& invocation, bool json, const Paint& paint) {
  const auto view = sre::read_node({invocation.environment, invocation.clock});
  auto findings = sre::examine(view);
  std::erase_if(findings,
                [](const auto& finding) { return finding.rule->grade == sre::Grade::note; });
  if (json) {
    invocation.out << base::dump_json(to_json(view, findings), 2) << "\n";
  } else {
    print(view, findings, paint, invocation.out);
  }
  invocation.out.flush();
  return findings.empty();
}

}  // namespace

int run_status(const Invocation& invocation) {
  auto args = invocation.args;
  const bool json = std::erase(args, "--json") > 0;
  const bool watch = std::erase(args, "--watch") > 0;
  if (!args.empty()) {
    invocation.err << "usage: vpccni status [--watch] [--json]\n";
    return kUsage;
  }
  const Paint paint(invocation.environment);
  bool healthy = look(invocation, json, paint);
  // Until it is interrupted, or nobody reads.
  while (watch && invocation.out.good()) {
    invocation.clock.wait_for(kPause, {});
    invocation.out << (paint.on() ? "\033[H\033[J" : "\n");
    healthy = look(invocation, json, paint);
  }
  return healthy ? kDone : kFailed;
}

}  // namespace vpccni::cmd
