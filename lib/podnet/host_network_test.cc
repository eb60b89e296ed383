// On the real kernel with the real iptables programs, in namespaces that the tests make: needs
// root. Every case runs with both variants of iptables.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "linux/iptables_variant.h"
#include "podnet/host.h"
#include "podnet/test_host.h"

namespace vpccni::podnet {

namespace {

/// Puts one variant's programs first in PATH under the names that production uses.
class IptablesVariant {
 public:
  explicit IptablesVariant(const std::string& variant) : path_(::getenv("PATH")) {
    std::string pattern = std::filesystem::temp_directory_path() / "podnet-test-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw std::runtime_error("mkdtemp");
    }
    folder_ = pattern;
    for (const std::string tool : {"iptables", "iptables-save", "iptables-restore"}) {
      const std::string suffix = tool.substr(std::string("iptables").size());
      const auto program = "/usr/sbin/iptables-" + variant + suffix;
      if (!std::filesystem::exists(program)) {
        throw std::runtime_error("these tests need " + program);
      }
      std::filesystem::create_symlink(program, folder_ / tool);
    }
    ::setenv("PATH", (folder_.string() + ":" + path_).c_str(), 1);
  }
  ~IptablesVariant() {
    ::setenv("PATH", path_.c_str(), 1);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  IptablesVariant(const IptablesVariant&) = delete;
  IptablesVariant& operator=(const IptablesVariant&) = delete;

 private:
  std::string path_;
  std::filesystem::path folder_;
};

HostNetwork node() {
  return {.primary_mac = mac("02:00:00:00:00:01"),
          .primary_ip = ip("10.0.0.5"),
          .vpc_cidrs = {cidr("10.0.0.0/16")},
          .snat_exclusions = {cidr("192.168.0.0/16")}};
}

std::string table(const std::string& name) {
  return sh("iptables-save -t " + name + " | grep -v '^#' | sed 's/ \\[.*\\]//'");
}

std::string rule_1024() {
  return sh("ip rule | grep ^1024 || true");
}

constexpr const char* kMangle =
    R"(*mangle
:PREROUTING ACCEPT
:INPUT ACCEPT
:FORWARD ACCEPT
:OUTPUT ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -i eth0 -m comment --comment "AWS, primary ENI" -m addrtype --dst-type LOCAL --limit-iface-in -j CONNMARK --set-xmark 0x80/0x80
-A PREROUTING -i eni+ -m comment --comment "AWS, primary ENI" -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80
-A PREROUTING -i vlan+ -m comment --comment "AWS, primary ENI" -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80
COMMIT
)";

constexpr const char* kNat =
    R"(*nat
:PREROUTING ACCEPT
:INPUT ACCEPT
:OUTPUT ACCEPT
:POSTROUTING ACCEPT
:AWS-CONNMARK-CHAIN-0 -
:AWS-SNAT-CHAIN-0 -
-A PREROUTING -i eni+ -m comment --comment "AWS, outbound connections" -j AWS-CONNMARK-CHAIN-0
-A PREROUTING -m comment --comment "AWS, CONNMARK" -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80
-A POSTROUTING -m comment --comment "AWS SNAT CHAIN" -j AWS-SNAT-CHAIN-0
-A AWS-CONNMARK-CHAIN-0 -d 192.168.0.0/16 -m comment --comment "AWS CONNMARK CHAIN, EXCLUDED CIDR" -j RETURN
-A AWS-CONNMARK-CHAIN-0 -d 10.0.0.0/16 -m comment --comment "AWS CONNMARK CHAIN, VPC CIDR" -j RETURN
-A AWS-CONNMARK-CHAIN-0 -m comment --comment "AWS, CONNMARK" -j CONNMARK --set-xmark 0x80/0x80
-A AWS-SNAT-CHAIN-0 -d 192.168.0.0/16 -m comment --comment "AWS SNAT CHAIN EXCLUSION" -j RETURN
-A AWS-SNAT-CHAIN-0 -d 10.0.0.0/16 -m comment --comment "AWS SNAT CHAIN" -j RETURN
-A AWS-SNAT-CHAIN-0 ! -o vlan+ -m comment --comment "AWS, SNAT" -m addrtype ! --dst-type LOCAL -j SNAT --to-source 10.0.0.5 --random-fully
COMMIT
)";

constexpr const char* kEmptyChains =
    R"(*nat
:PREROUTING ACCEPT
:INPUT ACCEPT
:OUTPUT ACCEPT
:POSTROUTING ACCEPT
:AWS-CONNMARK-CHAIN-0 -
:AWS-SNAT-CHAIN-0 -
COMMIT
)";

constexpr const char* kDefaultRule = "1024:\tfrom all fwmark 0x80/0x80 lookup main\n";

}  // namespace

