// What iptables-save shows, and the plans that come of it. The first byte is a set of switches, the
// rest is the listing of tables nat and mangle. Plans are carried out on a model of the table,
// which refuses what iptables-restore refuses.

#include <algorithm>
#include <set>

#include "base/text.h"
#include "linux/iptables.h"
#include "podnet/firewall.h"
#include "tests/fuzz/fuzz.h"

namespace vpccni {
namespace {

using fuzz::require;
using linux::SavedRule;
using linux::SavedTable;

podnet::HostNetwork wanted_network(unsigned switches) {
  podnet::HostNetwork wanted;
  wanted.primary_ip = *net::Ip::parse("10.0.0.5");
  wanted.vpc_cidrs = {*net::Cidr::parse("10.0.0.0/16"), *net::Cidr::parse("100.64.0.0/16")};
  wanted.external_snat = (switches & 1U) != 0;
  wanted.node_port_support = (switches & 2U) == 0;
  if ((switches & 4U) != 0) {
    wanted.snat_exclusions = {*net::Cidr::parse("192.168.0.0/16"), *net::Cidr::parse("0.0.0.0/0"),
                              *net::Cidr::parse("10.0.0.0/16")};
  }
  wanted.exempt_by_set = (switches & 16U) != 0;
  if ((switches & 8U) != 0) {
    wanted.veth_prefix = "";
    wanted.mark = net::Mark{0xffffffff};
  }
  return wanted;
}

bool is_ours(std::string_view chain) {
  for (const std::string_view prefix : {"AWS-SNAT-CHAIN-", "AWS-CONNMARK-CHAIN-"}) {
    if (chain.starts_with(prefix)) {
      return base::parse_integer<std::uint32_t>(chain.substr(prefix.size())).has_value();
    }
  }
  return false;
}

/// A listing as the kernel gives it: rules only in chains, each chain once, the built-in ones
/// there.
SavedTable as_kernel(SavedTable table) {
  table.chains.insert(table.chains.begin(), {"PREROUTING", "POSTROUTING"});
  std::set<std::string> seen;
  std::erase_if(table.chains, [&](const std::string& chain) {
    return chain.empty() || !seen.insert(chain).second;
  });
  std::erase_if(table.rules, [&](const SavedRule& rule) {
    // A rule jumps at most once, and only to a chain of this table or a target that is none.
    const auto words = linux::rule_words(rule.spec);
    return !table.has_chain(rule.chain) ||
           std::count_if(words.begin(), words.end(),
                         [](const auto& word) { return word == "-j" || word == "-g"; }) > 1;
  });
  return table;
}

bool jumps_to(const SavedRule& rule, std::string_view chain) {
  const auto words = linux::rule_words(rule.spec);
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if ((words[i] == "-j" || words[i] == "-g") && words[i + 1] == chain) {
      return true;
    }
  }
  return false;
}

bool in(const SavedTable& table, std::string_view chain) {
  return std::any_of(table.rules.begin(), table.rules.end(),
                     [&](const SavedRule& rule) { return rule.chain == chain; });
}

void carry_out_line(SavedTable& table, std::string_view line) {
  const auto command = fuzz::take_until(line, " ");
  const std::string chain(fuzz::take_until(line, " "));
  const std::string spec(line);
  auto& rules = table.rules;
  if (command == "-N") {
    require(!table.has_chain(chain), "a new chain is new");
    table.chains.push_back(chain);
    return;
  }
  require(table.has_chain(chain), "a command is about a chain that is there");
  if (command == "-A") {
    rules.push_back({chain, spec});
  } else if (command == "-I") {
    rules.insert(std::find_if(rules.begin(), rules.end(),
                              [&](const SavedRule& rule) { return rule.chain == chain; }),
                 {chain, spec});
  } else if (command == "-D") {
    const auto words = linux::rule_words(spec);
    const auto found = std::find_if(rules.begin(), rules.end(), [&](const SavedRule& rule) {
      return rule.chain == chain && linux::rule_words(rule.spec) == words;
    });
    require(found != rules.end(), "a deleted rule was there");
    require(is_ours(chain) || spec.find("AWS") != std::string::npos, "only our rules are deleted");
    rules.erase(found);
  } else if (command == "-F") {
    require(is_ours(chain), "only our chains are emptied");
    std::erase_if(rules, [&](const SavedRule& rule) { return rule.chain == chain; });
  } else if (command == "-X") {
    require(is_ours(chain) && !in(table, chain), "only our empty chains are deleted");
    require(std::none_of(rules.begin(), rules.end(),
                         [&](const SavedRule& rule) { return jumps_to(rule, chain); }),
            "a deleted chain has no jump to it");
    std::erase(table.chains, chain);
  } else {
    require(false, "a plan has known commands only");
  }
}

void carry_out(SavedTable& table, std::string_view plan) {
  if (plan.empty()) {
    return;
  }
  require(fuzz::take_until(plan, "\n") == "*" + table.name, "a plan names its table");
  require(plan.ends_with("COMMIT\n"), "a plan is a whole transaction");
  plan.remove_suffix(7);
  while (!plan.empty()) {
    carry_out_line(table, fuzz::take_until(plan, "\n"));
  }
}

/// Rules of others, in their order.
std::vector<std::string> foreign(const SavedTable& table) {
  std::vector<std::string> out;
  for (const SavedRule& rule : table.rules) {
    if (!is_ours(rule.chain) && linux::rule_words(rule.spec) != std::vector<std::string>() &&
        rule.spec.find("AWS") == std::string::npos) {
      out.push_back(rule.chain + " " + rule.spec);
    }
  }
  return out;
}

template <class Plan>
void check_plan(SavedTable table, Plan plan) {
  const auto others = foreign(table);
  carry_out(table, plan(table));
  require(foreign(table) == others, "rules of others stay as they are");
  require(plan(table).empty(), "after a plan there is nothing to do");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const auto wanted = wanted_network(fuzz::take_choice(input, 16));
  if (const auto nat = linux::parse_save("nat", input)) {
    check_plan(as_kernel(*nat),
               [&](const SavedTable& table) { return podnet::plan_nat(table, wanted); });
  }
  if (const auto mangle = linux::parse_save("mangle", input)) {
    check_plan(as_kernel(*mangle),
               [&](const SavedTable& table) { return podnet::plan_mangle(table, wanted, "eth0"); });
  }
  return 0;
}

}  // namespace vpccni
