#pragma once
// What a VPC model is made with: its lags, limits and switches.

#include <map>
#include <string>

#include "aws/eni.h"

namespace vpccni::vpc {

using LimitsTable = std::map<std::string, aws::InstanceLimits, std::less<>>;
/// Types that exist only here: tiny.test (2 ENIs of 3 addresses), m9x.large (as m5.large; a type
/// that no built-in table knows), duo.test (two network cards, each of 2 ENIs of 4 addresses).
LimitsTable invented_types();

/// How long things take. Zero is allowed everywhere.
struct Lags {
  base::Duration attach = std::chrono::seconds(2);              // until attached: the link appears
  base::Duration detach = std::chrono::seconds(5);              // until available: the link is gone
  base::Duration imds_attach = std::chrono::milliseconds(300);  // after attached: MAC listed
  base::Duration imds_addresses = std::chrono::milliseconds(500);  // after that: all addresses
  base::Duration imds_change = std::chrono::seconds(2);  // after assign, unassign, new groups
  base::Duration imds_detach = std::chrono::seconds(1);  // after available: MAC gone
  base::Duration address_reuse{};  // freed addresses are taken last until then
  static Lags none();
};

struct ModelOptions {
  std::uint64_t seed = 1;
  std::string region = "us-west-2";
  std::string account = "111122223333";
  Lags lags;
  LimitsTable limits = invented_types();  // before the built-in table of aws/instance_limits.h
  bool scattered = false;  // addresses from all over the subnet instead of the lowest free
  /// No room for a prefix is InvalidParameterValue instead of InsufficientCidrBlocks (6.2).
  bool prefixes_exhausted_is_invalid = false;
  int eni_quota = 5000;
  base::Duration key_lifetime = std::chrono::hours(6);  // of an instance role's keys
};

}  // namespace vpccni::vpc
