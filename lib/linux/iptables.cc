#include "linux/iptables.h"

#include <algorithm>

#include "base/text.h"

namespace vpccni::linux {

namespace {

/// The first line of what a program complained about.
std::string complaint(const ProcessOutput& output) {
  const std::string_view text = base::trim(output.err);
  if (text.empty()) {
    return "exit status " + std::to_string(output.exit_status);
  }
  std::string line(text.substr(0, 512));
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

Result<SavedRule> parse_rule(std::string_view line) {
  // A counter prefix "[1:60] " appears only with -c, which is not asked for.
  constexpr std::string_view kAppend = "-A ";
  if (!line.starts_with(kAppend)) {
    return Error{Errc::corrupt,
                 "iptables-save: unexpected line \"" + std::string(line.substr(0, 128)) + "\""};
  }
  line.remove_prefix(kAppend.size());
  const auto blank = line.find(' ');
  SavedRule rule{.chain = std::string(line.substr(0, blank)), .spec = {}};
  if (blank != std::string_view::npos) {
    rule.spec = line.substr(blank + 1);
  }
  return rule;
}

}  // namespace

bool SavedTable::has_chain(std::string_view chain) const {
  return std::find(chains.begin(), chains.end(), chain) != chains.end();
}

Result<SavedTable> parse_save(std::string_view table, std::string_view text) {
  SavedTable saved{.name = std::string(table), .chains = {}, .rules = {}};
  bool inside = false;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = base::trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') {
      continue;
    }
    if (line.front() == '*') {
      inside = line.substr(1) == table;
    } else if (line == "COMMIT") {
      inside = false;
    } else if (inside && line.front() == ':') {
      saved.chains.emplace_back(line.substr(1, line.find(' ') - 1));
    } else if (inside) {
      VPCCNI_TRY(SavedRule rule, parse_rule(line));
      saved.rules.push_back(std::move(rule));
    }
  }
  return saved;
}

std::vector<std::string> rule_words(std::string_view spec) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  bool started = false;
  for (std::size_t i = 0; i < spec.size(); ++i) {
    const char c = spec[i];
    if (c == '\\' && i + 1 < spec.size()) {
      word.push_back(spec[++i]);
      started = true;
    } else if (c == '"') {
      quoted = !quoted;
      started = true;
    } else if (c == ' ' && !quoted) {
      if (started) {
        words.push_back(std::exchange(word, {}));
      }
      started = false;
    } else {
      word.push_back(c);
      started = true;
    }
  }
  if (started) {
    words.push_back(std::move(word));
  }
  return words;
}

std::string_view word_after(const std::vector<std::string>& words, std::string_view option) {
  const auto at = std::find(words.begin(), words.end(), option);
  return at == words.end() || at + 1 == words.end() ? std::string_view() : *(at + 1);
}

std::string transaction(std::string_view table, const std::string& commands) {
  return commands.empty() ? std::string() : "*" + std::string(table) + "\n" + commands + "COMMIT\n";
}

Result<SavedTable> Iptables::save(std::string_view table) const {
  std::vector<std::string> argv = save_;
  argv.insert(argv.end(), {"-t", std::string(table)});
  VPCCNI_TRY(const ProcessOutput output, run_process(argv, {}, {}));
  if (output.exit_status != 0) {
    return Error{Errc::internal,
                 argv.front() + " -t " + std::string(table) + ": " + complaint(output)};
  }
  if (output.out.find("is incompatible, use 'nft' tool") != std::string::npos) {
    return Error{Errc::unsupported,
                 "table " + std::string(table) + " holds nftables rules that iptables cannot show"};
  }
  return parse_save(table, output.out);
}

Result<> Iptables::restore(std::string_view text) const {
  std::vector<std::string> argv = restore_;
  argv.insert(argv.end(), {"--noflush", "-w"});
  VPCCNI_TRY(const ProcessOutput output, run_process(argv, text, {}));
  if (output.exit_status != 0) {
    return Error{Errc::conflict, argv.front() + ": " + complaint(output)};
  }
  return {};
}

}  // namespace vpccni::linux
