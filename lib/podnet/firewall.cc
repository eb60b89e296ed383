#include "podnet/firewall.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <span>
#include <vector>

#include "base/text.h"

namespace vpccni::podnet {

namespace {

using linux::rule_words;
using linux::SavedRule;
using linux::SavedTable;
using linux::transaction;
using linux::word_after;
using Specs = std::vector<std::string>;

constexpr std::string_view kSnatPrefix = "AWS-SNAT-CHAIN-";
constexpr std::string_view kConnmarkPrefix = "AWS-CONNMARK-CHAIN-";
constexpr std::string_view kSnatChain = "AWS-SNAT-CHAIN-0";
constexpr std::string_view kConnmarkChain = "AWS-CONNMARK-CHAIN-0";

/// What makes a rule of a built-in chain ours: its comment, and the start of its target's name.
struct Mine {
  std::string_view comment;
  std::string_view target;
};
constexpr std::array<Mine, 2> kNatPrerouting = {
    {{"AWS, outbound connections", kConnmarkPrefix}, {"AWS, CONNMARK", "CONNMARK"}}};
constexpr std::array<Mine, 1> kNatPostrouting = {{{"AWS SNAT CHAIN", kSnatPrefix}}};
constexpr std::array<Mine, 1> kManglePrerouting = {{{"AWS, primary ENI", "CONNMARK"}}};

std::string comment(std::string_view text) {
  return "-m comment --comment \"" + std::string(text) + "\"";
}

std::string mark_text(net::Mark mark) {
  std::array<char, 16> text{};
  (void)std::snprintf(text.data(), text.size(), "0x%x", mark.value());
  return text.data();
}

std::string restore_mark(net::Mark mark) {
  const std::string text = mark_text(mark);
  return "-j CONNMARK --restore-mark --nfmask " + text + " --ctmask " + text;
}

std::string set_mark(net::Mark mark) {
  const std::string text = mark_text(mark);
  return "-j CONNMARK --set-xmark " + text + "/" + text;
}

/// The kernel does not list a match on every link: an empty prefix has none.
std::string from_pods(const std::string& veth_prefix) {
  return veth_prefix.empty() ? "" : "-i " + veth_prefix + "+ ";
}

/// Nor does it list a destination of 0.0.0.0/0.
std::string return_for(const net::Cidr& cidr, std::string_view why) {
  const std::string to = cidr.length() == 0 ? "" : "-d " + to_string(cidr) + " ";
  return to + comment(why) + " -j RETURN";
}

std::string return_for_set(std::string_view why) {
  return "-m set --match-set " + std::string(kExemptSet) + " dst " + comment(why) + " -j RETURN";
}

/// One wanted chain: `returns` in the order in which missing ones are inserted at the top (so that
/// the last stands first), and the final rule.
struct WantedChain {
  Specs returns;
  std::optional<std::string> final_rule;
};

bool contains(const Specs& specs, const std::string& spec) {
  return std::find(specs.begin(), specs.end(), spec) != specs.end();
}

void add_once(Specs& specs, std::string spec) {
  if (!contains(specs, spec)) {
    specs.push_back(std::move(spec));
  }
}

bool needs_rule(const net::Cidr& cidr, const HostNetwork& wanted) {
  return !wanted.exempt_by_set || cidr.length() == 0;
}

WantedChain snat_chain(const HostNetwork& wanted) {
  WantedChain chain;
  if (wanted.external_snat) {
    return chain;
  }
  if (wanted.exempt_by_set) {
    chain.returns.push_back(return_for_set("AWS SNAT CHAIN"));
  }
  for (const net::Cidr& cidr : wanted.vpc_cidrs) {
    if (needs_rule(cidr, wanted)) {
      add_once(chain.returns, return_for(cidr, "AWS SNAT CHAIN"));
    }
  }
  for (const net::Cidr& cidr : wanted.snat_exclusions) {
    if (needs_rule(cidr, wanted)) {
      add_once(chain.returns, return_for(cidr, "AWS SNAT CHAIN EXCLUSION"));
    }
  }
  std::string last = "! -o vlan+ " + comment("AWS, SNAT") +
                     " -m addrtype ! --dst-type LOCAL -j SNAT --to-source " +
                     to_string(wanted.primary_ip);
  if (wanted.randomize != RandomizeSnat::none) {
    last += wanted.randomize == RandomizeSnat::fully ? " --random-fully" : " --random";
  }
  chain.final_rule = std::move(last);
  return chain;
}

WantedChain connmark_chain(const HostNetwork& wanted) {
  WantedChain chain;
  if (wanted.external_snat) {
    return chain;
  }
  const auto& excluded = wanted.snat_exclusions;
  if (wanted.exempt_by_set) {
    chain.returns.push_back(return_for_set("AWS CONNMARK CHAIN, VPC CIDR"));
  }
  const auto add = [&](const net::Cidr& cidr) {
    if (!needs_rule(cidr, wanted)) {
      return;
    }
    // A CIDR that is both is called excluded.
    const bool is_excluded = std::find(excluded.begin(), excluded.end(), cidr) != excluded.end();
    add_once(chain.returns, return_for(cidr, is_excluded ? "AWS CONNMARK CHAIN, EXCLUDED CIDR"
                                                         : "AWS CONNMARK CHAIN, VPC CIDR"));
  };
  std::for_each(wanted.vpc_cidrs.begin(), wanted.vpc_cidrs.end(), add);
  std::for_each(excluded.begin(), excluded.end(), add);
  chain.final_rule = comment("AWS, CONNMARK") + " " + set_mark(wanted.mark);
  return chain;
}

std::string line(std::string_view command, std::string_view chain, std::string_view spec) {
  std::string text(command);
  text += ' ';
  text += chain;
  if (!spec.empty()) {
    text += ' ';
    text += spec;
  }
  return text += '\n';
}

/// The wanted spec that says the same as a listed one.
const std::string* match(const Specs& wanted, const std::vector<std::string>& words) {
  const auto found = std::find_if(wanted.begin(), wanted.end(), [&](const std::string& spec) {
    return rule_words(spec) == words;
  });
  return found == wanted.end() ? nullptr : &*found;
}

/// A chain of our own. What is there and wanted stays where it is; the final rule ends up last.
void plan_own_chain(const SavedTable& existing, std::string_view chain, const WantedChain& wanted,
                    std::string& plan) {
  Specs kept;
  bool final_stands = false;
  std::string deletes;
  std::vector<const SavedRule*> rules;
  for (const SavedRule& rule : existing.rules) {
    if (rule.chain == chain) {
      rules.push_back(&rule);
    }
  }
  for (const SavedRule* rule : rules) {
    const auto words = rule_words(rule->spec);
    const std::string* spec = match(wanted.returns, words);
    if (spec != nullptr && !contains(kept, *spec)) {
      kept.push_back(*spec);
    } else if (rule == rules.back() && wanted.final_rule &&
               rule_words(*wanted.final_rule) == words) {
      final_stands = true;
    } else {
      deletes += line("-D", chain, rule->spec);
    }
  }
  if (!existing.has_chain(chain)) {
    plan += line("-N", chain, {});
  }
  plan += deletes;
  for (const std::string& spec : wanted.returns) {
    if (!contains(kept, spec)) {
      plan += line("-I", chain, spec);
    }
  }
  if (wanted.final_rule && !final_stands) {
    plan += line("-A", chain, *wanted.final_rule);
  }
}

bool is_mine(const std::vector<std::string>& words, std::span<const Mine> mine) {
  return std::any_of(mine.begin(), mine.end(), [&](const Mine& m) {
    return word_after(words, "--comment") == m.comment &&
           word_after(words, "-j").starts_with(m.target);
  });
}

/// Our lines in a built-in chain: they end up in the wanted order, behind one another but not
/// necessarily adjacent. Found by text, never by number, since others change these chains too.
void plan_shared_chain(const SavedTable& existing, std::string_view chain,
                       std::span<const Mine> mine, const Specs& wanted, std::string& plan) {
  std::vector<const SavedRule*> ours;
  for (const SavedRule& rule : existing.rules) {
    if (rule.chain == chain && rule.spec.find("AWS") != std::string::npos &&
        is_mine(rule_words(rule.spec), mine)) {
      ours.push_back(&rule);
    }
  }
  std::size_t standing = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    // -D removes the first of several equal rules: only the last copy can stand.
    const bool last_copy =
        std::none_of(ours.begin() + static_cast<std::ptrdiff_t>(i) + 1, ours.end(),
                     [&](const SavedRule* other) { return other->spec == ours[i]->spec; });
    if (last_copy && standing < wanted.size() &&
        rule_words(wanted[standing]) == rule_words(ours[i]->spec)) {
      ++standing;
    } else {
      plan += line("-D", chain, ours[i]->spec);
    }
  }
  for (std::size_t i = standing; i < wanted.size(); ++i) {
    plan += line("-A", chain, wanted[i]);
  }
}

bool is_old_chain(std::string_view chain) {
  for (const std::string_view prefix : {kSnatPrefix, kConnmarkPrefix}) {
    if (chain.starts_with(prefix)) {
      const auto number = base::parse_integer<std::uint32_t>(chain.substr(prefix.size()));
      return number && *number > 0;
    }
  }
  return false;
}

/// Chains of versions that had one per VPC CIDR. One that a foreign rule jumps to cannot be
/// deleted, so it is only emptied.
void plan_old_chains(const SavedTable& existing, std::string& plan) {
  Specs old;
  std::copy_if(existing.chains.begin(), existing.chains.end(), std::back_inserter(old),
               is_old_chain);
  if (old.empty()) {
    return;
  }
  Specs held;
  Specs filled;
  for (const SavedRule& rule : existing.rules) {
    if (contains(old, rule.chain)) {
      add_once(filled, rule.chain);
      continue;
    }
    if (rule.chain == kSnatChain || rule.chain == kConnmarkChain) {
      continue;  // nothing wanted there jumps: these rules go in the same transaction
    }
    const auto words = rule_words(rule.spec);
    const bool ours = (rule.chain == "PREROUTING" && is_mine(words, kNatPrerouting)) ||
                      (rule.chain == "POSTROUTING" && is_mine(words, kNatPostrouting));
    for (const std::string& word : words) {
      if (!ours && contains(old, word)) {
        add_once(held, word);
      }
    }
  }
  for (const std::string& chain : filled) {
    plan += line("-F", chain, {});
  }
  for (const std::string& chain : old) {
    if (!contains(held, chain)) {
      plan += line("-X", chain, {});
    }
  }
}

}  // namespace

