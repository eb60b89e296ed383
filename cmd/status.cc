// vpccni status: one screen of the node: agent, pool and why it does what it does, ENIs, kernel,
// last failures, FIPS. Works with the agent dead. Exit 0: healthy; 1: not; 2: usage.

#include <algorithm>

#include "base/screen_text.h"
#include "cmd/command.h"
#include "cmd/paint.h"
#include "cmd/screen.h"
#include "cmd/version.h"
#include "sre/doctor.h"
#include "sre/read_node.h"

namespace vpccni::cmd {

namespace {

constexpr auto kPause = std::chrono::seconds(2);  // between two looks of --watch

constexpr auto kClear = "\033[2J";
constexpr auto kHome = "\033[H";
constexpr auto kEndLine = "\033[K\n";
constexpr auto kEndPage = "\033[J";

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

/// A line of the screen; a part of it has a colour.
struct Line {
  std::string before;
  std::string painted;
  std::string after;
  Colour colour = Colour::green;
};

/// Those that are set: "warm ENI 1 (environment)".
std::string targets_of(const base::Json& targets) {
  std::vector<std::string> out;
  for (const auto& [name, text] :
       {std::pair{"WARM_ENI_TARGET", "warm ENI "}, std::pair{"WARM_IP_TARGET", "warm IP "},
        std::pair{"MINIMUM_IP_TARGET", "minimum IP "},
        std::pair{"WARM_PREFIX_TARGET", "warm prefix "}, std::pair{"MAX_ENI", "at most ENIs "}}) {
    const auto* one = base::find_member(targets, name);
    const auto value = one == nullptr ? 0 : base::integer_member(*one, "value").value_or(0);
    if (value > 0) {
      out.push_back(text + std::to_string(value) + " (" + base::string_member(*one, "origin") +
                    ")");
    }
  }
  return out.empty() ? "none" : base::join(out, ", ");
}

std::vector<Line> pool_lines(const sre::NodeView& view) {
  std::vector<Line> out;
  const auto add = [&](std::string text) { out.push_back({std::move(text), "", ""}); };
  if (!view.agent_answers()) {
    add("pool      " + std::to_string(view.pods.size()) + " addresses in use by the checkpoint");
    return out;
  }
  const auto* cooling = base::find_member(view.plan, "cooling");
  add("pool      " + count(view.plan, "total") + " addresses, " + count(view.plan, "assigned") +
      " in use, " + std::to_string(cooling == nullptr ? 0 : cooling->size()) + " cooling, " +
      count(view.plan, "quarantined") + " quarantined; at most " + count(view.plan, "maxPods") +
      " pods");
  const auto running = base::string_member(view.plan, "running");
  const auto error = base::string_member(view.plan, "lastError");
  add("planner   " + base::string_member(view.plan, "because") +
      (running.empty() ? "" : "; now: " + running));
  if (!error.empty()) {
    add("last error " + error);
  }
  add("targets   " + targets_of(view.targets));
  return out;
}

/// How pods' packets leave.
Line network_line(const sre::NodeView& view) {
  const bool external = view.wanted.network.external_snat;
  return {std::string("network   ") + (external ? "SNAT by others" : "SNAT by this node") +
              "; iptables " +
              (view.iptables_trouble.empty() ? view.iptables_variant : view.iptables_trouble),
          "", ""};
}

std::vector<Line> eni_lines(const sre::NodeView& view) {
  if (!view.imds_trouble.empty()) {
    return {{"ENIs      IMDS: " + view.imds_trouble, "", ""}};
  }
  std::vector<Line> out;
  for (const auto& eni : view.enis) {
    const auto used = static_cast<std::size_t>(std::count_if(
        view.pods.begin(), view.pods.end(), [&](const auto& row) { return row.eni == eni.id; }));
    out.push_back({"ENI " + to_string(eni.device) + "     " + to_string(eni.id) + "  " +
                       bar(used, std::max(used, addresses_of(eni))) +
                       (eni.mac == view.primary_mac ? "  primary" : ""),
                   "", ""});
  }
  return out;
}

std::vector<Line> failure_lines(const sre::NodeView& view) {
  const auto* list = base::find_member(view.failures, "failures");
  if (list == nullptr || !list->is_array() || list->empty()) {
    return {};
  }
  const auto& last = list->front();
  return {{"failed    " + std::to_string(list->size()) + " ADDs; last " +
               base::string_member(last, "time") + " " + base::string_member(last, "reason") +
               " (vpccni why)",
           "", ""}};
}

std::vector<Line> finding_lines(const std::vector<sre::Finding>& findings) {
  if (findings.empty()) {
    return {{"", "healthy",
             "   " + std::to_string(sre::doctor_rules().size()) + " rules found nothing"}};
  }
  std::vector<Line> out;
  for (const auto& finding : findings) {
    out.push_back({"", std::string(finding.rule->id),
                   "     " + std::string(finding.rule->title) + ": " + finding.evidence,
                   finding.rule->grade == sre::Grade::fail ? Colour::red : Colour::yellow});
  }
  return out;
}

/// At most so many, the last of which tells of the rest.
void shorten(std::vector<Line>& lines, std::size_t most, const std::string& see) {
  if (lines.size() > most) {
    const auto kept = std::max<std::size_t>(most, 1) - 1;
    const auto rest = lines.size() - kept;
    lines.resize(kept);
    lines.push_back({"          and " + std::to_string(rest) + " more: " + see, "", ""});
  }
}

std::vector<Line> page(const sre::NodeView& view, const std::vector<sre::Finding>& findings,
                       std::size_t height) {
  std::vector<Line> head = {
      {std::string("vpccni    ") + std::string(kVersion) + " (as AWS VPC CNI " +
           std::string(kUpstream) + ")",
       "", ""},
      {"agent     ", agent_line(view), "", view.agent_answers() ? Colour::green : Colour::red}};
  const auto append = [](std::vector<Line>& to, const std::vector<Line>& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  append(head, pool_lines(view));
  auto enis = eni_lines(view);
  auto rest = failure_lines(view);
  if (view.agent_answers()) {
    rest.push_back(network_line(view));
    rest.push_back({"FIPS      " + base::string_member(view.fips, "result"), "", ""});
  }
  auto found = finding_lines(findings);
  if (height > 0) {  // one line is the prompt's
    const auto taken = head.size() + rest.size() + 1;
    const auto room = std::max<std::size_t>(height, taken + 2) - taken;
    const auto least = std::min(found.size(), std::max<std::size_t>(room / 2, 1));
    shorten(enis, room - least, "vpccni eni list");
    shorten(found, room - enis.size(), "vpccni doctor");
  }
  append(head, enis);
  append(head, rest);
  append(head, found);
  return head;
}

std::string to_text(const Line& line, std::size_t width, const Paint& paint) {
  const auto text = base::cut(base::printable(line.before + line.painted + line.after), width);
  const auto from = std::min(line.before.size(), text.size());
  const auto length = std::min(line.painted.size(), text.size() - from);
  return text.substr(0, from) + (length == 0 ? "" : paint(line.colour, text.substr(from, length))) +
         text.substr(from + length);
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
          {"targets", base::OrderedJson(view.targets)},
          {"externalSnat", view.wanted.network.external_snat},
          {"iptables", view.iptables_variant},
          {"fips", base::string_member(view.fips, "result")},
          {"findings", ids}};
}

/// One look; true if nothing is wrong.
bool look(const Invocation& invocation, bool json, const Screen& screen, bool again) {
  const auto view = sre::read_node({invocation.environment, invocation.clock});
  auto findings = sre::examine(view);
  std::erase_if(findings,
                [](const auto& finding) { return finding.rule->grade == sre::Grade::note; });
  if (json) {
    invocation.out << base::dump_json(to_json(view, findings), 2) << "\n";
  } else {
    // In place: home, each line to its end, the rest of the screen; so that nothing flickers.
    invocation.out << (again ? kHome : "");
    const Paint paint(invocation.environment);
    for (const auto& line : page(view, findings, screen.height)) {
      invocation.out << to_text(line, screen.width, paint) << (again ? kEndLine : "\n");
    }
    invocation.out << (again ? kEndPage : "");
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
  const bool in_place = watch && !json && find_screen(invocation.environment).redraws;
  invocation.out << (in_place ? kClear : "");
  bool healthy = look(invocation, json, find_screen(invocation.environment), in_place);
  // Until it is interrupted, or nobody reads.
  while (watch && invocation.out.good()) {
    invocation.clock.wait_for(kPause, {});
    invocation.out << (in_place ? "" : "\n");
    healthy = look(invocation, json, find_screen(invocation.environment), in_place);
  }
  return healthy ? kDone : kFailed;
}

}  // namespace vpccni::cmd
