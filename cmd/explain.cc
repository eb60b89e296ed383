// vpccni explain: the way of one pod's packets, each hop held against kernel, agent, checkpoint and
// IMDS. Works with the agent dead. Exit 0: no hop is broken; 1: one is; 2: usage.

#include "sre/explain.h"

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
  if (found.size() != 1) {
    invocation.err << invocation.program << ": "
                   << (found.empty() ? "neither agent nor checkpoint has a pod \""
                                     : std::to_string(found.size()) + " pods are meant by \"")
                   << args[0].substr(0, 256) << "\"; vpccni pods lists them\n";
    return kFailed;
  }
  const auto hops = sre::explain(view, *found.front());
  if (json) {
    invocation.out << base::dump_json(to_json(*found.front(), hops), 2) << "\n";
  } else {
    print(invocation.out, *found.front(), hops, Paint(invocation.environment));
  }
  return sre::first_broken(hops) == nullptr ? kDone : kFailed;
}

}  // namespace vpccni::cmd
