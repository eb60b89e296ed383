// Branch ENIs on a trunk: what the VPC resource controller does with them.

#include <algorithm>

#include "tests/vpc/model.h"

namespace vpccni::vpc {

Result<> Model::associate(const net::EniId& branch, const net::EniId& trunk, net::VlanId vlan,
                          base::Instant now) {
  advance(now);
  VPCCNI_TRY(auto* eni, get_eni(branch));
  VPCCNI_TRY(const auto* carrier, get_eni(trunk));
  if (carrier->kind != aws::EniKind::trunk || eni->kind != aws::EniKind::branch ||
      eni->status != "available" || vlan.value() < 1 || vlan.value() > 4094) {
    return refusal("InvalidParameterValue",
                   to_string(branch) + " and " + to_string(trunk) + " cannot be associated");
  }
  for (const auto& [id, other] : enis_) {
    if (other.branch_of && other.branch_of->trunk == trunk && other.branch_of->vlan == vlan) {
      return refusal("InvalidParameterValue", "VLAN " + to_string(vlan) + " is in use");
    }
  }
  eni->status = "in-use";
  eni->branch_of = {trunk, vlan};
  changes_.emplace_back(BranchChange{true, branch, trunk, vlan, now.steady});
  return {};
}

Result<> Model::disassociate(const net::EniId& branch, base::Instant now) {
  advance(now);
  VPCCNI_TRY(auto* eni, get_eni(branch));
  if (!eni->branch_of) {
    return refusal("InvalidAssociationID.NotFound", to_string(branch) + " is on no trunk");
  }
  changes_.emplace_back(
      BranchChange{false, branch, eni->branch_of->trunk, eni->branch_of->vlan, now.steady});
  eni->branch_of.reset();
  eni->status = "available";
  return {};
}

}  // namespace vpccni::vpc
