// Upstream's store and pool manager against spec agent.md 4.2.1 (the trace), 11.1 and 11.3.

#include "tests/bench/pool/upstream_agent.h"

#include <catch2/catch.hpp>

namespace vpccni::pool {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

net::Ip ip(int last) {
  return net::Ip::v4((10U << 24U) + static_cast<std::uint32_t>(last));
}

/// A store with a clock. The first ENI that comes may have used addresses.
struct Shelf {
  explicit Shelf(bool prefixes, base::Duration cooldown = seconds(30))
      : store(prefixes, cooldown, random) {}
  void eni(const char* id, int first, int addresses, int used, bool primary = false) {
    store.add_eni(net::EniId(id), primary, ip(first - 1), now);
    for (int i = 0; i < addresses; ++i) {
      store.add_block(net::EniId(id), net::Cidr::host(ip(first + i)));
    }
    for (int i = 0; i < used; ++i) {
      store.assign(++pod, now);
    }
  }
  sim::Random random{1};
  UpstreamStore store;
  base::SteadyTime now{std::chrono::hours(1)};
  int pod = 0;
};

/// One m5.large on its own account; `work` runs as the agent's thread.
struct Bench {
  explicit Bench(const Targets& targets)
      : account({.nodes = 1, .type = "m5.large"}, time),
        fibers(std::make_unique<Fibers>(time)),
        agent(account, *fibers, time, targets, account.instances().front(), 1) {}
  ~Bench() { fibers.reset(); }
  template <class Work>
  void run(Work work) {
    bool done = false;
    fibers->start([&] {
      work();
      done = true;
    });
    time.pass(std::chrono::hours(1), [&] { return done; });
    REQUIRE(done);
  }
  void pass(base::Duration how_long) {
    time.pass(how_long, [] { return false; });
  }
  void pods(int count) {
    for (; assigned < count; ++assigned) {
      REQUIRE(agent.store().assign(assigned, time.now().steady));
    }
    while (assigned > count) {
      agent.store().unassign(--assigned, time.now().steady);
    }
  }
  int total() { return agent.store().counts().total; }
  int enis() { return static_cast<int>(agent.store().enis().size()); }
  std::uint64_t calls(const char* action) {
    const auto& all = account.books().calls;
    return all.contains(action) ? all.find(action)->second : 0;
  }

  sim::Timeline time;
  Account account;
  std::unique_ptr<Fibers> fibers;
  UpstreamAgent agent;
  int assigned = 0;
};

}  // namespace

TEST_CASE("upstream store: a prefix gives its addresses in order, a cooled one again") {
  Shelf shelf(true);
  const auto cidr = net::Cidr(ip(0), 28);
  shelf.store.add_eni(net::EniId("eni-1"), true, ip(100), shelf.now);
  shelf.store.add_block(net::EniId("eni-1"), cidr);
  for (int pod = 0; pod < 3; ++pod) {
    CHECK(shelf.store.assign(pod, shelf.now) == cidr.at(static_cast<std::uint64_t>(pod)));
  }
  CHECK(shelf.store.assign(1, shelf.now) == cidr.at(1));  // the same key
  shelf.store.unassign(1, shelf.now);
  CHECK(shelf.store.assign(3, shelf.now + seconds(30)) == cidr.at(3));
  CHECK(shelf.store.assign(4, shelf.now + seconds(31)) == cidr.at(1));
  CHECK(shelf.store.counts().total == 16);
  CHECK(shelf.store.counts().assigned == 4);
}

TEST_CASE("upstream store: a released address is counted free while it cools") {
  Shelf shelf(false);
  shelf.eni("eni-1", 1, 2, 2, true);
  shelf.store.unassign(shelf.pod, shelf.now);
  CHECK(shelf.store.counts().available() == 1);
  CHECK(shelf.store.cooling(shelf.now) == 1);
  CHECK_FALSE(shelf.store.assign(99, shelf.now));
  CHECK(shelf.store.freeable(net::EniId("eni-1")).size() == 1);  // cooling does not protect it
  CHECK(shelf.store.assign(99, shelf.now + seconds(31)));
}

TEST_CASE("upstream store: which ENI may be removed") {
  const auto remove = [](int warm, int minimum) {
    Shelf shelf(false);
    shelf.eni("eni-1", 10, 2, 2, true);
    shelf.eni("eni-2", 20, 2, 0);
    shelf.eni("eni-3", 30, 1, 0);
    shelf.now += minutes(2);
    const UpstreamTargets targets{.warm_ips = warm, .minimum_ips = minimum, .ips_per_eni = 9};
    const auto removed = shelf.store.remove_unused_eni(targets, shelf.now);
    return removed ? to_string(*removed) : "none";
  };
  CHECK(remove(3, 1) == "none");
  CHECK(remove(1, 5) == "none");
  CHECK(remove(2, 4) == "eni-3");

  Shelf young(false);
  young.eni("eni-1", 10, 1, 0, true);
  young.eni("eni-2", 20, 1, 0);
  CHECK_FALSE(young.store.remove_unused_eni({.ips_per_eni = 9}, young.now + seconds(59)));
  CHECK(young.store.remove_unused_eni({.ips_per_eni = 9}, young.now + seconds(60)));
}

