#include "metrics/registry.h"

#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "metrics/process.h"

namespace vpccni::metrics {

namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("every metric without labels is there with 0 from the start") {
  const Registry registry;
  const std::string text = registry.text();
  for (const Row& each : kTable) {
    const std::string name(each.name);
    if (each.label_count() > 0) {
      continue;
    }
    INFO(name);
    const bool plain = each.kind == Kind::counter || each.kind == Kind::gauge;
    CHECK(has_line(text, plain ? name + " 0" : name + "_count 0"));
  }
  CHECK(has_line(text, "awscni_connmark_reconcile_total{result=\"success\"} 0"));
  CHECK(text.find("awscni_ec2api_req_count") == std::string::npos);
}

TEST_CASE("names are unique and well formed") {
  std::set<std::string_view> names;
  for (const Row& each : kTable) {
    INFO(each.name);
    CHECK(names.insert(each.name).second);
    CHECK(each.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") ==
          std::string_view::npos);
    CHECK(each.buckets.empty() == (each.kind != Kind::histogram));
    CHECK(std::is_sorted(each.buckets.begin(), each.buckets.end()));
    CHECK_FALSE(each.help.empty());
  }
}

TEST_CASE("counters, gauges and their labels") {
  Registry registry;
  registry.add<Metric::awscni_ec2api_req_count>({"CreateTags"});
  registry.add<Metric::awscni_ec2api_req_count>({std::string("CreateTags")}, 2);
  registry.add<Metric::awscni_ec2api_req_count>({"CreateTags"}, -5);
  registry.set<Metric::awscni_assigned_ip_per_eni>(3, {"eni-1"});
  registry.adjust<Metric::awscni_assigned_ip_per_eni>(-1, {"eni-1"});
  registry.set<Metric::awscni_build_info>(1, {"v\"1\\\n", "none"});
  const std::string text = registry.text();
  CHECK(has_line(text, "# TYPE awscni_ec2api_req_count counter"));
  CHECK(has_line(text, "awscni_ec2api_req_count{fn=\"CreateTags\"} 3"));
  CHECK(has_line(text, "awscni_assigned_ip_per_eni{eni=\"eni-1\"} 2"));
  CHECK(has_line(text, R"(awscni_build_info{version="v\"1\\\n",goversion="none"} 1)"));
  CHECK(registry.value<Metric::awscni_ec2api_req_count>({"CreateTags"}) == 3.0);
  CHECK_FALSE(registry.value<Metric::awscni_ec2api_req_count>({"Other"}));

  registry.remove<Metric::awscni_assigned_ip_per_eni>({"eni-1"});
  CHECK(registry.text().find("awscni_assigned_ip_per_eni") == std::string::npos);
  registry.clear<Metric::awscni_ec2api_req_count>();
  CHECK_FALSE(registry.value<Metric::awscni_ec2api_req_count>({"CreateTags"}));
}

TEST_CASE("a histogram is cumulative and its bounds are inclusive") {
  Registry registry;
  registry.observe<Metric::awscni_ipamd_node_initialization_duration_seconds>(0.005, {"true"});
  registry.observe<Metric::awscni_ipamd_node_initialization_duration_seconds>(0.3, {"true"});
  registry.observe<Metric::awscni_ipamd_node_initialization_duration_seconds>(60, {"true"});
  const std::string text = registry.text();
  const std::string name = "awscni_ipamd_node_initialization_duration_seconds";
  CHECK(has_line(text, name + "_bucket{success=\"true\",le=\"0.005\"} 1"));
  CHECK(has_line(text, name + "_bucket{success=\"true\",le=\"0.25\"} 1"));
  CHECK(has_line(text, name + "_bucket{success=\"true\",le=\"0.5\"} 2"));
  CHECK(has_line(text, name + "_bucket{success=\"true\",le=\"10\"} 2"));
  CHECK(has_line(text, name + "_bucket{success=\"true\",le=\"+Inf\"} 3"));
  CHECK(has_line(text, name + "_sum{success=\"true\"} 60.305"));
  CHECK(has_line(text, name + "_count{success=\"true\"} 3"));
}

TEST_CASE("a summary has only its sum and count") {
  Registry registry;
  registry.observe<Metric::awscni_aws_api_latency_ms>(12, {"CreateTags", "false", "200"});
  registry.observe<Metric::awscni_aws_api_latency_ms>(30, {"CreateTags", "false", "200"});
  const std::string text = registry.text();
  const std::string labels = R"({api="CreateTags",error="false",status="200"})";
  CHECK(has_line(text, "# TYPE awscni_aws_api_latency_ms summary"));
  CHECK(has_line(text, "awscni_aws_api_latency_ms_sum" + labels + " 42"));
  CHECK(has_line(text, "awscni_aws_api_latency_ms_count" + labels + " 2"));
  CHECK(text.find("quantile") == std::string::npos);
  CHECK(registry.observations<Metric::awscni_aws_api_latency_ms>({"CreateTags", "false", "200"}) ==
        2);
}

TEST_CASE("the number of series is bounded") {
  Registry registry;
  for (std::size_t i = 0; i < kMaxSeries + 10; ++i) {
    registry.add<Metric::awscni_ipamd_error_count>({std::to_string(i)});
  }
  CHECK(registry.value<Metric::awscni_ipamd_error_count>({std::to_string(kMaxSeries - 1)}) == 1.0);
  CHECK_FALSE(registry.value<Metric::awscni_ipamd_error_count>({std::to_string(kMaxSeries)}));
}

TEST_CASE("threads may count and read at the same time") {
  Registry registry;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&registry] {
      for (int i = 0; i < 1000; ++i) {
        registry.add<Metric::awscni_add_ip_req_count>();
        registry.observe<Metric::vpccni_add_seconds>(0.001, {"ok"});
      }
    });
  }
  for (int i = 0; i < 10; ++i) {
    CHECK_FALSE(registry.text().empty());
  }
  threads.clear();
  CHECK(registry.value<Metric::awscni_add_ip_req_count>() == 4000.0);
  CHECK(registry.observations<Metric::vpccni_add_seconds>({"ok"}) == 4000);
}

TEST_CASE("process metrics") {
  const auto stat = parse_process_stat(
      "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 1 0 1234 8192 3 "
      "18446744073709551615");
  REQUIRE(stat);
  CHECK(stat->cpu_ticks == 200);
  CHECK(stat->start_ticks == 1234);
  CHECK(stat->virtual_bytes == 8192);
  CHECK(stat->resident_pages == 3);
  CHECK_FALSE(parse_process_stat("7 (a) S 1"));
  CHECK_FALSE(parse_process_stat(""));

  Registry registry;
  const std::string text = registry.expose();
  CHECK(registry.value<Metric::process_resident_memory_bytes>() > 100000.0);
  CHECK(registry.value<Metric::process_open_fds>() >= 3.0);
  CHECK(registry.value<Metric::process_max_fds>() > 3.0);
  CHECK(registry.value<Metric::process_start_time_seconds>() > 1e9);
  CHECK(has_line(text, "# TYPE process_cpu_seconds_total counter"));
}

}  // namespace vpccni::metrics
