#pragma once
// DescribeNetworkInterfaces' filters on ENI values, as far as the agent uses them: AND over
// filters, OR over values.

#include <algorithm>

#include "aws/ec2.h"

namespace vpccni::sim {

inline bool matches(const aws::Eni& eni, const std::string& name, const std::string& value) {
  if (name == "attachment.instance-id") {
    return eni.attachment && to_string(eni.attachment->instance) == value;
  }
  if (name == "status") {
    return eni.status == value;
  }
  if (name == "vpc-id") {
    return to_string(eni.vpc) == value;
  }
  if (name == "tag-key") {
    return eni.tags.contains(value);
  }
  if (name.rfind("tag:", 0) == 0) {
    const auto tag = eni.tags.find(name.substr(4));
    return tag != eni.tags.end() && tag->second == value;
  }
  return false;
}

inline bool passes(const aws::Eni& eni, const aws::EniFilter& filter) {
  return std::all_of(filter.filters.begin(), filter.filters.end(), [&](const auto& one) {
    return std::any_of(one.second.begin(), one.second.end(),
                       [&](const auto& value) { return matches(eni, one.first, value); });
  });
}

}  // namespace vpccni::sim
