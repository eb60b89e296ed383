#include "agent/drift.h"

#include <algorithm>
#include <map>

namespace vpccni::agent {

namespace {

using Blocks = std::vector<net::Cidr>;

/// Counts blocks of `some` that are not in `others`.
void count_missing(const Blocks& some, const Blocks& others, int& addresses, int& prefixes) {
  for (const auto& block : some) {
    if (std::find(others.begin(), others.end(), block) == others.end()) {
      ++(block.is_host() ? addresses : prefixes);
    }
  }
}

}  // namespace

Drift find_drift(const std::vector<ipam::ObservedEni>& ec2,
                 const std::vector<ipam::ObservedEni>& imds, const std::vector<net::EniId>& known) {
  std::map<net::EniId, const ipam::ObservedEni*> unseen;  // of EC2's list
  for (const auto& eni : ec2) {
    unseen[eni.facts.id] = &eni;
  }
  Drift drift;
  for (const auto& shown : imds) {
    const auto listed = unseen.extract(shown.facts.id);
    if (listed.empty()) {
      drift.enis_only_imds += std::count(known.begin(), known.end(), shown.facts.id) > 0 ? 1 : 0;
      continue;
    }
    const Blocks& there = listed.mapped()->blocks;
    count_missing(shown.blocks, there, drift.addresses_only_imds, drift.prefixes_only_imds);
    count_missing(there, shown.blocks, drift.addresses_only_ec2, drift.prefixes_only_ec2);
  }
  drift.enis_only_ec2 = static_cast<int>(unseen.size());
  return drift;
}

}  // namespace vpccni::agent
