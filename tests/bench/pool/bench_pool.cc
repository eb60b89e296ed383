// bench-pool: a churn trace, or a fleet that starts at once, replayed in virtual time by our agent
// and by a model of upstream's; what each asked of EC2 and what its pods got. scripts/bench pool
// runs it.

#include <cstdio>
#include <functional>
#include <iostream>

#include "base/json.h"
#include "base/text.h"
#include "tests/bench/pool/cluster.h"

namespace {

using namespace vpccni;
using namespace vpccni::pool;

constexpr const char* kUsage =
    "usage: bench-pool [--json] [--mode secondary|prefix] [--nodes N] [--seed S] [--type TYPE]\n"
    "                  [--warm-ip N] [--minimum-ip N] [--warm-eni N] [--warm-prefix N]\n"
    "                  [--operations N] [--tide PODS] [--cooldown SECONDS]\n"
    "                  [--buckets account|action]\n"
    "       bench-pool --fleet [--pods N] ...   all nodes start at once\n"
    "       bench-pool --check ...              fails where ours is worse than upstream's\n";

struct Arguments {
  bool json = false;
  bool fleet = false;
  bool check = false;
  int pods = 10;  // of each node of the fleet
  int operations = 0;
  int tide = 0;
  ClusterOptions cluster;
  bool targets_given = false;
};

bool parse_value(std::string_view name, std::string_view value, Arguments& out) {
  auto& targets = out.cluster.targets;
  if (name == "--mode") {
    targets.prefixes = value == "prefix";
    return value == "prefix" || value == "secondary";
  }
  if (name == "--type") {
    out.cluster.account.type = value;
    return true;
  }
  if (name == "--buckets") {
    out.cluster.account.bucket_per_action = value == "action";
    return value == "account" || value == "action";
  }
  const auto number = base::parse_integer<int>(value);
  if (!number || *number < 0) {
    return false;
  }
  const std::pair<std::string_view, int*> kNumbers[] = {
      {"--nodes", &out.cluster.account.nodes},   {"--warm-ip", &targets.warm_ips},
      {"--minimum-ip", &targets.minimum_ips},    {"--warm-eni", &targets.warm_enis},
      {"--warm-prefix", &targets.warm_prefixes}, {"--pods", &out.pods},
      {"--operations", &out.operations},         {"--tide", &out.tide}};
  for (const auto& [known, place] : kNumbers) {
    if (known == name) {
      *place = *number;
      out.targets_given = out.targets_given || name.starts_with("--warm") || name == "--minimum-ip";
      return true;
    }
  }
  if (name == "--seed") {
    out.cluster.seed = static_cast<std::uint64_t>(*number);
  } else if (name == "--cooldown") {
    targets.cooldown = std::chrono::seconds(*number);
  } else {
    return false;
  }
  return true;
}

bool parse(int argc, char** argv, Arguments& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--json") {
      out.json = true;
    } else if (name == "--fleet") {
      out.fleet = true;
    } else if (name == "--check") {
      out.check = true;
    } else if (i + 1 >= argc || !parse_value(name, argv[++i], out)) {
      return false;
    }
  }
  auto& cluster = out.cluster;
  cluster.account.seed = cluster.seed;
  if (!out.targets_given) {
    cluster.targets.warm_ips = 5;  // spec users.md section 5 item 6
  }
  if (cluster.targets.prefixes && cluster.targets.max_pods == 0) {
    cluster.targets.max_pods = 110;
  }
  if (out.fleet) {
    cluster.start_within = std::chrono::seconds(1);
    cluster.until_served = true;
    cluster.quiet = std::chrono::hours(3);
  }
  out.operations = out.operations > 0 ? out.operations : cluster.account.nodes * 200;
  return cluster.account.nodes > 0;
}

double rounded(double value) {
  return static_cast<double>(static_cast<std::int64_t>(value * 1000 + 0.5)) / 1000;
}

template <class Counts>
base::OrderedJson counts_json(const Counts& counts) {
  base::OrderedJson out = base::OrderedJson::object();
  for (const auto& [name, count] : counts) {
    out[name] = count;
  }
  return out;
}

std::vector<double> first_ips(const Outcome& outcome) {
  std::vector<double> known;
  for (const auto& one : outcome.first_ip_ms) {
    if (one) {
      known.push_back(*one);
    }
  }
  return known;
}

