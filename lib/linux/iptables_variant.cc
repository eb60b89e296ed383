#include "linux/iptables_variant.h"

#include <string>

#include "base/text.h"

namespace vpccni::linux {

namespace {

std::optional<VariantUse> ask(const std::string& variant) {
  VariantUse use;
  bool answered = false;
  for (const std::string family : {"iptables", "ip6tables"}) {
    const auto saved = run_process({family + "-" + variant + "-save"}, {}, {});
    if (saved && saved->exit_status == 0) {
      answered = answered || family == "iptables";
      count_use(saved->out, use);
    }
  }
  return answered ? std::optional(use) : std::nullopt;
}

}  // namespace

std::string_view to_string(IptablesVariant variant) {
  switch (variant) {
    case IptablesVariant::legacy:
      return "legacy";
    case IptablesVariant::nft:
      return "nft";
    case IptablesVariant::as_installed:
      break;
  }
  return "as installed";
}

void count_use(std::string_view saved, VariantUse& use) {
  bool mangle = false;
  while (!saved.empty()) {
    const auto end = saved.find('\n');
    const std::string_view line = base::trim(saved.substr(0, end));
    saved.remove_prefix(end == std::string_view::npos ? saved.size() : end + 1);
    if (line.starts_with('*')) {
      mangle = line == "*mangle";
    } else if (line.starts_with('-')) {
      ++use.rules;
    } else if (mangle && (line.starts_with(":KUBE-IPTABLES-HINT") ||
                          line.starts_with(":KUBE-KUBELET-CANARY"))) {
      use.kubelet = true;
    }
  }
}

IptablesVariant choose_variant(const std::optional<VariantUse>& nft,
                               const std::optional<VariantUse>& legacy) {
  if (!nft && !legacy) {
    return IptablesVariant::as_installed;
  }
  if (!nft || !legacy) {
    return nft ? IptablesVariant::nft : IptablesVariant::legacy;
  }
  if (nft->kubelet != legacy->kubelet) {
    return nft->kubelet ? IptablesVariant::nft : IptablesVariant::legacy;
  }
  return !nft->kubelet && legacy->rules > nft->rules ? IptablesVariant::legacy
                                                     : IptablesVariant::nft;
}

IptablesVariant detect_variant() {
  return choose_variant(ask("nft"), ask("legacy"));
}

SavedTable nat_of_other(IptablesVariant used, net::Family family) {
  if (used == IptablesVariant::as_installed) {
    return {};
  }
  const std::string other = used == IptablesVariant::nft ? "legacy" : "nft";
  const std::string name = family == net::Family::v4 ? "iptables-" : "ip6tables-";
  const auto saved = run_process({name + other + "-save"}, {}, {});
  if (!saved || saved->exit_status != 0) {
    return {};
  }
  return parse_save("nat", saved->out).value_or(SavedTable());
}

Iptables iptables_of(IptablesVariant variant, net::Family family) {
  std::string name = family == net::Family::v4 ? "iptables" : "ip6tables";
  if (variant != IptablesVariant::as_installed) {
    name += "-" + std::string(to_string(variant));
  }
  return {{name + "-save"}, {name + "-restore"}};
}

}  // namespace vpccni::linux
