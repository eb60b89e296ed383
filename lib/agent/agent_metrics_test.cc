// What is shown of the pool and what is counted, at its moment (spec agent.md 7.2, users.md 2.6).
#include "agent/agent_metrics.h"

#include <catch2/catch.hpp>
#include <random>

#include "agent/start_times.h"

namespace vpccni::agent {
namespace {

using metrics::Metric;
using metrics::Registry;
using std::chrono::seconds;

net::Ip ip(const std::string& text) {
  return *net::Ip::parse(text);
}

net::Cidr cidr(const std::string& text) {
  return *net::Cidr::parse(text);
}

ipam::EniFacts eni(const std::string& id, int device) {
  ipam::EniFacts facts;
  facts.id = net::EniId(id);
  facts.primary = device == 0;
  facts.device = net::DeviceIndex(device);
  return facts;
}

/// A core whose disk works and whose pool stays as it is.
struct Pool {
  Pool() {
    core.on(ipam::Terminating{}, now);
    core.on(ipam::EniReady{eni("eni-1", 0), {cidr("10.0.0.20/32"), cidr("10.0.0.21/32")}}, now);
    core.on(ipam::EniReady{eni("eni-2", 1), {cidr("10.0.0.30/32")}}, now);
  }
  static ipam::CoreOptions options() {
    ipam::CoreOptions options;
    options.limits = {3, 9};
    return options;
  }
  void turn() {
    for (bool wrote = true; wrote;) {
      wrote = false;
      for (const auto& effect : core.take_effects(now)) {
        if (const auto* write = std::get_if<ipam::WriteCheckpoint>(&effect)) {
          core.on(ipam::CheckpointWritten{write->serial, std::nullopt}, now);
          wrote = true;
        }
      }
    }
  }
  void add(const std::string& pod) {
    core.on(ipam::PodAdd{1, {"aws-cni", pod, "eth0"}, {"default", pod, 1}}, now);
    turn();
  }
  void del(const std::string& pod) {
    core.on(ipam::PodDel{2, {"aws-cni", pod, "eth0"}}, now);
    turn();
  }
  void show() { show_pool(registry, pools, now, true); }

