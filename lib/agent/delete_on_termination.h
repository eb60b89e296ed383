#pragma once
// ENIs that we made go with their instance; the attribute starts false at each attachment and is
// verified, because an ENI without it is left over for ever (spec users.md S10).

#include "agent/eni_lifecycle.h"

namespace vpccni::agent {

/// `eni` as EC2 lists it now. Sets the attribute where it is off on an ENI of ours; of the primary
/// one, which the launch template made, only a warning is logged. Others' ENIs are not looked at.
Result<> verify_delete_on_termination(const Edges& edges, const Node& node, const aws::Eni& eni);

/// Reads the ENI back first: after an attachment. One that EC2 does not list yet is an error.
Result<> confirm_delete_on_termination(const Edges& edges, const Node& node, const net::EniId& id);

}  // namespace vpccni::agent
