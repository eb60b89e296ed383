#include "linux/iptables_variant.h"

#include <catch2/catch.hpp>

namespace vpccni::linux {

TEST_CASE("the variant is the kubelet's, else the one with more rules") {
  using enum IptablesVariant;
  const VariantUse none;
  const VariantUse some{.kubelet = false, .rules = 3};
  const VariantUse many{.kubelet = false, .rules = 4};
  const VariantUse kubelet{.kubelet = true, .rules = 0};
  struct Row {
    std::optional<VariantUse> nft, legacy;
    IptablesVariant chosen;
  };
  for (const Row& row :
       {Row{kubelet, many, nft}, Row{many, kubelet, legacy}, Row{kubelet, kubelet, nft},
        Row{none, none, nft}, Row{some, many, legacy}, Row{some, some, nft}, Row{many, some, nft},
        Row{none, {}, nft}, Row{{}, none, legacy}, Row{{}, {}, as_installed}}) {
    CHECK(to_string(choose_variant(row.nft, row.legacy)) == to_string(row.chosen));
  }
}

TEST_CASE("the kubelet's hint is a chain of table mangle") {
  VariantUse use;
  count_use("*nat\n:KUBE-KUBELET-CANARY - [0:0]\n-A PREROUTING -j X\nCOMMIT\n", use);
  CHECK_FALSE(use.kubelet);
  CHECK(use.rules == 1);
  count_use("# x\n*mangle\n:PREROUTING ACCEPT [0:0]\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT", use);
  CHECK(use.kubelet);
  CHECK(use.rules == 1);
}

}  // namespace vpccni::linux
