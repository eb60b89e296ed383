#pragma once
// What this node's role may do, asked by EC2's DryRun: nothing is changed by it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/ec2_http.h"
#include "aws/imds.h"

namespace vpccni::aws {

struct Permission {
  std::string action;           // "ec2:CreateNetworkInterface"
  std::optional<bool> allowed;  // nullopt: EC2 did not say
};

/// Every action that the agent uses, on the node's primary ENI, which EC2 has described. One call
/// each; the first that is not answered ends the asking.
std::vector<Permission> ask_permissions(Ec2Http& ec2, const InstanceIdentity& instance,
                                        const Eni& primary);

/// The actions that are not allowed.
std::vector<std::string> denied_actions(const std::vector<Permission>& permissions);
/// A statement of an IAM policy that allows them, as JSON.
std::string policy_statement(const std::vector<std::string>& actions);

}  // namespace vpccni::aws