  base::Instant now{base::SteadyTime(seconds(1000)), base::WallTime(seconds(1700000000))};
  ipam::Pools pools{options(), now};
  ipam::Core& core = pools.first();
  Registry registry;
};

struct FakeClock final : base::Clock {
  base::Instant now() const override { return at; }
  bool wait_until(base::SteadyTime, std::stop_token) const override { return true; }
  base::Instant at{};
};

}  // namespace

TEST_CASE("the pool's gauges are what the store holds") {
  Pool pool;
  pool.add("a");
  pool.add("b");
  pool.add("c");
  pool.del("b");
  pool.show();
  const auto& registry = pool.registry;
  CHECK(registry.value<Metric::awscni_eni_max>() == 3.0);
  CHECK(registry.value<Metric::awscni_ip_max>() == 27.0);
  CHECK(registry.value<Metric::awscni_eni_allocated>() == 2.0);
  CHECK(registry.value<Metric::awscni_total_ip_addresses>() == 3.0);
  CHECK(registry.value<Metric::awscni_assigned_ip_addresses>() == 2.0);
  CHECK(registry.value<Metric::awscni_total_ipv4_prefixes>() == 0.0);
  CHECK(registry.value<Metric::awscni_assigned_ip_per_eni>({"eni-1"}) == 1.0);
  CHECK(registry.value<Metric::awscni_assigned_ip_per_eni>({"eni-2"}) == 1.0);
  CHECK(registry.value<Metric::awscni_assigned_ip_per_cidr>({"10.0.0.20/32"}) == 1.0);
  CHECK(registry.value<Metric::awscni_assigned_ip_per_cidr>({"10.0.0.21/32"}) == 0.0);
  CHECK(registry.value<Metric::vpccni_ips>({"assigned"}) == 2.0);
  CHECK(registry.value<Metric::vpccni_ips>({"free"}) == 0.0);
  CHECK(registry.value<Metric::vpccni_ips>({"cooling"}) == 1.0);
  CHECK(registry.value<Metric::vpccni_ips>({"quarantined"}) == 0.0);
  CHECK(registry.value<Metric::vpccni_ips>({"unconfirmed"}) == 0.0);
  CHECK(registry.value<Metric::vpccni_prefix_fill_ratio>() == 0.0);

  show_pool(pool.registry, pool.pools, pool.now, false);
  CHECK_FALSE(registry.value<Metric::awscni_assigned_ip_per_cidr>({"10.0.0.20/32"}));
}

TEST_CASE("prefixes: addresses of both families, what of them is used") {
  Pool pool;
  pool.core.on(ipam::EniReady{eni("eni-3", 2), {cidr("10.0.0.32/28"), cidr("2001:db8::/80")}},
               pool.now);
  pool.show();
  CHECK(pool.registry.value<Metric::awscni_total_ipv4_prefixes>() == 1.0);
  CHECK(pool.registry.value<Metric::awscni_total_ip_addresses>() == 3.0 + 16 + 281474976710656.0);
  CHECK(pool.registry.value<Metric::vpccni_ips>({"free"}) == 3.0);  // of the mode's kind

  ipam::CoreOptions options = Pool::options();
  options.store.prefixes = true;
  ipam::Pools pools(options, pool.now);
  auto& core = pools.first();
  core.on(ipam::Terminating{}, pool.now);
  core.on(ipam::EniReady{eni("eni-1", 0), {cidr("10.0.0.32/28")}}, pool.now);
  core.on(ipam::PodAdd{1, {"aws-cni", "c", "eth0"}, {"default", "p", 1}}, pool.now);
  show_pool(pool.registry, pools, pool.now, true);
  CHECK(pool.registry.value<Metric::awscni_ip_max>() == 3.0 * 9 * 16);
  CHECK(pool.registry.value<Metric::vpccni_prefix_fill_ratio>() == 1.0 / 16);
  CHECK(pool.registry.value<Metric::awscni_assigned_ip_per_cidr>({"10.0.0.32/28"}) == 1.0);
}

TEST_CASE("quarantined addresses by what is known of them") {
  Pool pool;
  pool.core.restore(
      {{{"aws-cni", "c", "eth0"}, {"d", "p", 1}, ip("10.9.0.1"), pool.now.wall}},
      {{ip("10.9.0.2"), "eni1"}, {ip("10.9.0.3"), "eni2"}}, {},
      [](const ipam::Assignment&) { return true; }, pool.now);
  pool.show();
  CHECK(pool.registry.value<Metric::vpccni_quarantined_ips>({"not_in_ec2"}) == 1.0);
  CHECK(pool.registry.value<Metric::vpccni_quarantined_ips>({"kernel_only"}) == 2.0);
  CHECK(pool.registry.value<Metric::vpccni_ips>({"quarantined"}) == 3.0);
}

TEST_CASE("whatever pods come and go, no gauge is negative and the parts make the whole") {
  const unsigned seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  Pool pool;
  for (int i = 0; i < 200; ++i) {
    const std::string pod = std::to_string(random() % 5);
    random() % 2 == 0 ? pool.add(pod) : pool.del(pod);
    pool.now = pool.now + seconds(random() % 20);
    pool.show();
    const auto ips = [&](std::string_view state) {
      const auto value = pool.registry.value<Metric::vpccni_ips>({state});
      REQUIRE(value);
      REQUIRE(*value >= 0);
      return *value;
    };
    const double assigned = *pool.registry.value<Metric::awscni_assigned_ip_addresses>();
    const double total = *pool.registry.value<Metric::awscni_total_ip_addresses>();
    CHECK(assigned <= total);
    CHECK(ips("assigned") == assigned);
    CHECK(ips("assigned") + ips("free") + ips("cooling") == total);
    CHECK(*pool.registry.value<Metric::awscni_assigned_ip_per_eni>({"eni-1"}) +
              *pool.registry.value<Metric::awscni_assigned_ip_per_eni>({"eni-2"}) ==
          assigned);
  }
}

TEST_CASE("reconcile's reports are counted, forced removals among them") {
  Registry registry;
  using Kind = ipam::Report::Kind;
  const auto tell = [&](Kind kind, int pods) {
    ipam::Report report;
    report.kind = kind;
    report.pods = pods;
    count(registry, report);
  };
  tell(Kind::words_only, 0);
  tell(Kind::block_added, 0);
  tell(Kind::block_removed, 0);
  tell(Kind::block_removed, 1);
  tell(Kind::eni_removed, 0);
  tell(Kind::eni_removed, 4);
  const auto reconciled = [&](std::string_view fn) {
    return registry.value<Metric::awscni_reconcile_count>({fn});
  };
  CHECK(reconciled("eniDataStorePoolReconcileAdd") == 1.0);
  CHECK(reconciled("eniIPPoolReconcileDel") == 2.0);
  CHECK(reconciled("eniReconcileDel") == 2.0);
  CHECK(registry.value<Metric::awscni_force_removed_enis>() == 1.0);
  CHECK(registry.value<Metric::awscni_force_removed_ips>() == 5.0);

  count_adopted(registry, true);
  CHECK(reconciled("eniReconcileAdd") == 1.0);
  CHECK_FALSE(registry.value<Metric::awscni_ipamd_error_count>({"eniReconcileAdd"}));
  count_adopted(registry, false);
  CHECK(registry.value<Metric::awscni_ipamd_error_count>({"eniReconcileAdd"}) == 1.0);
}

TEST_CASE("operations that fail, and the time of a new ENI") {
  Registry registry;
  const auto errors = [&](std::string_view fn) {
    return registry.value<Metric::awscni_ipamd_error_count>({fn}).value_or(0);
  };
  const ipam::Action actions[] = {ipam::AssignAddresses{}, ipam::Release{}, ipam::CreateEni{},
                                  ipam::RemoveEni{}};
  for (const auto& action : actions) {
    count_operation(registry, action, Error{Errc::internal, "no"}, seconds(1));
  }
  CHECK(errors("increaseIPPoolAllocIPAddressesFailed") == 1);
  CHECK(errors("decreaseIPPool") == 1);
  CHECK(errors("decreaseIPPoolFreeENIFailed") == 1);
  count_operation(registry, ipam::CreateEni{},
                  Error{Errc::exhausted, "full", "InsufficientFreeAddressesInSubnet"}, seconds(1));
  CHECK(errors("increaseIPPoolAllocIPAddressesFailed") == 2);

  count_operation(registry, ipam::AssignAddresses{}, ipam::Outcome(ipam::Grown{}), seconds(1));
  CHECK(registry.value<Metric::vpccni_eni_attach_seconds>() == 0.0);
  count_operation(registry, ipam::CreateEni{}, ipam::Outcome(ipam::EniReady{}), seconds(3));
  CHECK(registry.value<Metric::vpccni_eni_attach_seconds>() == 3.0);

  ipam::Observed observed;
  count(registry, observed);
  observed.enis = std::vector<ipam::ObservedEni>{};
  count(registry, observed);
  observed.enis = std::vector<ipam::ObservedEni>(1);
  count(registry, observed);
  CHECK(errors("reconcileFailedGetENIs") == 2);
  observed.enis->clear();
  observed.same = true;  // IMDS showed nothing new, EC2 was not asked
  count(registry, observed);
  CHECK(errors("reconcileFailedGetENIs") == 2);
}

TEST_CASE("ADDs: their time, their reasons, the age of what they got") {
  Registry registry;
  const base::WallTime now{seconds(1000)};
  count_add(registry, seconds(2));
  CHECK(registry.value<Metric::vpccni_add_seconds>({"ok"}) == 2.0);
  count_reuse(registry, now, {});
  CHECK(registry.value<Metric::vpccni_ip_reuse_age_seconds>() == 0.0);
  count_reuse(registry, now, base::WallTime(seconds(900)));
  CHECK(registry.value<Metric::vpccni_ip_reuse_age_seconds>() == 100.0);
  count_reuse(registry, now, base::WallTime(seconds(5000)));  // a clock that was wrong
  CHECK(registry.value<Metric::vpccni_ip_reuse_age_seconds>() == 100.0);

  for (const auto* reason : {"POOL_COOLING", "ENI_LIMIT", "CHECKPOINT_WRITE", "MULTI_NIC_OFF"}) {
    FailedAdd failed;
    failed.reason = reason;
    failed.took = seconds(1);
    count_add(registry, failed);
    CHECK(registry.value<Metric::vpccni_add_failures_total>({reason}) == 1.0);
  }
  CHECK(registry.value<Metric::vpccni_add_seconds>({"error"}) == 4.0);
  CHECK(registry.value<Metric::awscni_no_available_ip_addresses>() == 2.0);
}

TEST_CASE("work under way is counted up and down") {
  Registry registry;
  const auto running = [&] {
    return registry.value<Metric::awscni_ipamd_action_inprogress>({"increaseDatastorePool"});
  };
  CHECK_FALSE(running());
  {
    const InProgress outer(registry, loop_of(ipam::CreateEni{}));
    const InProgress inner(registry, loop_of(ipam::AssignAddresses{}));
    CHECK(running() == 2.0);
  }
  CHECK(running() == 0.0);
  CHECK(loop_of(ipam::RemoveEni{}) == "decreaseDatastorePool");
  CHECK(loop_of(ipam::Release{}) == "decreaseDatastorePool");
}

TEST_CASE("drift between IMDS and EC2") {
  const std::vector<ipam::ObservedEni> ec2 = {
      {eni("eni-1", 0), {cidr("10.0.0.20/32"), cidr("10.0.0.21/32")}},
      {eni("eni-2", 1), {cidr("10.0.0.32/28")}}};
  const std::vector<net::EniId> known = {net::EniId("eni-1"), net::EniId("eni-3")};
  CHECK(find_drift(ec2, ec2, known) == Drift{});
  // eni-2 is not in IMDS yet, eni-3 still is, eni-4 is not ours; a block each way on eni-1.
  const auto drift = find_drift(ec2,
                                {{eni("eni-1", 0), {cidr("10.0.0.20/32"), cidr("10.0.0.64/28")}},
                                 {eni("eni-3", 1), {}},
                                 {eni("eni-4", 2), {cidr("10.0.0.99/32")}}},
                                known);
  CHECK(drift == Drift{.enis_only_imds = 1,
                       .enis_only_ec2 = 1,
                       .addresses_only_imds = 0,
                       .addresses_only_ec2 = 1,
                       .prefixes_only_imds = 1,
                       .prefixes_only_ec2 = 0});
  Registry registry;
  show(registry, drift);
  CHECK(registry.value<Metric::vpccni_imds_ec2_drift>({"eni", "imds"}) == 1.0);
  show(registry, Drift{});
  CHECK(registry.value<Metric::vpccni_imds_ec2_drift>({"address", "ec2"}) == 0.0);
  show(registry, std::nullopt);
  CHECK_FALSE(registry.value<Metric::vpccni_imds_ec2_drift>({"address", "ec2"}));
}

TEST_CASE("the start: each step, the node's initialisation, and all of it") {
  Registry registry;
  FakeClock clock;
  StartTimes times(registry, clock);
  CHECK(registry.value<Metric::awscni_ipamd_action_inprogress>({"nodeInit"}) == 1.0);
  times.step("one");
  clock.at = clock.at + seconds(2);
  times.step("two");
  clock.at = clock.at + seconds(3);
  times.initialized();
  clock.at = clock.at + seconds(1);
  times.serving(true);
  CHECK(registry.value<Metric::vpccni_startup_seconds>({"one"}) == 2.0);
  CHECK(registry.value<Metric::vpccni_startup_seconds>({"two"}) == 3.0);
  CHECK(registry.value<Metric::awscni_ipamd_node_initialization_duration_seconds>({"true"}) == 5.0);
  CHECK(registry.value<Metric::awscni_ipamd_startup_duration_seconds>({"true", "true", ""}) == 6.0);
  CHECK(registry.value<Metric::awscni_ipamd_action_inprogress>({"nodeInit"}) == 0.0);
}

TEST_CASE("what does not change while the process runs") {
  Registry registry;
  show_build(registry, "1.2.3");
  CHECK(registry.value<Metric::awscni_build_info>({"1.2.3", "none"}) == 1.0);
  CHECK(registry.value<Metric::awscni_connmark_backend>({"iptables"}) == 1.0);
}

TEST_CASE("the pools of several cards are counted together (Q6)") {
  std::vector<std::unique_ptr<ipam::Core>> cores;
  const base::Instant now{base::SteadyTime(seconds(1000)), base::WallTime(seconds(1700000000))};
  for (int card = 0; card < 2; ++card) {
    auto options = Pool::options();
    options.store.card = net::NetworkCard(card);
    cores.push_back(std::make_unique<ipam::Core>(options, now));
    const std::string base = "10.0." + std::to_string(card) + ".";
    cores.back()->on(
        ipam::EniReady{eni("eni-" + base, 0), {cidr(base + "20/32"), cidr(base + "21/32")}}, now);
  }
  const ipam::Pools pools(std::move(cores));
  Registry registry;
  show_pool(registry, pools, now, true);
  CHECK(registry.value<Metric::awscni_eni_max>() == 6.0);
  CHECK(registry.value<Metric::awscni_eni_allocated>() == 2.0);
  CHECK(registry.value<Metric::awscni_total_ip_addresses>() == 4.0);
  CHECK(registry.value<Metric::vpccni_ips>({"free"}) == 4.0);
}

}  // namespace vpccni::agent
