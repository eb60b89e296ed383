#include "agent/agent_metrics.h"

#include <algorithm>

#include "aws/ec2_error.h"

namespace vpccni::agent {

namespace {

using metrics::Metric;
using metrics::Registry;

/// What the store holds, mode or no mode: upstream's counters, unlike Stats, leave nothing out.
struct Census {
  double total = 0;
  double assigned = 0;
  double ipv4_prefixes = 0;
  double in_prefixes = 0;           // addresses of prefixes
  double assigned_in_prefixes = 0;  // and those that pods hold
  std::vector<metrics::Sample<1>> per_eni;
  std::vector<metrics::Sample<1>> per_block;
};

void add_to(Census& census, const ipam::DataStore& store) {
  for (const auto& [id, eni] : store.enis()) {
    census.per_eni.push_back({{to_string(id)}, static_cast<double>(eni.assigned())});
    for (const auto& [cidr, block] : eni.blocks) {
      const auto size = static_cast<double>(cidr.size());
      const auto assigned = static_cast<double>(block.assigned());
      census.total += size;
      census.assigned += assigned;
      if (block.prefix) {
        census.ipv4_prefixes += cidr.base().is_v4() ? 1 : 0;
        census.in_prefixes += size;
        census.assigned_in_prefixes += assigned;
      }
      census.per_block.push_back({{to_string(cidr)}, assigned});
    }
  }
}

void show_quarantine(Registry& metrics, const ipam::Pools& pools) {
  const auto quarantined = pools.quarantined();
  double kernel_only = 0;
  for (const auto& [address, held] : quarantined) {
    kernel_only += held.key.network == ipam::kRecoveredNetwork ? 1 : 0;
  }
  const auto all = static_cast<double>(quarantined.size());
  metrics.set<Metric::vpccni_quarantined_ips>(all - kernel_only, {"not_in_ec2"});
  metrics.set<Metric::vpccni_quarantined_ips>(kernel_only, {"kernel_only"});
}

double seconds_of(base::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

void count_error(Registry& metrics, std::string_view fn) {
  metrics.add<Metric::awscni_ipamd_error_count>({fn});
}

}  // namespace

void show_build(Registry& metrics, std::string_view version) {
  metrics.set<Metric::awscni_build_info>(1, {version, "none"});
  metrics.set<Metric::awscni_connmark_backend>(1, {"iptables"});
  metrics.set<Metric::awscni_connmark_backend>(0, {"nftables"});
}

/// Over all cards; upstream shows the card that was looked at last (Q6).
void show_pool(Registry& metrics, const ipam::Pools& pools, base::Instant now, bool per_block) {
  Census census;
  ipam::Stats stats;
  double enis = 0;
  double most_enis = 0;
  double most_addresses = 0;
  for (std::size_t pool = 0; pool < pools.size(); ++pool) {
    const ipam::Core& core = pools.at(pool);
    const auto& options = core.store().options();
    const auto limits = core.limits();
    const bool counted = options.family == net::Family::v4;  // a /80 never ends
    add_to(census, core.store());
    enis += static_cast<double>(core.store().enis().size());
    most_enis += limits.enis;
    most_addresses +=
        counted ? static_cast<double>(limits.enis) * limits.addresses_per_eni(options.prefixes) : 0;
    const auto own = core.store().stats(now.wall);
    stats.total += own.total;
    stats.assigned += own.assigned;
    stats.cooling += own.cooling;
    stats.unconfirmed += own.unconfirmed;
    stats.quarantined += own.quarantined;
  }
  metrics.set<Metric::awscni_eni_max>(most_enis);
  metrics.set<Metric::awscni_ip_max>(most_addresses);
  metrics.set<Metric::awscni_eni_allocated>(enis);
  metrics.set<Metric::awscni_total_ip_addresses>(census.total);
  metrics.set<Metric::awscni_assigned_ip_addresses>(census.assigned);
  metrics.set<Metric::awscni_total_ipv4_prefixes>(census.ipv4_prefixes);
  metrics.replace<Metric::awscni_assigned_ip_per_eni>(census.per_eni);
  if (!per_block) {
    census.per_block.clear();
  }
  metrics.replace<Metric::awscni_assigned_ip_per_cidr>(census.per_block);
  metrics.replace<Metric::vpccni_ips>({{{"assigned"}, static_cast<double>(stats.assigned)},
                                       {{"free"}, static_cast<double>(stats.ready())},
                                       {{"cooling"}, static_cast<double>(stats.cooling)},
                                       {{"unconfirmed"}, static_cast<double>(stats.unconfirmed)},
                                       {{"quarantined"}, static_cast<double>(stats.quarantined)}});
  metrics.set<Metric::vpccni_prefix_fill_ratio>(
      census.in_prefixes > 0 ? census.assigned_in_prefixes / census.in_prefixes : 0);
  show_quarantine(metrics, pools);
}

void count(Registry& metrics, const ipam::Report& report) {
  using Kind = ipam::Report::Kind;
  switch (report.kind) {
    case Kind::words_only:
      return;
    case Kind::block_added:
      metrics.add<Metric::awscni_reconcile_count>({"eniDataStorePoolReconcileAdd"});
      return;
    case Kind::block_removed:
      metrics.add<Metric::awscni_reconcile_count>({"eniIPPoolReconcileDel"});
      break;
    case Kind::eni_removed:
      metrics.add<Metric::awscni_reconcile_count>({"eniReconcileDel"});
      metrics.add<Metric::awscni_force_removed_enis>(report.pods > 0 ? 1 : 0);
      break;
  }
  metrics.add<Metric::awscni_force_removed_ips>(report.pods);
}

void count_operation(Registry& metrics, const ipam::Action& action,
                     const Result<ipam::Outcome>& outcome, base::Duration took) {
  const bool creates = std::holds_alternative<ipam::CreateEni>(action);
  if (outcome) {
    if (creates) {
      metrics.observe<Metric::vpccni_eni_attach_seconds>(seconds_of(took));
    }
  } else if (std::holds_alternative<ipam::Release>(action)) {
    count_error(metrics, "decreaseIPPool");
  } else if (std::holds_alternative<ipam::RemoveEni>(action)) {
    count_error(metrics, "decreaseIPPoolFreeENIFailed");
  } else if (!creates || aws::subnet_exhausted(outcome.error())) {
    count_error(metrics, "increaseIPPoolAllocIPAddressesFailed");
  }
}

void count(Registry& metrics, const ipam::Observed& observed) {
  if (!observed.same && (!observed.enis || observed.enis->empty())) {
    count_error(metrics, "reconcileFailedGetENIs");
  }
}

void show(Registry& metrics, const std::optional<Drift>& drift) {
  std::vector<metrics::Sample<2>> samples;
  if (drift) {
    samples = {{{"eni", "imds"}, static_cast<double>(drift->enis_only_imds)},
               {{"eni", "ec2"}, static_cast<double>(drift->enis_only_ec2)},
               {{"address", "imds"}, static_cast<double>(drift->addresses_only_imds)},
               {{"address", "ec2"}, static_cast<double>(drift->addresses_only_ec2)},
               {{"prefix", "imds"}, static_cast<double>(drift->prefixes_only_imds)},
               {{"prefix", "ec2"}, static_cast<double>(drift->prefixes_only_ec2)}};
  }
  metrics.replace<Metric::vpccni_imds_ec2_drift>(samples);
}

void count_adopted(Registry& metrics, bool done) {
  if (done) {
    metrics.add<Metric::awscni_reconcile_count>({"eniReconcileAdd"});
  } else {
    count_error(metrics, "eniReconcileAdd");
  }
}

void count_reuse(Registry& metrics, base::WallTime now, base::WallTime released) {
  if (released != base::WallTime{} && released <= now) {
    metrics.observe<Metric::vpccni_ip_reuse_age_seconds>(seconds_of(now - released));
  }
}

void count_add(Registry& metrics, base::Duration took) {
  metrics.observe<Metric::vpccni_add_seconds>(seconds_of(took), {"ok"});
}

void count_add(Registry& metrics, const FailedAdd& failed) {
  metrics.observe<Metric::vpccni_add_seconds>(seconds_of(failed.took), {"error"});
  metrics.add<Metric::vpccni_add_failures_total>({failed.reason});
  // Upstream counts that the pool had nothing; these had another reason.
  constexpr std::string_view kOther[] = {
      "CHECKPOINT_WRITE",   "MULTI_NIC_OFF", "INVALID_REQUEST", "BRANCH_ENI_PENDING",
      "BRANCH_ENI_INVALID", "TRUNK_MISSING", "POD_UNKNOWN",     "POD_ANNOTATION"};
  if (std::find(std::begin(kOther), std::end(kOther), failed.reason) == std::end(kOther)) {
    metrics.add<Metric::awscni_no_available_ip_addresses>();
  }
}

InProgress::InProgress(Registry& metrics, std::string_view fn) : metrics_(metrics), fn_(fn) {
  metrics_.adjust<Metric::awscni_ipamd_action_inprogress>(1, {fn_});
}

InProgress::~InProgress() {
  metrics_.adjust<Metric::awscni_ipamd_action_inprogress>(-1, {fn_});
}

std::string_view loop_of(const ipam::Action& action) {
  const bool shrinks = std::holds_alternative<ipam::Release>(action) ||
                       std::holds_alternative<ipam::RemoveEni>(action);
  return shrinks ? "decreaseDatastorePool" : "increaseDatastorePool";
}

}  // namespace vpccni::agent
