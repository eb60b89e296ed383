#include "cmd/changes.h"

#include "agent/execute.h"
#include "aws/instance_limits.h"
#include "base/json.h"
#include "base/text.h"
#include "sre/read_node.h"

namespace vpccni::cmd {

namespace {

struct Outcome {
  std::string state;  // would, done, already, refused, failed, not tried
  std::string text;   // what it did, or the error
};

Outcome carry_out(const Change& change, bool yes, Progress& progress) {
  if (!change.against.empty()) {
    return {"refused", base::join(change.against, "; ")};
  }
  if (change.done_already) {
    return {"already", ""};
  }
  if (!yes) {
    return {"would", ""};
  }
  progress(change.what);
  const auto made = change.make(progress);
  progress.clear();
  return made ? Outcome{"done", *made} : Outcome{"failed", made.error().message};
}

}  // namespace

int run_changes(const Invocation& invocation, const std::vector<Change>& changes, bool yes,
                bool json) {
  base::OrderedJson list = base::OrderedJson::array();
  int exit = kDone;
  bool would = false;
  Progress progress(invocation, json);
  for (const auto& change : changes) {
    const Outcome outcome =
        exit == kDone ? carry_out(change, yes, progress) : Outcome{"not tried", ""};
    exit = outcome.state == "refused" || outcome.state == "failed" ? kFailed : exit;
    would = would || outcome.state == "would";
    list.push_back({{"what", change.what}, {"state", outcome.state}, {"text", outcome.text}});
    if (!json) {
      invocation.out << outcome.state << ": " << change.what
                     << (outcome.text.empty() ? "" : ": " + outcome.text) << "\n";
    }
  }
  if (json) {
    invocation.out << base::dump_json(base::OrderedJson{{"schema", "vpccni/v1"}, {"changes", list}},
                                      2)
                   << "\n";
  } else if (would) {
    invocation.out << "--yes does it\n";
  }
  return exit;
}

Result<Instance> read_instance(const Invocation& invocation, bool json) {
  Progress progress(invocation, json);
  progress("asking IMDS and EC2 what this node has");
  Instance out;
  VPCCNI_TRY(const auto options, aws::session_options(invocation.environment));
  VPCCNI_TRY(out.session, aws::open_session(options, invocation.clock, nullptr));
  VPCCNI_TRY(out.identity, wrap(out.session->imds->identity(), "who this node is"));
  std::vector<settings::Note> notes;
  agent::Node node;
  node.identity = out.identity;
  node.settings = settings::load(invocation.environment, notes);
  node.limits = aws::instance_limits(out.identity.type).value_or(aws::assumed_limits());
  VPCCNI_TRY(auto enis, wrap(agent::all_listed(out.session->ec2(), node), "what this node has"));
  for (auto& one : enis) {
    out.enis.push_back(
        {std::move(one.eni), agent::is_managed(one.is), std::string(agent::because(one.is))});
  }
  out.view = sre::read_node({invocation.environment, invocation.clock});
  return out;
}

}  // namespace vpccni::cmd