TEST_CASE("a node's chains and rule are those of worked example 9.1") {
  const std::string variant = GENERATE("nft", "legacy");
  CAPTURE(variant);
  const IptablesVariant iptables(variant);
  const TestHost host;
  host.add_enis();
  const std::string routes = sh("ip -4 route show table all");
  for (int start = 0; start < 2; ++start) {
    REQUIRE(set_up_host_network(node()));
    CHECK(table("nat") == kNat);
    CHECK(table("mangle") == kMangle);
    CHECK(rule_1024() == kDefaultRule);
    CHECK(sh("ip link show eth0").find("mtu 9001") != std::string::npos);
    CHECK(sh("ip -4 route show table all") == routes);
  }
}

TEST_CASE("blocks in a set: one rule each in both chains, and back") {
  const std::string variant = GENERATE("nft", "legacy");
  CAPTURE(variant);
  const IptablesVariant iptables(variant);
  const TestHost host;
  host.add_enis();
  sh("ipset create " + std::string(kExemptSet) + " hash:net");
  REQUIRE(set_up_host_network(node()));
  HostNetwork by_set = node();
  by_set.exempt_by_set = true;
  by_set.snat_exclusions.push_back(cidr("0.0.0.0/0"));
  CHECK(by_set.exempt_set() == std::vector{cidr("10.0.0.0/16"), cidr("192.168.0.0/16")});
  CHECK(*update_chains(by_set));
  CHECK_FALSE(*update_chains(by_set));
  CHECK(
      sh("iptables-save -t nat | grep -e RETURN") ==
      R"(-A AWS-CONNMARK-CHAIN-0 -m comment --comment "AWS CONNMARK CHAIN, EXCLUDED CIDR" -j RETURN
-A AWS-CONNMARK-CHAIN-0 -m set --match-set vpccni-exempt dst -m comment --comment "AWS CONNMARK CHAIN, VPC CIDR" -j RETURN
-A AWS-SNAT-CHAIN-0 -m comment --comment "AWS SNAT CHAIN EXCLUSION" -j RETURN
-A AWS-SNAT-CHAIN-0 -m set --match-set vpccni-exempt dst -m comment --comment "AWS SNAT CHAIN" -j RETURN
)");
  REQUIRE(set_up_host_network(node()));
  CHECK(table("nat") == kNat);
}

TEST_CASE("the connection marks of upstream's 1.23 in nf_tables go, foreign tables stay") {
  const IptablesVariant iptables("nft");
  const TestHost host;
  host.add_enis();
  sh(R"(nft -f - <<END
table ip aws-cni {
  chain snat-mark {
    counter ip daddr 10.0.0.0/16 return
    counter ct mark set ct mark | 0x80
  }
  chain nat-prerouting {
    type nat hook prerouting priority -90; policy accept;
    fib daddr type local return
    iifname "eni*" counter jump snat-mark
    counter meta mark set ct mark & 0x80
  }
}
table ip6 aws-cni { }
table ip other { chain c { }; }
END
)");
  for (int start = 0; start < 2; ++start) {
    REQUIRE(set_up_host_network(node()));
    const auto tables = sh("nft list tables");
    CHECK(tables.find("table ip aws-cni") == std::string::npos);
    CHECK(tables.find("table ip6 aws-cni") != std::string::npos);
    CHECK(tables.find("table ip other") != std::string::npos);
    CHECK(table("nat") == kNat);
  }
}

TEST_CASE("changed settings change the node's rules, and back") {
  const std::string variant = GENERATE("nft", "legacy");
  CAPTURE(variant);
  const IptablesVariant iptables(variant);
  const TestHost host;
  host.add_enis();
  REQUIRE(set_up_host_network(node()));
  HostNetwork wanted = node();

  wanted.external_snat = true;  // node port on
  REQUIRE(set_up_host_network(wanted));
  CHECK(table("nat") == kEmptyChains);
  CHECK(table("mangle") == kMangle);
  CHECK(rule_1024() == kDefaultRule);

  wanted.node_port_support = false;
  REQUIRE(set_up_host_network(wanted));
  CHECK(table("nat") == kEmptyChains);
  CHECK(table("mangle").find("-A") == std::string::npos);
  CHECK(rule_1024().empty());

  wanted.external_snat = false;
  REQUIRE(set_up_host_network(wanted));
  CHECK(table("nat") == kNat);
  CHECK(sh("iptables-save -t mangle | grep ^-A") ==
        "-A PREROUTING -i eni+ -m comment --comment \"AWS, primary ENI\" -j CONNMARK "
        "--restore-mark --nfmask 0x80 --ctmask 0x80\n");
  CHECK(rule_1024() == kDefaultRule);

  wanted.mark = net::Mark(0x100);
  wanted.randomize = RandomizeSnat::none;
  REQUIRE(set_up_host_network(wanted));
  CHECK(rule_1024() == "1024:\tfrom all fwmark 0x100/0x100 lookup main\n");
  CHECK(sh("iptables-save | grep -c 0x80 || true") == "0\n");
  CHECK(sh("iptables-save | grep SNAT.--to-source") ==
        "-A AWS-SNAT-CHAIN-0 ! -o vlan+ -m comment --comment \"AWS, SNAT\" -m addrtype ! "
        "--dst-type LOCAL -j SNAT --to-source 10.0.0.5\n");

  REQUIRE(set_up_host_network(node()));
  CHECK(table("nat") == kNat);
  CHECK(table("mangle") == kMangle);
  CHECK(rule_1024() == kDefaultRule);
}