std::vector<net::Cidr> HostNetwork::exempt_set() const {
  std::vector<net::Cidr> blocks;
  for (const auto* list : {&vpc_cidrs, &snat_exclusions}) {
    std::copy_if(list->begin(), list->end(), std::back_inserter(blocks),
                 [](const net::Cidr& cidr) { return cidr.length() > 0; });
  }
  return blocks;
}

std::string plan_nat(const SavedTable& existing, const HostNetwork& wanted) {
  Specs prerouting;
  Specs postrouting;
  if (!wanted.external_snat) {
    prerouting = {from_pods(wanted.veth_prefix) + comment("AWS, outbound connections") + " -j " +
                      std::string(kConnmarkChain),
                  comment("AWS, CONNMARK") + " " + restore_mark(wanted.mark)};
    postrouting = {comment("AWS SNAT CHAIN") + " -j " + std::string(kSnatChain)};
  }
  std::string plan;
  plan_own_chain(existing, kConnmarkChain, connmark_chain(wanted), plan);
  plan_own_chain(existing, kSnatChain, snat_chain(wanted), plan);
  plan_shared_chain(existing, "PREROUTING", kNatPrerouting, prerouting, plan);
  plan_shared_chain(existing, "POSTROUTING", kNatPostrouting, postrouting, plan);
  plan_old_chains(existing, plan);
  return transaction("nat", plan);
}

