#include "agent/branch_eni.h"

#include "base/json.h"
#include "podnet/host.h"

namespace vpccni::agent {

namespace {

Error unusable(const std::string& why) {
  return {Errc::corrupt, std::string(kPodEniAnnotation) + ": " + why};
}

}  // namespace

Result<BranchEni> parse_branch_eni(std::string_view annotation, net::Family family) {
  const auto list = base::parse_json(annotation, {.bytes = std::size_t{64} << 10U, .depth = 8});
  if (!list || !list->is_array() || list->empty() || !list->front().is_object()) {
    return unusable("no JSON array of branch ENIs");
  }
  const base::Json& first = list->front();
  const bool v4 = family == net::Family::v4;
  const auto mac = net::Mac::parse(base::string_member(first, "ifAddress"));
  if (!mac || mac->empty()) {
    return unusable("ifAddress is no MAC address");
  }
  const auto address = net::Ip::parse(base::string_member(first, v4 ? "privateIp" : "ipv6Addr"));
  if (!address || address->family() != family) {
    return unusable(v4 ? "privateIp is no IPv4 address" : "ipv6Addr is no IPv6 address");
  }
  const auto vlan = base::integer_member(first, "vlanID").value_or(0);
  if (vlan < 1 || vlan > net::kLastVlan.value()) {
    return unusable("vlanID is no number from 1 to 4094");
  }
  const auto subnet =
      net::Cidr::parse(base::string_member(first, v4 ? "subnetCidr" : "subnetV6Cidr"));
  if (!subnet || subnet->family() != family) {
    return unusable(v4 ? "subnetCidr is no IPv4 block" : "subnetV6Cidr is no IPv6 block");
  }
  return BranchEni{*mac, *address, net::VlanId(static_cast<int>(vlan)),
                   podnet::vpc_gateway(*subnet)};
}

}  // namespace vpccni::agent
