#pragma once
// Rules live in one of two places of the kernel, legacy or nft, and all of a node's programs must
// use the same: kube-proxy's in one and ours in the other break NodePort. Chosen as upstream's
// image does (iptables-wrappers): where kubelet put its hint, else where more rules are.

#include <optional>
#include <string_view>

#include "linux/iptables.h"
#include "net/ip.h"

namespace vpccni::linux {

enum class IptablesVariant {
  as_installed,  // the plain names: neither variant can be asked by its own name
  legacy,
  nft,
};
std::string_view to_string(IptablesVariant variant);

/// What a variant's save programs show.
struct VariantUse {
  bool kubelet = false;  // table mangle has KUBE-IPTABLES-HINT or KUBE-KUBELET-CANARY
  int rules = 0;         // of all tables, IPv4 and IPv6
};
void count_use(std::string_view saved, VariantUse& use);

/// Nothing: that variant's programs are not there or fail.
IptablesVariant choose_variant(const std::optional<VariantUse>& nft,
                               const std::optional<VariantUse>& legacy);

/// Asks the programs, in the calling thread's namespace.
IptablesVariant detect_variant();

/// Table nat of the variant that is not this one; empty if it cannot be asked. Makes no table: a
/// variant is asked only for what it has.
SavedTable nat_of_other(IptablesVariant used, net::Family family);

/// Of a family: iptables or ip6tables.
Iptables iptables_of(IptablesVariant variant, net::Family family);

}  // namespace vpccni::linux
