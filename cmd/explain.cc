// vpccni explain: the way of one pod's packets, each hop held against kernel, agent, checkpoint and
// IMDS; of each of its interfaces. Works with the agent dead. Exit 0: no hop is broken; 1: one is;
// 2: usage.

#include "sre/explain.h"

#include <algorithm>

#include "cmd/command.h"
#include "cmd/paint.h"
#include "sre/read_node.h"

namespace vpccni::cmd {

namespace {

void print(std::ostream& out, const sre::PodRow& pod, const std::vector<sre::Hop>& hops,
           const Paint& paint) {
  out << "pod " << pod.held.pod.name_space << "/" << pod.held.pod.name << "  "
      << to_string(pod.held.address) << "  " << pod.host_veth << "\n";
  int number = 0;
  for (const auto& hop : hops) {
    std::string line = std::to_string(++number);
    line.insert(0, line.size() < 2 ? 2 - line.size() : 0, ' ');
    line += " " + hop.name;
    line.resize(std::max<std::size_t>(line.size() + 1, 18), ' ');
    std::string state(to_string(hop.state));
    const std::string gap(8 - std::min<std::size_t>(state.size(), 7), ' ');
    const auto colour = hop.state == sre::HopState::ok       ? Colour::green
                        : hop.state == sre::HopState::broken ? Colour::red
                                                             : Colour::yellow;
    out << line << paint(colour, state) << gap << hop.detail << "\n";
  }
  const auto* broken = sre::first_broken(hops);
  out << (broken == nullptr ? "nothing on this node is broken\n"
                            : "broken: " + broken->name + "\nrepair: " + broken->fix + "\n");
}

struct Way {
  const sre::PodRow* pod = nullptr;
  std::vector<sre::Hop> hops;
  bool broken() const { return sre::first_broken(hops) != nullptr; }
};

base::OrderedJson to_json(const sre::PodRow& pod, const std::vector<sre::Hop>& hops) {
  base::OrderedJson list = base::OrderedJson::array();
  for (const auto& hop : hops) {
    list.push_back({{"name", hop.name},
                    {"state", to_string(hop.state)},
                    {"detail", hop.detail},
                    {"fix", hop.fix}});
  }
  const auto* broken = sre::first_broken(hops);
  return {
      {"schema", "vpccni/v1"},
      {"pod", pod.held.pod.name_space + "/" + pod.held.pod.name},
      {"address", to_string(pod.held.address)},
      {"hops", list},
      {"broken", broken == nullptr ? base::OrderedJson(nullptr) : base::OrderedJson(broken->name)}};
}

/// The first way that is broken, or the first; with several, all of them beside it.
base::OrderedJson to_json(const std::vector<Way>& ways) {
  const auto broken =
      std::find_if(ways.begin(), ways.end(), [](const Way& way) { return way.broken(); });
  const auto& first = broken == ways.end() ? ways.front() : *broken;
  auto document = to_json(*first.pod, first.hops);
  for (const auto& way : ways) {
    if (ways.size() > 1) {
      auto one = to_json(*way.pod, way.hops);
      one.erase("schema");
      one.erase("pod");
      document["interfaces"].push_back(std::move(one));
    }
  }
  return document;
}

/// Those rows are one pod's.
bool one_pod(const std::vector<const sre::PodRow*>& rows) {
  return !rows.empty() && std::all_of(rows.begin(), rows.end(), [&](const auto* row) {
    return row->held.pod.name_space == rows.front()->held.pod.name_space &&
           row->held.pod.name == rows.front()->held.pod.name;
  });
}

}  // namespace

int run_explain(const Invocation& invocation) {
  auto args = invocation.args;
  const bool json = std::erase(args, "--json") > 0;
  if (args.size() != 1 || args[0].starts_with("-")) {
    invocation.err << "usage: vpccni explain [NAMESPACE/]POD|ADDRESS [--json]\n";
    return kUsage;
  }
  const auto view = sre::read_node({invocation.environment, invocation.clock});
  const auto found = sre::find_pods(view, args[0]);
  if (!one_pod(found)) {
    invocation.err << invocation.program << ": "
                   << (found.empty() ? "neither agent nor checkpoint has a pod \""
                                     : std::to_string(found.size()) + " pods are meant by \"")
                   << args[0].substr(0, 256) << "\"; vpccni pods lists them\n";
    return kFailed;
  }
  std::vector<Way> ways;
  for (const auto* row : found) {
    ways.push_back({row, sre::explain(view, *row)});
  }
  std::stable_sort(ways.begin(), ways.end(),
                   [](const Way& a, const Way& b) { return a.pod->interface < b.pod->interface; });
  if (json) {
    invocation.out << base::dump_json(to_json(ways), 2) << "\n";
  } else {
    for (const auto& way : ways) {
      print(invocation.out, *way.pod, way.hops, Paint(invocation.environment));
    }
  }
  return std::any_of(ways.begin(), ways.end(), [](const Way& way) { return way.broken(); })
             ? kFailed
             : kDone;
}

}  // namespace vpccni::cmd
