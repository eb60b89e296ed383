#include "sre/cure.h"

namespace vpccni::sre {

namespace {

constexpr const char* kNetworkdDropIn = "/etc/systemd/networkd.conf.d/90-vpccni.conf";

std::string text_of(const SetParameter& cure) {
  return cure.path + " = " + cure.value;
}
std::string text_of(const WriteFile& cure) {
  return "write " + cure.path;
}
std::string text_of(const PutBack& cure) {
  return "put back " + cure.fault.what;
}

}  // namespace

std::string to_string(const Cure& cure) {
  return std::visit([](const auto& one) { return text_of(one); }, cure);
}

namespace rules {

std::vector<Cure> put_back(const NodeView& view) {
  std::vector<Cure> cures;
  for (auto& fault : podnet::find_faults(view.wanted, view.kernel)) {
    if (!fault.repair.empty()) {
      cures.emplace_back(PutBack{std::move(fault)});
    }
  }
  return cures;
}

std::vector<Cure> loose_rp_filter(const NodeView& view) {
  const auto* primary = linux::find_link(view.kernel.links, view.primary_mac);
  if (primary == nullptr) {
    return {};
  }
  // The greater of a link's value and that of "all" counts, and 2 is loose.
  return {SetParameter{"net/ipv4/conf/" + primary->name + "/rp_filter", "2"}};
}

std::vector<Cure> forward(const NodeView&) {
  return {SetParameter{"net/ipv4/ip_forward", "1"}};
}

std::vector<Cure> no_early_demux(const NodeView&) {
  return {SetParameter{"net/ipv4/tcp_early_demux", "0"}};
}

std::vector<Cure> tell_networkd(const NodeView& view) {
  return {
      WriteFile{view.node_root + kNetworkdDropIn,
                "# Written by vpccni doctor --fix: rules and routes of pods are not networkd's.\n"
                "[Network]\nManageForeignRoutingPolicyRules=no\nManageForeignRoutes=no\n"}};
}

}  // namespace rules

}  // namespace vpccni::sre
