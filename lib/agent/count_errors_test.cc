// Errors in the work on ENIs, counted by upstream's names, on the VPC model.
#include "agent/count_errors.h"

#include <catch2/catch.hpp>

#include "agent/test_vpc.h"

namespace vpccni::agent {
namespace {

using metrics::Metric;

struct CountedSite : test::VpcSite {
  CountedSite() { edges.metrics = &registry; }
  void refuse(const std::string& action) {
    model.faults().add({.kind = vpc::FaultKind::deny, .action = action});
  }
  double errors(std::string_view fn) const {
    return registry.value<Metric::awscni_ipamd_error_count>({fn}).value_or(0);
  }
  double refusals(std::string_view fn) const {
    return registry.value<Metric::awscni_aws_utils_error_count>({fn, "UnauthorizedOperation"})
        .value_or(0);
  }
  metrics::Registry registry;
};

}  // namespace

TEST_CASE("an ENI that cannot be made, and one that cannot be attached nor taken away again") {
  CountedSite site;
  site.refuse("CreateNetworkInterface");
  CHECK_FALSE(create_eni(site.edges, site.node, {1, 0}, site.stop));
  CHECK(site.errors("increaseIPPoolAllocENI") == 1);
  CHECK(site.refusals("AllocENIDeleteErr") == 0);
  site.model.faults().clear();
  site.refuse("AttachNetworkInterface");
  site.refuse("DeleteNetworkInterface");
  CHECK_FALSE(create_eni(site.edges, site.node, {1, 0}, site.stop));
  CHECK(site.errors("increaseIPPoolAllocENI") == 2);
  CHECK(site.refusals("AllocENIDeleteErr") == 1);
  CHECK(site.refusals("FreeENIDeleteErr") == 1);
}

TEST_CASE("an ENI whose removal is refused") {
  CountedSite site;
  const auto id = site.attached(1, "aws-K8S-i-1", {});
  site.refuse("DescribeNetworkInterfaces");
  CHECK_FALSE(remove_eni(site.edges, id, site.stop));
  CHECK(site.refusals("getENIAttachmentIDFailed") == 1);
}

TEST_CASE("without metrics nothing is counted") {
  const test::VpcSite site;
  count_error(site.edges, "decreaseIPPool");
  count_refused(site.edges, "FreeENIDeleteErr", {Errc::denied, "no", "UnauthorizedOperation"});
}

}  // namespace vpccni::agent
