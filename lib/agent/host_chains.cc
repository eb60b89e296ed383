#include "agent/host_chains.h"

#include "ipset/ipset.h"

namespace vpccni::agent {

namespace {

const std::string kSet{podnet::kExemptSet};

bool uses_set(const podnet::HostNetwork& wanted) {
  return wanted.exempt_by_set && !wanted.external_snat && wanted.family == net::Family::v4;
}

}  // namespace

Result<> set_up_host(podnet::HostNetwork& wanted, std::string& trouble) {
  if (uses_set(wanted)) {
    if (auto filled = ipset::fill(kSet, wanted.exempt_set()); !filled) {
      trouble = filled.error().message;
      wanted.exempt_by_set = false;
    }
  }
  VPCCNI_CHECK(podnet::set_up_host_network(wanted));
  if (!uses_set(wanted)) {
    (void)ipset::destroy(kSet);  // of an earlier run; a kernel without sets has none
  }
  return {};
}

Result<bool> update_chains(const podnet::HostNetwork& wanted) {
  bool filled = false;
  if (uses_set(wanted)) {
    VPCCNI_TRY(filled, ipset::fill(kSet, wanted.exempt_set()));
  }
  VPCCNI_TRY(const bool changed, podnet::update_chains(wanted));
  return filled || changed;
}

}  // namespace vpccni::agent
