// sim: runs seeds; the first seed that breaks an invariant is told with its trace.

#include <cstdio>
#include <map>
#include <string>

#include "base/text.h"
#include "tests/sim/matrix.h"
#include "tests/sim/mutant.h"
#include "tests/sim/simulation.h"

namespace vpccni::sim {

namespace {

constexpr std::size_t kShown = 100;  // lines of a trace
constexpr auto kUsage =
    "usage: sim [--seeds N | --seeds FROM..TO | --seed S] [--from S] [--steps N] [--trace]\n"
    "           [--json] [--all] [--mutant NAME | --mutants] [--replay] [--matrix]\n"
    "           [--mode plain|custom|multi-nic|sgp]\n"
    "  --trace    print all lines, not only the last ones of a seed that fails\n"
    "  --all      name every seed that fails instead of ending with the first one\n"
    "  --mutant   plant this bug: the command fails if a seed finds it, as for a real one\n"
    "  --mutants  plant each bug in turn: the command fails if one is not found\n"
    "  --mode     every node is used so, in place of what its seed draws\n"
    "  --matrix   restarts with fifty pods while IMDS or EC2 are wrong, in place of storms\n"
    "  --replay   run each seed twice: the command fails if the two differ\n";

struct Arguments {
  std::uint64_t from = 1;
  std::uint64_t to = 100;
  int steps = 250;
  bool trace = false;
  bool json = false;
  bool all = false;
  bool all_mutants = false;
  bool replay = false;
  bool matrix = false;
  Mode mode = Mode::drawn;
  Mutant mutant = Mutant::none;
};

bool parse_seeds(const std::string& text, Arguments& out) {
  const auto dots = text.find("..");
  if (dots == std::string::npos) {
    const auto count = base::parse_integer<std::uint64_t>(text);
    out.to = count ? out.from + *count - 1 : 0;
    return count && *count > 0;
  }
  const auto from = base::parse_integer<std::uint64_t>(text.substr(0, dots));
  const auto to = base::parse_integer<std::uint64_t>(text.substr(dots + 2));
  if (!from || !to || *from > *to) {
    return false;
  }
  out.from = *from;
  out.to = *to;
  return true;
}

bool parse_value(const std::string& name, const std::string& value, Arguments& out) {
  if (name == "--seeds") {
    return parse_seeds(value, out);
  }
  if (name == "--mutant") {
    const auto mutant = find_mutant(value);
    out.mutant = mutant.value_or(Mutant::none);
    return mutant.has_value();
  }
  if (name == "--mode") {
    const auto mode = find_mode(value);
    out.mode = mode.value_or(Mode::drawn);
    return mode.has_value();
  }
  const auto number = base::parse_integer<std::uint64_t>(value);
  if (!number || *number > 1000000000) {
    return false;
  }
  if (name == "--seed") {
    out.from = out.to = *number;
  } else if (name == "--from") {
    out.to = out.to - out.from + *number;
    out.from = *number;
  } else if (name == "--steps") {
    out.steps = static_cast<int>(*number);
  } else {
    return false;
  }
  return true;
}

bool parse(int argc, char** argv, Arguments& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--trace") {
      out.trace = true;
    } else if (name == "--json") {
      out.json = true;
    } else if (name == "--all") {
      out.all = true;
    } else if (name == "--mutants") {
      out.all_mutants = true;
    } else if (name == "--matrix") {
      out.matrix = true;
    } else if (name == "--replay") {
      out.replay = true;
    } else if (i + 1 >= argc || !parse_value(name, argv[++i], out)) {
      return false;
    }
  }
  return true;
}

Options options_of(const Arguments& arguments, std::uint64_t seed, bool trace) {
  return {seed, arguments.steps, arguments.mode, arguments.mutant, trace, arguments.matrix};
}

/// The failing seed again, with its lines.
void tell(const Arguments& arguments, std::uint64_t seed) {
  const auto again = simulate(options_of(arguments, seed, true));
  const std::size_t skip =
      arguments.trace || again.lines.size() < kShown ? 0 : again.lines.size() - kShown;
  for (std::size_t i = skip; i < again.lines.size(); ++i) {
    std::fprintf(stderr, "%s\n", again.lines[i].c_str());
  }
  const std::string mutant =
      arguments.mutant == Mutant::none ? "" : " --mutant " + std::string(name_of(arguments.mutant));
  const std::string mode =
      arguments.mode == Mode::drawn ? "" : " --mode " + std::string(name_of(arguments.mode));
  std::fprintf(stderr, "seed %llu: %s: %s\nreplay: sim --seed %llu --steps %d%s%s%s --trace\n",
               static_cast<unsigned long long>(seed),
               again.violation ? again.violation->invariant.c_str() : "NOT REPEATED",
               again.violation ? again.violation->detail.c_str() : "",  // NOLINT
               static_cast<unsigned long long>(seed), arguments.steps, mutant.c_str(), mode.c_str(),
               arguments.matrix ? " --matrix" : "");
}

