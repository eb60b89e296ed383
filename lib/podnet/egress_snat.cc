#include "podnet/egress_snat.h"

#include <vector>

#include "base/name_hash.h"

namespace vpccni::podnet {

namespace {

constexpr std::size_t kChainLength = 28;
constexpr std::string_view kPostrouting = "POSTROUTING";

/// As iptables-save lists it: the comment holds quotes, escaped.
std::string comment(const EgressOwner& owner) {
  return R"(-m comment --comment "name: \")" + owner.network + R"(\" id: \")" + owner.container_id +
         R"(\"")";
}

std::string_view multicast(net::Family family) {
  return family == net::Family::v4 ? "224.0.0.0/4" : "ff00::/8";
}

std::vector<std::string> chain_specs(const EgressSnat& wanted) {
  const std::string why = comment(wanted.owner);
  std::string snat = why + " -j SNAT --to-source " + to_string(wanted.node);
  if (wanted.randomize != RandomizeSnat::none) {
    snat += wanted.randomize == RandomizeSnat::fully ? " --random-fully" : " --random";
  }
  return {"-d " + std::string(multicast(wanted.pod.family())) + " " + why + " -j ACCEPT",
          std::move(snat)};
}

bool jumps_to(const linux::SavedRule& rule, std::string_view chain) {
  if (rule.spec.find(chain) == std::string::npos) {
    return false;
  }
  return linux::word_after(linux::rule_words(rule.spec), "-j") == chain;
}

bool says(const linux::SavedRule& rule, const std::string& spec) {
  return linux::rule_words(rule.spec) == linux::rule_words(spec);
}

bool holds(const linux::SavedTable& nat, std::string_view chain,
           const std::vector<std::string>& specs) {
  std::size_t at = 0;
  for (const auto& rule : nat.rules) {
    if (rule.chain == chain && (at == specs.size() || !says(rule, specs[at++]))) {
      return false;
    }
  }
  return at == specs.size();
}

}  // namespace

std::string egress_chain(net::Family family, const EgressOwner& owner) {
  const std::string digest = base::sha512_name_hex(owner.network + owner.container_id);
  return ((family == net::Family::v4 ? "CNI-E4-" : "CNI-E6-") + digest).substr(0, kChainLength);
}

std::string plan_egress_snat(const linux::SavedTable& nat, const EgressSnat& wanted) {
  const std::string chain = egress_chain(wanted.pod.family(), wanted.owner);
  const auto specs = chain_specs(wanted);
  const std::string jump =
      "-s " + to_string(net::Cidr::host(wanted.pod)) + " " + comment(wanted.owner) + " -j " + chain;
  std::string plan;
  if (!nat.has_chain(chain) || !holds(nat, chain, specs)) {
    plan += ":" + chain + " - [0:0]\n";  // makes it, or empties it
    for (const auto& spec : specs) {
      plan.append("-A ").append(chain).append(" ").append(spec).append("\n");
    }
  }
  bool stands = false;
  for (const auto& rule : nat.rules) {
    if (!jumps_to(rule, chain)) {
      continue;
    }
    if (!stands && rule.chain == kPostrouting && says(rule, jump)) {
      stands = true;
    } else {
      plan.append("-D ").append(rule.chain).append(" ").append(rule.spec).append("\n");
    }
  }
  if (!stands) {
    plan.append("-A ").append(kPostrouting).append(" ").append(jump).append("\n");
  }
  return linux::transaction("nat", plan);
}

std::string plan_egress_removal(const linux::SavedTable& nat, std::string_view chain) {
  std::string plan;
  for (const auto& rule : nat.rules) {
    if (jumps_to(rule, chain)) {
      plan.append("-D ").append(rule.chain).append(" ").append(rule.spec).append("\n");
    }
  }
  if (nat.has_chain(chain)) {
    plan.append("-F ").append(chain).append("\n-X ").append(chain).append("\n");
  }
  return linux::transaction("nat", plan);
}

}  // namespace vpccni::podnet
