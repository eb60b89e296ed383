// vpccni eni gc: ENIs of ours that no node has any more: unattached, with our description and tags,
// older than five minutes. As the agent does it once an hour. Tells what would go; --yes removes.

#include "cmd/eni_gc.h"

#include "agent/leaked_enis.h"
#include "aws/session.h"
#include "base/json.h"
#include "cmd/columns.h"
#include "cmd/progress.h"

namespace vpccni::cmd {

namespace {

using Action = agent::LeakedEni::Action;

struct Outcome {
  agent::LeakedEni eni;
  bool removed = false;
  std::string trouble;
};

Result<std::vector<Outcome>> collect(const Invocation& invocation, bool yes, Progress& progress) {
  VPCCNI_TRY(const auto options, aws::session_options(invocation.environment));
  VPCCNI_TRY(const auto session, aws::open_session(options, invocation.clock, nullptr));
  VPCCNI_TRY(const auto identity, wrap(session->imds->identity(), "who this node is"));
  progress("looking for unattached ENIs in " + to_string(identity.vpc));
  std::vector<settings::Note> notes;
  const auto set = settings::load(invocation.environment, notes);
  VPCCNI_TRY(
      const auto enis,
      wrap(session->ec2().network_interfaces(agent::leaked_filter(identity.vpc, set.cluster_name)),
           "list unattached ENIs"));
  std::vector<Outcome> out;
  for (auto& one : agent::plan_leaked(enis, invocation.clock.now().wall)) {
    Outcome outcome{std::move(one), false, ""};
    if (yes && outcome.eni.action == Action::remove) {
      progress("removing " + to_string(outcome.eni.eni));
      const auto removed = session->ec2().remove(outcome.eni.eni);
      outcome.removed = removed || removed.error().code == Errc::not_found;
      outcome.trouble = outcome.removed ? "" : removed.error().message;
    }
    out.push_back(std::move(outcome));
  }
  return out;
}

std::string state_of(const Outcome& outcome, bool yes) {
  if (outcome.eni.action != Action::remove) {
    return "stays";
  }
  return outcome.removed ? "removed" : yes ? "NOT removed: " + outcome.trouble : "would be removed";
}

void print(const std::vector<Outcome>& outcomes, bool yes, std::size_t width, std::ostream& out) {
  Columns table({"ENI", "WHAT", "BECAUSE"});
  bool would = false;
  for (const auto& outcome : outcomes) {
    table.add({to_string(outcome.eni.eni), state_of(outcome, yes), outcome.eni.because});
    would = would || (!yes && outcome.eni.action == Action::remove);
  }
  out << (outcomes.empty() ? "no unattached ENI of ours\n" : table.text(width))
      << (would ? "vpccni eni gc --yes removes them\n" : "");
}

base::OrderedJson to_json(const std::vector<Outcome>& outcomes) {
  base::OrderedJson list = base::OrderedJson::array();
  for (const auto& outcome : outcomes) {
    list.push_back({{"id", to_string(outcome.eni.eni)},
                    {"leaked", outcome.eni.action == Action::remove},
                    {"removed", outcome.removed},
                    {"because", outcome.eni.because},
                    {"error", outcome.trouble}});
  }
  return {{"schema", "vpccni/v1"}, {"enis", list}};
}

}  // namespace

int eni_gc(const Invocation& invocation, bool yes, bool json) {
  Progress progress(invocation, json);
  const auto outcomes = collect(invocation, yes, progress);
  progress.clear();
  if (!outcomes) {
    invocation.err << invocation.program << ": " << outcomes.error().message << "\n";
    return kFailed;
  }
  if (json) {
    invocation.out << base::dump_json(to_json(*outcomes), 2) << "\n";
  } else {
    print(*outcomes, yes, find_screen(invocation.environment).width, invocation.out);
  }
  for (const auto& outcome : *outcomes) {
    if (!outcome.trouble.empty()) {
      return kFailed;
    }
  }
  return kDone;
}

}  // namespace vpccni::cmd
