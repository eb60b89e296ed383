#pragma once
// The names of all metrics as one enumeration. An enumerator is spelled as the name on the wire, so
// that one search finds code and dashboards. Their type, labels and help are the rows of table.h.

#include <cstddef>
#include <cstdint>

namespace vpccni::metrics {

enum class Metric : std::uint8_t {
  awscni_build_info,
  awscni_ipamd_error_count,
  awscni_ipamd_action_inprogress,
  awscni_eni_max,
  awscni_ip_max,
  awscni_reconcile_count,
  awscni_add_ip_req_count,
  awscni_del_ip_req_count,
  awscni_pod_eni_error_count,
  awscni_aws_api_latency_ms,
  awscni_aws_api_error_count,
  awscni_aws_utils_error_count,
  awscni_ec2api_req_count,
  awscni_ec2api_error_count,
  awscni_eni_allocated,
  awscni_total_ip_addresses,
  awscni_assigned_ip_addresses,
  awscni_total_ipv4_prefixes,
  awscni_force_removed_enis,
  awscni_force_removed_ips,
  awscni_assigned_ip_per_cidr,
  awscni_assigned_ip_per_eni,
  awscni_no_available_ip_addresses,
  awscni_ipamd_startup_duration_seconds,
  awscni_ipamd_node_initialization_duration_seconds,
  awscni_connmark_backend,
  awscni_connmark_reconcile_total,
  vpccni_add_seconds,
  vpccni_add_failures_total,
  vpccni_quarantined_ips,
  vpccni_dataplane_repairs_total,
  vpccni_imds_ec2_drift,
  vpccni_ec2_throttled_total,
  vpccni_ec2_backoff_seconds,
  vpccni_ec2_seconds,
  vpccni_subnet_free_ips,
  vpccni_ips,
  vpccni_ip_reuse_age_seconds,
  vpccni_prefix_fill_ratio,
  vpccni_eni_attach_seconds,
  vpccni_startup_seconds,
  vpccni_fips_ok,
  vpccni_np_enforce_seconds,
  vpccni_checkpoint_write_seconds,
  vpccni_doctor_findings,
  process_cpu_seconds_total,
  process_max_fds,
  process_open_fds,
  process_resident_memory_bytes,
  process_start_time_seconds,
  process_virtual_memory_bytes,
  process_virtual_memory_max_bytes,
  promhttp_metric_handler_requests_in_flight,
  promhttp_metric_handler_requests_total,
};

inline constexpr std::size_t kMetricCount =
    static_cast<std::size_t>(Metric::promhttp_metric_handler_requests_total) + 1;

}  // namespace vpccni::metrics
