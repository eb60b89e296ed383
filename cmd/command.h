#pragma once
// What a command is: a row of a table. main finds the row by argv[0] or argv[1] and runs it; help,
// man pages and completions are made from the same rows. Result on out, everything else on err.
// Exit codes: 0 done, 1 failed, 2 usage (exceptions fixed by compatibility: cni, probe).

#include <istream>
#include <map>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace vpccni::cmd {

using Environment = std::map<std::string, std::string>;

enum ExitCode : int { kDone = 0, kFailed = 1, kUsage = 2 };

/// What main gives every command. Lives as long as main.
struct Invocation {
  std::string program;            // how it was called, for usage lines: "vpccni probe"
  std::vector<std::string> args;  // after the command's name
  Environment environment;
  const base::Clock& clock;
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

struct Command {
  std::string_view name;
  std::string_view alias;    // name of the executable link that means this command, or ""
  std::string_view summary;  // one line of help
  std::string_view usage;    // "[--json]"
  /// What describes its JSON documents, of docs/schema/, without ".json": "eni-list eni-gc".
  std::string_view schemas;
  int (*run)(const Invocation&);
};

/// The rows of this link flavour.
std::span<const Command> commands();
/// By name or alias; null if there is none.
const Command* find_command(std::string_view name);

int run_agent(const Invocation&);       // agent.cc
int run_cni(const Invocation&);         // cni.cc
int run_bundle(const Invocation&);      // bundle.cc
int run_capacity(const Invocation&);    // capacity.cc
int run_checkpoint(const Invocation&);  // checkpoint.cc
int run_config(const Invocation&);      // config.cc
int run_conflist(const Invocation&);    // conflist.cc
int run_doctor(const Invocation&);      // doctor.cc
int run_drift(const Invocation&);       // drift.cc
int run_egress(const Invocation&);      // egress.cc
int run_eni(const Invocation&);         // eni.cc
int run_explain(const Invocation&);     // explain.cc
int run_fips_check(const Invocation&);  // fips_check.cc
int run_host(const Invocation&);        // host.cc
int run_ip(const Invocation&);          // ip.cc
int run_pods(const Invocation&);        // pods.cc
int run_probe(const Invocation&);       // probe.cc
int run_help(const Invocation&);        // help.cc
int run_status(const Invocation&);      // status.cc
int run_startup(const Invocation&);     // startup.cc
int run_version(const Invocation&);     // version.cc
int run_why(const Invocation&);         // why.cc

}  // namespace vpccni::cmd