TEST_CASE("upstream agent: the trace of 4.2.1 with WARM_ENI_TARGET=1") {
  Bench bench({});
  bench.run([&] { REQUIRE(bench.agent.set_up()); });
  CHECK(bench.total() == 9);
  const auto step = [&](int pods, int total, int enis) {
    CAPTURE(pods);
    bench.pods(pods);
    bench.pass(minutes(2));  // past cooldown, ENI age and every pause
    bench.run([&] { bench.agent.update_pool(); });
    CHECK(bench.total() == total);
    CHECK(bench.enis() == enis);
  };
  step(1, 18, 2);
  step(9, 18, 2);
  step(10, 27, 3);
  step(19, 27, 3);
  step(0, 18, 2);
  step(0, 9, 1);
  step(0, 9, 1);
}

TEST_CASE("upstream agent: warm IPs are got one by one and released no sooner than 30 s") {
  Bench bench({.warm_ips = 5});
  bench.run([&] { REQUIRE(bench.agent.set_up()); });
  CHECK(bench.total() == 5);
  bench.pods(1);
  bench.run([&] { bench.agent.update_pool(); });
  CHECK(bench.total() == 6);
  bench.run([&] { bench.agent.update_pool(); });
  CHECK(bench.calls("AssignPrivateIpAddresses") == 2);  // at start, and for the pod
  bench.pods(0);
  bench.run([&] { bench.agent.update_pool(); });
  CHECK(bench.total() == 5);  // although one cools
  bench.pods(3);
  bench.run([&] { bench.agent.update_pool(); });
  bench.pods(0);
  bench.run([&] { bench.agent.update_pool(); });
  CHECK(bench.total() == 8);
  bench.pass(seconds(31));
  bench.run([&] { bench.agent.update_pool(); });
  CHECK(bench.total() == 5);
}

TEST_CASE("upstream agent: a full primary means an ENI with what is short") {
  Bench bench({.warm_ips = 5});
  bench.run([&] { REQUIRE(bench.agent.set_up()); });
  bench.pods(4);
  bench.run([&] { bench.agent.update_pool(); });
  CHECK(bench.total() == 9);
  bench.pods(6);
  bench.run([&] { bench.agent.update_pool(); });
  CHECK(bench.total() == 11);
  CHECK(bench.enis() == 2);
}

TEST_CASE("upstream agent: a full subnet pauses growth for 120 s after the ENI failed too") {
  Bench bench({.warm_ips = 5});
  bench.run([&] { REQUIRE(bench.agent.set_up()); });
  const auto subnet = bench.account.model().subnets().begin()->first;
  bench.account.model().edit_subnet(subnet)->full = true;
  bench.pods(1);
  bench.run([&] { bench.agent.update_pool(); });
  CHECK(bench.calls("AssignPrivateIpAddresses") == 3);  // what is short, then one
  CHECK(bench.calls("CreateNetworkInterface") == 1);
  bench.pass(seconds(100));
  bench.run([&] { bench.agent.update_pool(); });
  CHECK(bench.calls("AssignPrivateIpAddresses") == 3);
  bench.account.model().edit_subnet(subnet)->full = false;
  bench.pass(seconds(25));
  bench.run([&] { bench.agent.update_pool(); });
  CHECK(bench.total() == 6);
}

TEST_CASE("upstream agent: an address at the ENI's limit is read back from EC2") {
  Bench bench({.warm_ips = 5});
  bench.run([&] { REQUIRE(bench.agent.set_up()); });
  const auto eni = bench.agent.store().enis().begin()->first;
  REQUIRE(bench.account.model().assign({.eni = eni, .count = 4}, bench.time.now()));
  bench.pods(1);
  bench.run([&] { bench.agent.update_pool(); });
  CHECK(bench.total() == 9);
}

TEST_CASE("upstream agent: prefixes, and what reconcile does with what others changed") {
  Bench bench({.prefixes = true, .warm_ips = 5, .max_pods = 110});
  bench.run([&] { REQUIRE(bench.agent.set_up()); });
  CHECK(bench.agent.store().counts().prefixes == 1);
  bench.pods(12);
  bench.run([&] { bench.agent.update_pool(); });
  CHECK(bench.agent.store().counts().prefixes == 2);
  const auto eni = bench.agent.store().enis().begin()->first;
  REQUIRE(bench.account.model().assign({.eni = eni, .prefix_count = 1}, bench.time.now()));
  bench.run([&] { bench.agent.reconcile(); });
  CHECK(bench.agent.store().counts().prefixes == 2);  // 60 s after an action at the earliest
  bench.pass(seconds(61));
  bench.run([&] { bench.agent.reconcile(); });
  CHECK(bench.agent.store().counts().prefixes == 3);
  bench.run([&] { bench.agent.update_pool(); });
  CHECK(bench.agent.store().counts().prefixes == 2);
  CHECK(bench.agent.lost_pods() == 0);
}

}  // namespace vpccni::pool