std::string plan_mangle(const SavedTable& existing, const HostNetwork& wanted,
                        std::string_view primary_link) {
  const std::string primary = comment("AWS, primary ENI") + " ";
  Specs prerouting;
  if (wanted.node_port_support) {
    prerouting.push_back("-i " + std::string(primary_link) + " " + primary +
                         "-m addrtype --dst-type LOCAL --limit-iface-in " + set_mark(wanted.mark));
  }
  if (wanted.node_port_support || !wanted.external_snat) {
    prerouting.push_back(from_pods(wanted.veth_prefix) + primary + restore_mark(wanted.mark));
  }
  if (wanted.node_port_support) {
    prerouting.push_back("-i vlan+ " + primary + restore_mark(wanted.mark));
  }
  std::string plan;
  plan_shared_chain(existing, "PREROUTING", kManglePrerouting, prerouting, plan);
  return transaction("mangle", plan);
}

std::string plan_filter(const SavedTable& existing, net::Family family) {
  const bool v4 = family == net::Family::v4;
  const std::string spec = std::string(v4 ? "-d 169.254.172.0/22" : "-d fd00::ac:0/118") +
                           " -m conntrack --ctstate NEW " +
                           comment(v4 ? "Block Node Local Pod access via IPv4"
                                      : "Block Node Local Pod access via IPv6") +
                           " -j REJECT --reject-with " +
                           (v4 ? "icmp-port-unreachable" : "icmp6-port-unreachable");
  const bool stands =
      std::any_of(existing.rules.begin(), existing.rules.end(), [&](const SavedRule& rule) {
        return rule.chain == "FORWARD" && rule_words(rule.spec) == rule_words(spec);
      });
  return transaction("filter", stands ? std::string() : line("-I", "FORWARD", spec));
}

}  // namespace vpccni::podnet