/// How often each case of the matrix was run.
void tell_matrix(const Arguments& arguments) {
  std::map<std::string, int> runs;
  for (auto seed = arguments.from; seed <= arguments.to; ++seed) {
    ++runs[to_string(matrix_case(options_of(arguments, seed, false)))];
  }
  for (const auto& [name, count] : runs) {
    std::printf("%-50s %6d restarts with 50 pods, nothing lost\n", name.c_str(), count);
  }
}

int run_seeds(const Arguments& arguments) {
  int violations = 0;
  std::string first = "null";
  for (auto seed = arguments.from; seed <= arguments.to; ++seed) {
    const bool only = arguments.from == arguments.to && arguments.trace;
    const auto outcome = simulate(options_of(arguments, seed, false));
    if (outcome.violation) {
      if (violations++ == 0) {
        first = std::to_string(seed);
      }
      if (arguments.all) {
        std::fprintf(stderr, "seed %llu: %s: %s\n", static_cast<unsigned long long>(seed),
                     outcome.violation->invariant.c_str(), outcome.violation->detail.c_str());
        continue;
      }
      if (violations == 1) {
        tell(arguments, seed);
      }
      if (!arguments.json) {
        break;
      }
    } else if (only) {
      tell(arguments, seed);
    }
  }
  const auto seeds = arguments.to - arguments.from + 1;
  if (arguments.matrix && !arguments.json && violations == 0) {
    tell_matrix(arguments);
  }
  if (arguments.json) {
    std::printf("{\"from\":%llu,\"seeds\":%llu,\"violations\":%d,\"first\":%s}\n",
                static_cast<unsigned long long>(arguments.from),
                static_cast<unsigned long long>(seeds), violations, first.c_str());
  } else if (violations == 0) {
    std::printf("seeds %llu..%llu: no violations\n",
                static_cast<unsigned long long>(arguments.from),
                static_cast<unsigned long long>(arguments.to));
  }
  return violations == 0 ? 0 : 1;
}

int run_mutants(Arguments arguments) {
  int missed = 0;
  std::printf("%-26s %8s  %s\n", "planted bug", "seed", "found by");
  for (const auto& one : mutants()) {
    arguments.mutant = one.mutant;
    std::optional<Violation> found;
    auto seed = arguments.from;
    for (; seed <= arguments.to && !found; ++seed) {
      found = simulate(options_of(arguments, seed, false)).violation;
    }
    missed += found ? 0 : 1;
    std::printf("%-26s %8s  %s\n", std::string(one.name).c_str(),
                found ? std::to_string(seed - 1).c_str() : "-",
                found ? found->invariant.c_str() : "NOT FOUND");
    std::fflush(stdout);
  }
  return missed == 0 ? 0 : 1;
}

int run_replays(const Arguments& arguments) {
  for (auto seed = arguments.from; seed <= arguments.to; ++seed) {
    const auto one = simulate(options_of(arguments, seed, true));
    const auto two = simulate(options_of(arguments, seed, true));
    if (one.digest != two.digest) {
      std::size_t i = 0;
      while (i < std::min(one.lines.size(), two.lines.size()) && one.lines[i] == two.lines[i]) {
        ++i;
      }
      std::fprintf(stderr, "seed %llu differs at line %zu\n  %s\n  %s\n",
                   static_cast<unsigned long long>(seed), i,
                   i < one.lines.size() ? one.lines[i].c_str() : "(ended)",
                   i < two.lines.size() ? two.lines[i].c_str() : "(ended)");
      return 1;
    }
  }
  std::printf("every run repeats\n");
  return 0;
}

}  // namespace

}  // namespace vpccni::sim

int main(int argc, char** argv) {
  using namespace vpccni::sim;
  Arguments arguments;
  if (!parse(argc, argv, arguments)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  if (arguments.replay) {
    return run_replays(arguments);
  }
  return arguments.all_mutants ? run_mutants(arguments) : run_seeds(arguments);
}