base::OrderedJson to_json(const Outcome& outcome) {
  const auto first = first_ips(outcome);
  const auto young = std::count_if(outcome.reuse_ages_s.begin(), outcome.reuse_ages_s.end(),
                                   [](double age) { return age < 120; });
  base::OrderedJson out;
  out["mutating_calls"] = outcome.books.mutating_calls();
  out["describe_calls"] = outcome.books.describe_calls();
  out["prefix_seconds"] = rounded(outcome.books.prefix_seconds);
  out["failed_adds"] = outcome.failed_adds();
  out["time_to_first_ip_ms"] = rounded(quantile(first, 0.5));
  out["time_to_first_ip_p99_ms"] = rounded(quantile(first, 0.99));
  out["time_to_first_ip_max_ms"] = rounded(quantile(first, 1));
  out["nodes_without_ip"] = outcome.first_ip_ms.size() - first.size();
  out["address_seconds"] = rounded(outcome.books.address_seconds);
  out["eni_seconds"] = rounded(outcome.books.eni_seconds);
  out["throttled_calls"] = outcome.books.throttled_calls();
  out["adds"] = outcome.adds;
  out["failed_by_reason"] = counts_json(outcome.failed);
  out["pods_never_served"] = outcome.never_served;
  out["pod_wait_p99_s"] = rounded(quantile(outcome.waits_s, 0.99));
  out["pod_wait_max_s"] = rounded(quantile(outcome.waits_s, 1));
  out["reuse_age_p1_s"] = rounded(quantile(outcome.reuse_ages_s, 0.01));
  out["reused_under_120_s"] = young;
  out["reused"] = outcome.reuse_ages_s.size();
  out["seconds"] = rounded(std::chrono::duration<double>(outcome.length).count());
  out["calls"] = counts_json(outcome.books.calls);
  return out;
}

void print_row(const char* name, double ours, double upstream) {
  if (upstream != 0) {
    std::printf("%-28s %14.0f %14.0f %+9.0f %%\n", name, ours, upstream,
                (ours / upstream - 1) * 100);
  } else {
    std::printf("%-28s %14.0f %14.0f\n", name, ours, upstream);
  }
}

void print_table(const base::OrderedJson& ours, const base::OrderedJson& upstream) {
  std::printf("%-28s %14s %14s %11s\n", "", "ours", "upstream", "difference");
  for (const auto& [key, value] : ours.items()) {
    if (value.is_number()) {
      print_row(key.c_str(), value.get<double>(), upstream[key].get<double>());
      continue;
    }
    auto both = value;  // counts by name
    for (const auto& [name, count] : upstream[key].items()) {
      both[name] = count;
    }
    std::printf("%s\n", key.c_str());
    for (const auto& [name, count] : both.items()) {
      print_row(("  " + name).c_str(), value.value(name, 0.0), upstream[key].value(name, 0.0));
    }
  }
}

/// Asks EC2 for no more, leaves no more pods without an address. Prefixes: about as many, for which
/// of them fall empty is partly chance.
bool better(const base::OrderedJson& ours, const base::OrderedJson& upstream) {
  constexpr std::pair<const char*, double> kMost[] = {
      {"mutating_calls", 1}, {"prefix_seconds", 1.05}, {"failed_adds", 1}, {"nodes_without_ip", 1}};
  bool all = true;
  for (const auto& [key, most] : kMost) {
    if (ours[key].get<double>() > most * upstream[key].get<double>()) {
      std::fprintf(stderr, "bench-pool: %s: ours is worse than upstream's\n", key);
      all = false;
    }
  }
  return all;
}

int run(Arguments arguments) {
  auto& cluster = arguments.cluster;
  const auto trace = arguments.fleet ? start_trace(cluster.account.nodes, arguments.pods)
                                     : churn_trace({.seed = cluster.seed,
                                                    .nodes = cluster.account.nodes,
                                                    .operations = arguments.operations,
                                                    .tide = arguments.tide});
  cluster.kind = Kind::ours;
  const auto ours = to_json(replay(cluster, trace));
  cluster.kind = Kind::upstream;
  const auto upstream = to_json(replay(cluster, trace));
  const int code = arguments.check && !better(ours, upstream) ? 1 : 0;
  if (!arguments.json) {
    print_table(ours, upstream);
    return code;
  }
  const auto& targets = cluster.targets;
  base::OrderedJson out;
  out["mode"] = targets.prefixes ? "prefix" : "secondary";
  out["nodes"] = cluster.account.nodes;
  out["seed"] = cluster.seed;
  out["operations"] = trace.churn.size();
  out["tide"] = arguments.tide;
  out["warm_ip_target"] = targets.warm_ips;
  out["minimum_ip_target"] = targets.minimum_ips;
  out["warm_eni_target"] = targets.warm_enis;
  out["warm_prefix_target"] = targets.warm_prefixes;
  out["ours"] = ours;
  out["upstream"] = upstream;
  std::cout << base::dump_json(out) << '\n';
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!parse(argc, argv, arguments)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  return run(std::move(arguments));
}
