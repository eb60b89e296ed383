// vpccni doctor: what is wrong with this node, worst first, each with its evidence and its cure.
// Works with the agent dead. Exit 0: nothing fails or warns; 1: something does; 2: usage. --fix
// carries out what this node can do about it by itself.

#include "sre/doctor.h"

#include <algorithm>

#include "base/screen_text.h"
#include "cmd/command.h"
#include "cmd/doctor_fix.h"
#include "cmd/paint.h"
#include "cmd/screen.h"
#include "sre/read_node.h"

namespace vpccni::cmd {

namespace {

constexpr std::size_t kIndent = 11;

void print_wrapped(std::ostream& out, const std::string& text, std::size_t width) {
  for (const auto& line :
       base::wrap(base::printable(text), width > kIndent ? width - kIndent : 0)) {
    out << std::string(kIndent, ' ') << line << "\n";
  }
}

void print(std::ostream& out, const std::vector<sre::Finding>& findings, const Paint& paint,
           std::size_t width) {
  for (const auto& finding : findings) {
    const auto colour = finding.rule->grade == sre::Grade::fail   ? Colour::red
                        : finding.rule->grade == sre::Grade::warn ? Colour::yellow
                                                                  : Colour::green;
    out << finding.rule->id << " " << paint(colour, to_string(finding.rule->grade)) << "  "
        << finding.rule->title << "\n";
    print_wrapped(out, finding.evidence, width);
    print_wrapped(out, "-> " + std::string(finding.rule->fix), width);
  }
  out << sre::doctor_rules().size() << " rules, " << findings.size() << " findings\n";
}

base::OrderedJson to_json(const std::vector<sre::Finding>& findings) {
  base::OrderedJson list = base::OrderedJson::array();
  for (const auto& finding : findings) {
    list.push_back({{"id", finding.rule->id},
                    {"severity", to_string(finding.rule->grade)},
                    {"title", finding.rule->title},
                    {"evidence", finding.evidence},
                    {"fix", finding.rule->fix}});
  }
  return {{"schema", "vpccni/v1"}, {"rules", sre::doctor_rules().size()}, {"findings", list}};
}

base::OrderedJson to_json(const std::vector<aws::Permission>& permissions) {
  base::OrderedJson list = base::OrderedJson::array();
  for (const auto& one : permissions) {
    list.push_back({{"action", one.action}, {"allowed", nullptr}});
    if (one.allowed) {
      list.back()["allowed"] = *one.allowed;
    }
  }
  return list;
}

void print_permissions(std::ostream& out, const std::vector<aws::Permission>& permissions) {
  const auto unknown = std::count_if(permissions.begin(), permissions.end(),
                                     [](const auto& one) { return !one.allowed; });
  if (permissions.empty() || unknown > 0) {
    out << "EC2 did not say of all actions whether the role may use them\n";
  }
  if (const auto denied = aws::denied_actions(permissions); !denied.empty()) {
    out << "what the role lacks, as a statement of a policy:\n"
        << aws::policy_statement(denied) << "\n";
  } else if (!permissions.empty() && unknown == 0) {
    out << "the role may use all " << permissions.size() << " actions that the agent uses\n";
  }
}

void print_rules(std::ostream& out) {
  for (const auto& rule : sre::doctor_rules()) {
    out << rule.id << " " << to_string(rule.grade) << "  " << rule.title
        << (rule.cure == nullptr ? "" : "  [--fix]") << "\n";
  }
}

bool healthy(const std::vector<sre::Finding>& findings) {
  return std::all_of(findings.begin(), findings.end(),
                     [](const auto& finding) { return finding.rule->grade == sre::Grade::note; });
}

}  // namespace

int run_doctor(const Invocation& invocation) {
  const auto call = parse_doctor(invocation.args);
  if (!call) {
    invocation.err << "usage: vpccni doctor [--json | --list | --fix [RULE...] [--dry-run]] "
                      "[--iam] [--node-root DIR]\n";
    return kUsage;
  }
  if (call->list) {
    print_rules(invocation.out);
    return kDone;
  }
  sre::Sources sources{invocation.environment, invocation.clock};
  sources.ec2 = sre::AskEc2::and_around;
  sources.api_server = true;
  sources.permissions = call->iam;
  sources.node_root = call->node_root;
  const auto view = sre::read_node(sources);
  const auto findings = sre::examine(view);
  if (call->fix) {
    return mend(invocation, *call, view, findings);
  }
  if (call->json) {
    auto document = to_json(findings);
    if (call->iam) {
      document["permissions"] = to_json(view.permissions);
    }
    invocation.out << base::dump_json(document, 2) << "\n";
  } else {
    print(invocation.out, findings, Paint(invocation.environment),
          find_screen(invocation.environment).width);
    if (call->iam) {
      print_permissions(invocation.out, view.permissions);
    }
  }
  return healthy(findings) ? kDone : kFailed;
}

}  // namespace vpccni::cmd
