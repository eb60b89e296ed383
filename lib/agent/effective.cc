#include "agent/effective.h"

#include <string_view>

#include "base/text.h"

namespace vpccni::agent {

namespace {

using settings::Note;
using settings::Settings;

constexpr int kLeastIpv6Mtu = 1280;  // RFC 8200 section 5
constexpr int kDefaultMtu = 9001;

std::string instance_kind(const aws::InstanceLimits& limits) {
  return "the instance's hypervisor is " +
         (limits.hypervisor.empty() ? std::string("unknown") : limits.hypervisor);
}

/// Switches a boolean, and says so if somebody asked for the other value.
void imply(bool& member, bool value, const char* name, const std::string& why,
           std::vector<Note>& notes) {
  if (member != value) {
    notes.push_back({name, member ? "true" : "false", why, value ? "true" : "false", false});
    member = value;
  }
}

void apply_ipv6(Settings& set, std::vector<Note>& notes) {
  set.disable_leaked_eni_cleanup = true;
  if (set.eni_mtu < kLeastIpv6Mtu) {
    notes.push_back({"AWS_VPC_ENI_MTU", std::to_string(set.eni_mtu),
                     "is below " + std::to_string(kLeastIpv6Mtu) + ", the least of IPv6",
                     std::to_string(kDefaultMtu), false});
    set.eni_mtu = kDefaultMtu;
  }
}

}  // namespace

Result<Settings> effective(Settings wanted, const aws::InstanceLimits& limits,
                           std::vector<Note>& notes) {
  auto refusals = settings::refusals(wanted);
  if (wanted.enable_prefix_delegation && !limits.prefixes_supported()) {
    if (wanted.enable_ipv6) {
      refusals.push_back("ENABLE_IPv6=true needs a Nitro or bare metal instance; " +
                         instance_kind(limits));
    } else {
      imply(wanted.enable_prefix_delegation, false, "ENABLE_PREFIX_DELEGATION",
            "needs a Nitro or bare metal instance; " + instance_kind(limits), notes);
    }
  }
  if (!refusals.empty()) {
    return Error{Errc::invalid_argument, base::join(refusals, "; ")};
  }
  if (wanted.imds_only) {
    wanted.disable_provisioning = true;
    wanted.disable_leaked_eni_cleanup = true;
  }
  if (wanted.disable_provisioning) {
    wanted.disable_leaked_eni_cleanup = true;
  }
  if (wanted.enable_ipv6) {
    apply_ipv6(wanted, notes);
  }
  return wanted;
}

}  // namespace vpccni::agent
