#pragma once
// What only one of IMDS and EC2 lists, as numbers for vpccni_imds_ec2_drift: IMDS lags behind EC2
// by seconds, and by much more when something is wrong. Pure.

#include <vector>

#include "ipam/event.h"

namespace vpccni::agent {

struct Drift {
  int enis_only_imds = 0;
  int enis_only_ec2 = 0;
  int addresses_only_imds = 0;
  int addresses_only_ec2 = 0;
  int prefixes_only_imds = 0;
  int prefixes_only_ec2 = 0;
  friend bool operator==(const Drift&, const Drift&) = default;
};

/// `ec2` is what EC2 lists of the ENIs that are ours; `known` are the ENIs of the pool. An ENI that
/// is in neither is none of ours and does not count. Blocks are compared on ENIs that both list.
Drift find_drift(const std::vector<ipam::ObservedEni>& ec2,
                 const std::vector<ipam::ObservedEni>& imds, const std::vector<net::EniId>& known);

}  // namespace vpccni::agent
