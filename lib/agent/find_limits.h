#pragma once
// What the instance type can hold: a mounted file, the built-in table, EC2, or a careful guess. A
// type that nobody knows does not keep the node from serving pods (spec users.md S15).

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "aws/ec2.h"
#include "base/clock.h"

namespace vpccni::agent {

using LimitsTable = std::function<std::optional<aws::InstanceLimits>(const std::string& type)>;

enum class LimitsSource { file, built_in, ec2, assumed };
std::string_view to_string(LimitsSource source);

struct LimitsQuestion {
  std::string type;
  std::string file;     // VPCCNI_INSTANCE_LIMITS_FILE; empty = none
  bool ask_ec2 = true;  // false with IMDS alone
};

struct FoundLimits {
  aws::InstanceLimits limits;
  LimitsSource source = LimitsSource::assumed;
  std::vector<std::string> warnings;  // what was tried and could not be used, as sentences
};

FoundLimits find_limits(const LimitsQuestion& question, const LimitsTable& built_in, aws::Ec2& ec2,
                        const base::Clock& clock, const std::stop_token& stop);

}  // namespace vpccni::agent
