#pragma once
// EC2's objects as elements of its answers, by the names of the API model (spec aws.md 1.6).

#include "tests/vpc/model.h"
#include "tests/vpc/xml.h"

namespace vpccni::vpc {

/// A `NetworkInterface`; `status` replaces the ENI's when given.
void add_eni(Xml& xml, std::string_view element, const Model& model, const Eni& eni,
             std::string_view status = {});
void add_instance(Xml& xml, const Model& model, const Instance& instance);  // with its reservation
void add_subnet(Xml& xml, const Model& model, const Subnet& subnet);
void add_vpc(Xml& xml, const Model& model, const Vpc& vpc);
void add_group(Xml& xml, const Model& model, const SecurityGroup& group);
void add_type(Xml& xml, std::string_view type, const aws::InstanceLimits& limits);

std::string_view name_of(aws::EniKind kind);

struct StateName {
  int code;
  const char* name;
};
StateName state_of(const Instance& instance);

}  // namespace vpccni::vpc
