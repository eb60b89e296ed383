#pragma once
// Every metric that the agent shows, one row each: exact name, type, labels, buckets, help. Pure
// data, known to the compiler, so that a wrong number of labels does not build. The awscni_* rows
// are upstream's contract; vpccni_* are ours and additive; process_* and promhttp_* are what
// upstream's Prometheus client shows. Longer than a header should be because it is a table.

#include <array>
#include <span>
#include <string_view>

#include "metrics/metric.h"

namespace vpccni::metrics {

enum class Kind : std::uint8_t { counter, gauge, histogram, summary };

inline constexpr std::size_t kMaxLabels = 3;

struct Row {
  Metric id;
  Kind kind;
  std::string_view name;
  std::array<std::string_view, kMaxLabels> labels;  // unused places are empty
  std::span<const double> buckets;                  // histograms only: ascending, without +Inf
  std::string_view help;

  constexpr std::size_t label_count() const {
    std::size_t count = 0;
    while (count < kMaxLabels && !labels[count].empty()) {
      ++count;
    }
    return count;
  }
};

// The default buckets of the Go client, which upstream's two histograms have.
inline constexpr double kDefaultBuckets[] = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
// From a tenth of a millisecond: work inside this node.
inline constexpr double kFastBuckets[] = {.0001, .00025, .0005, .001, .0025, .005, .01,
                                          .025,  .05,    .1,    .25,  .5,    1,    5};
// Up to a minute and a half: work of EC2.
inline constexpr double kSlowBuckets[] = {.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 45, 90};
// Around the two times that matter for reuse: upstream's cooldown, 30 s, and the kernel's time-out
// of a connection attempt, 120 s.
inline constexpr double kAgeBuckets[] = {30, 45, 60, 90, 120, 130, 180, 300, 900, 3600, 14400};

// clang-format off
inline constexpr Row kTable[] = {
    {Metric::awscni_build_info, Kind::gauge, "awscni_build_info", {"version", "goversion"}, {}, "A constant 1, labelled with the version of the agent"},
    {Metric::awscni_ipamd_error_count, Kind::counter, "awscni_ipamd_error_count", {"fn"}, {}, "Errors of the agent by the function that met them"},
    {Metric::awscni_ipamd_action_inprogress, Kind::gauge, "awscni_ipamd_action_inprogress", {"fn"}, {}, "Work that is under way now"},
    {Metric::awscni_eni_max, Kind::gauge, "awscni_eni_max", {}, {}, "ENIs that the agent may have on this node"},
    {Metric::awscni_ip_max, Kind::gauge, "awscni_ip_max", {}, {}, "Addresses that this node can have for pods"},
    {Metric::awscni_reconcile_count, Kind::counter, "awscni_reconcile_count", {"fn"}, {}, "Corrections made by the reconcile"},
    {Metric::awscni_add_ip_req_count, Kind::counter, "awscni_add_ip_req_count", {}, {}, "AddNetwork requests"},
    {Metric::awscni_del_ip_req_count, Kind::counter, "awscni_del_ip_req_count", {"reason"}, {}, "DelNetwork requests by the reason sent"},
    {Metric::awscni_pod_eni_error_count, Kind::counter, "awscni_pod_eni_error_count", {"fn"}, {}, "Errors with branch ENIs"},
    {Metric::awscni_aws_api_latency_ms, Kind::summary, "awscni_aws_api_latency_ms", {"api", "error", "status"}, {}, "Time taken by AWS calls in milliseconds"},
    {Metric::awscni_aws_api_error_count, Kind::counter, "awscni_aws_api_error_count", {"api", "error"}, {}, "AWS calls that failed, by the error code of the API"},
    {Metric::awscni_aws_utils_error_count, Kind::counter, "awscni_aws_utils_error_count", {"fn", "error"}, {}, "Work on AWS objects that failed, by the error code of the API"},
    {Metric::awscni_ec2api_req_count, Kind::counter, "awscni_ec2api_req_count", {"fn"}, {}, "Requests to EC2"},
    {Metric::awscni_ec2api_error_count, Kind::counter, "awscni_ec2api_error_count", {"fn"}, {}, "Requests to EC2 that failed"},
    {Metric::awscni_eni_allocated, Kind::gauge, "awscni_eni_allocated", {}, {}, "ENIs in the data store"},
    {Metric::awscni_total_ip_addresses, Kind::gauge, "awscni_total_ip_addresses", {}, {}, "Addresses in the data store"},
    {Metric::awscni_assigned_ip_addresses, Kind::gauge, "awscni_assigned_ip_addresses", {}, {}, "Addresses assigned to pods"},
    {Metric::awscni_total_ipv4_prefixes, Kind::gauge, "awscni_total_ipv4_prefixes", {}, {}, "IPv4 prefixes in the data store"},
    {Metric::awscni_force_removed_enis, Kind::counter, "awscni_force_removed_enis", {}, {}, "ENIs taken out of the data store while pods used them"},
    {Metric::awscni_force_removed_ips, Kind::counter, "awscni_force_removed_ips", {}, {}, "Addresses taken out of the data store while pods used them"},
    {Metric::awscni_assigned_ip_per_cidr, Kind::gauge, "awscni_assigned_ip_per_cidr", {"cidr"}, {}, "Addresses assigned to pods, by block"},
    {Metric::awscni_assigned_ip_per_eni, Kind::gauge, "awscni_assigned_ip_per_eni", {"eni"}, {}, "Addresses assigned to pods, by ENI"},
    {Metric::awscni_no_available_ip_addresses, Kind::counter, "awscni_no_available_ip_addresses", {}, {}, "Times that the pool had no address for a pod"},
    {Metric::awscni_ipamd_startup_duration_seconds, Kind::histogram, "awscni_ipamd_startup_duration_seconds", {"success", "with_api_server", "failure_reason"}, kDefaultBuckets, "Time from the start of the agent until it serves"},
    {Metric::awscni_ipamd_node_initialization_duration_seconds, Kind::histogram, "awscni_ipamd_node_initialization_duration_seconds", {"success"}, kDefaultBuckets, "Time that the node took to initialise"},
    {Metric::awscni_connmark_backend, Kind::gauge, "awscni_connmark_backend", {"backend"}, {}, "1 for the backend that holds the connection mark rules"},
    {Metric::awscni_connmark_reconcile_total, Kind::counter, "awscni_connmark_reconcile_total", {"result"}, {}, "Turns of the connection mark reconcile"},
    {Metric::vpccni_add_seconds, Kind::histogram, "vpccni_add_seconds", {"result"}, kFastBuckets, "Time from an AddNetwork request to its reply"},
    {Metric::vpccni_add_failures_total, Kind::counter, "vpccni_add_failures_total", {"reason"}, {}, "Failed AddNetwork requests by reason"},
    {Metric::vpccni_quarantined_ips, Kind::gauge, "vpccni_quarantined_ips", {"reason"}, {}, "Addresses held back because their state is unknown"},
    {Metric::vpccni_dataplane_repairs_total, Kind::counter, "vpccni_dataplane_repairs_total", {"object"}, {}, "Kernel objects that were missing and have been put back"},
    {Metric::vpccni_imds_ec2_drift, Kind::gauge, "vpccni_imds_ec2_drift", {"kind", "side"}, {}, "ENIs and blocks of the pool that only this one of IMDS and EC2 lists"},
    {Metric::vpccni_ec2_throttled_total, Kind::counter, "vpccni_ec2_throttled_total", {"api"}, {}, "EC2 requests refused for their rate"},
    {Metric::vpccni_ec2_backoff_seconds, Kind::gauge, "vpccni_ec2_backoff_seconds", {"api"}, {}, "Pause of EC2 requests after throttled answers, for those that describe and those that mutate; 0 is none"},
    {Metric::vpccni_ec2_seconds, Kind::histogram, "vpccni_ec2_seconds", {"api", "result"}, kSlowBuckets, "Time taken by EC2 requests"},
    {Metric::vpccni_subnet_free_ips, Kind::gauge, "vpccni_subnet_free_ips", {"subnet"}, {}, "Free addresses of the subnet as EC2 last said"},
    {Metric::vpccni_ips, Kind::gauge, "vpccni_ips", {"state"}, {}, "Addresses of the pool by state: assigned, free, cooling, quarantined"},
    {Metric::vpccni_ip_reuse_age_seconds, Kind::histogram, "vpccni_ip_reuse_age_seconds", {}, kAgeBuckets, "Time between the release of an address and its next use"},
    {Metric::vpccni_prefix_fill_ratio, Kind::gauge, "vpccni_prefix_fill_ratio", {}, {}, "Part of the prefixes' addresses that pods use; 0 without prefixes"},
    {Metric::vpccni_eni_attach_seconds, Kind::histogram, "vpccni_eni_attach_seconds", {}, kSlowBuckets, "Time that a new ENI took, from the first call until its link is usable"},
    {Metric::vpccni_startup_seconds, Kind::gauge, "vpccni_startup_seconds", {"step"}, {}, "Time taken by each step of the start"},
    {Metric::vpccni_fips_ok, Kind::gauge, "vpccni_fips_ok", {"provider", "version"}, {}, "1 if the start's check of the cryptographic module passed; 0 if none was required"},
    {Metric::vpccni_np_enforce_seconds, Kind::histogram, "vpccni_np_enforce_seconds", {"result"}, kFastBuckets, "Time that the network policy agent took to answer"},
    {Metric::vpccni_checkpoint_write_seconds, Kind::histogram, "vpccni_checkpoint_write_seconds", {}, kFastBuckets, "Time taken by durable writes of the checkpoint"},
    {Metric::vpccni_doctor_findings, Kind::gauge, "vpccni_doctor_findings", {"id", "severity"}, {}, "Findings of the last check-up"},
    {Metric::process_cpu_seconds_total, Kind::counter, "process_cpu_seconds_total", {}, {}, "User and system CPU time spent in seconds"},
    {Metric::process_max_fds, Kind::gauge, "process_max_fds", {}, {}, "Maximum number of open file descriptors"},
    {Metric::process_open_fds, Kind::gauge, "process_open_fds", {}, {}, "Number of open file descriptors"},
    {Metric::process_resident_memory_bytes, Kind::gauge, "process_resident_memory_bytes", {}, {}, "Resident memory size in bytes"},
    {Metric::process_start_time_seconds, Kind::gauge, "process_start_time_seconds", {}, {}, "Start time of the process since the Unix epoch in seconds"},
    {Metric::process_virtual_memory_bytes, Kind::gauge, "process_virtual_memory_bytes", {}, {}, "Virtual memory size in bytes"},
    {Metric::process_virtual_memory_max_bytes, Kind::gauge, "process_virtual_memory_max_bytes", {}, {}, "Maximum amount of virtual memory available in bytes"},
    {Metric::promhttp_metric_handler_requests_in_flight, Kind::gauge, "promhttp_metric_handler_requests_in_flight", {}, {}, "Current number of scrapes being served"},
    {Metric::promhttp_metric_handler_requests_total, Kind::counter, "promhttp_metric_handler_requests_total", {"code"}, {}, "Total number of scrapes by HTTP status code"},
};
// clang-format on

constexpr const Row& row(Metric metric) {
  return kTable[static_cast<std::size_t>(metric)];
}

constexpr bool table_follows_enumeration() {
  std::size_t place = 0;
  for (const Row& each : kTable) {
    if (static_cast<std::size_t>(each.id) != place++) {
      return false;
    }
  }
  return place == kMetricCount;
}
static_assert(table_follows_enumeration());

}  // namespace vpccni::metrics