TEST_CASE("a new VPC CIDR stands first; foreign rules and a foreign mark rule stay") {
  const std::string variant = GENERATE("nft", "legacy");
  CAPTURE(variant);
  const IptablesVariant iptables(variant);
  const TestHost host;
  host.add_enis();
  sh("iptables -t nat -A POSTROUTING -d 1.2.3.4/32 -j MASQUERADE\n"
     "iptables -t nat -N KUBE-X; iptables -t nat -A PREROUTING -j KUBE-X\n"
     "ip rule add fwmark 0x7/0xf lookup main pref 1024; ip rule add pref 1024 lookup 9");
  REQUIRE(set_up_host_network(node()));
  HostNetwork wanted = node();
  wanted.vpc_cidrs.push_back(cidr("10.7.0.0/16"));
  REQUIRE(update_chains(wanted));
  for (const std::string chain : {"AWS-SNAT-CHAIN-0", "AWS-CONNMARK-CHAIN-0"}) {
    CHECK(sh("iptables -t nat -S " + chain + " | sed -n 2p").find("-d 10.7.0.0/16") !=
          std::string::npos);
  }
  CHECK(sh("iptables -t nat -S AWS-SNAT-CHAIN-0 | tail -n 1").find("SNAT --to-source") !=
        std::string::npos);
  CHECK(sh("iptables-save -t nat").find("-A POSTROUTING -d 1.2.3.4/32 -j MASQUERADE\n") !=
        std::string::npos);
  CHECK(sh("iptables-save -t nat").find("-A PREROUTING -j KUBE-X\n") != std::string::npos);
  CHECK(sh("ip rule | grep -c ^1024") == "3\n");
}

TEST_CASE("rules and chains of earlier versions go") {
  const std::string variant = GENERATE("nft", "legacy");
  CAPTURE(variant);
  const IptablesVariant iptables(variant);
  const TestHost host;
  host.add_enis();
  sh("for i in 0 1 2; do iptables -t nat -N AWS-SNAT-CHAIN-$i; done\n"
     "iptables -t nat -A AWS-SNAT-CHAIN-0 ! -d 10.0.0.0/16 -m comment --comment 'AWS SNAT CHAIN' "
     "-j AWS-SNAT-CHAIN-1\n"
     "iptables -t nat -A AWS-SNAT-CHAIN-1 ! -d 10.1.0.0/16 -m comment --comment 'AWS SNAT CHAIN' "
     "-j AWS-SNAT-CHAIN-2\n"
     "iptables -t nat -A POSTROUTING -m comment --comment 'AWS SNAT CHAIN' -j AWS-SNAT-CHAIN-0\n"
     "iptables -t nat -N AWS-CONNMARK-CHAIN-0\n"
     "iptables -t nat -A PREROUTING -i eni+ -m comment --comment 'AWS, outbound connections' "
     "-m state --state NEW -j AWS-CONNMARK-CHAIN-0\n"
     "ip rule add fwmark 0x40/0x40 lookup main pref 1024");
  REQUIRE(set_up_host_network(node()));
  CHECK(sh("iptables-save -t nat | grep -e ^-A | sort") ==
        sh("grep ^-A <<'X' | sort\n" + std::string(kNat) + "X\n"));
  CHECK(sh("iptables-save -t nat | grep -c ^:AWS") == "2\n");
  CHECK(rule_1024() == kDefaultRule);
}

TEST_CASE("rules go to the variant in which the kubelet left its hint") {
  const std::string variant = GENERATE("nft", "legacy");
  const std::string other = variant == "nft" ? "legacy" : "nft";
  CAPTURE(variant);
  const TestHost host;
  host.add_enis();
  sh("iptables-" + variant + " -t mangle -N KUBE-KUBELET-CANARY\n" +
     "for i in 1 2 3; do iptables-" + other + " -A FORWARD -d 1.2.3.$i; done");
  HostNetwork wanted = node();
  wanted.iptables = linux::detect_variant();
  REQUIRE(set_up_host_network(wanted));
  CHECK(sh("iptables-" + variant + "-save | grep -c AWS-SNAT-CHAIN-0") == "5\n");
  CHECK(sh("iptables-" + other + "-save | grep -c AWS || true") == "0\n");
}

TEST_CASE("without the primary link nothing is set up") {
  const IptablesVariant iptables("nft");
  const TestHost host;
  const auto failed = set_up_host_network(node());
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == Errc::not_found);
  CHECK(failed.error().message.find("02:00:00:00:00:01") != std::string::npos);
  CHECK(rule_1024().empty());
}

}  // namespace vpccni::podnet
