// The pages about pods and the pool that upstream does not have.
#include "agent/go_json.h"
#include "agent/introspect.h"

namespace vpccni::agent {

namespace {

using base::OrderedJson;

constexpr std::string_view kUnlisted = "EC2 lists the address on no ENI of this node";
constexpr std::string_view kKernelOnly = "only the kernel's routes know this pod";

/// Who a pod's interface is; shared by all pages.
OrderedJson identity(const ipam::PodKey& key, const ipam::PodInfo& pod, bool scrub) {
  return {{"namespace", pod.name_space},
          {"name", pod.name},
          {"containerID", scrub ? "" : key.container},
          {"ifName", scrub ? "" : key.ifname}};
}

OrderedJson counts(const ipam::Stats& stats) {
  return {{"total", stats.total},
          {"assigned", stats.assigned},
          {"free", stats.ready()},
          {"cooling", stats.cooling},
          {"unconfirmed", stats.unconfirmed},
          {"quarantined", stats.quarantined}};
}

double seconds_of(base::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

std::string pods_page(const Inspected& of) {
  OrderedJson pods = OrderedJson::array();
  for (const auto& held : of.pools.assignments()) {
    const auto& one = held.assignment;
    OrderedJson pod = identity(one.key, one.pod, of.scrub);
    pod["address"] = to_string(one.address);
    pod["eni"] = to_string(held.lease.eni);
    pod["table"] = held.lease.table.value();
    pod["since"] = go_time(one.since);
    pod["quarantined"] = of.pools.at(held.pool).store().quarantined().contains(one.address);
    if (of.pools.size() > 1) {
      pod["interface"] = held.interface;
    }
    pods.push_back(std::move(pod));
  }
  return base::dump_json(pods);
}

std::string quarantine_page(const Inspected& of) {
  OrderedJson all = OrderedJson::array();
  for (const auto& [address, held] : of.pools.quarantined()) {
    OrderedJson one = identity(held.key, held.pod, of.scrub);
    one["address"] = to_string(address);
    one["since"] = go_time(held.since);
    one["why"] = held.key.network == ipam::kRecoveredNetwork ? kKernelOnly : kUnlisted;
    all.push_back(std::move(one));
  }
  return base::dump_json(all);
}

std::string failures_page(const Inspected& of) {
  OrderedJson list = OrderedJson::array();
  const auto& kept = of.failed.kept();
  for (auto one = kept.rbegin(); one != kept.rend(); ++one) {
    OrderedJson failure = {{"time", go_time(one->at)},  {"reason", one->reason},
                           {"detail", one->detail},     {"tookSeconds", seconds_of(one->took)},
                           {"pool", counts(one->pool)}, {"doing", one->doing}};
    failure.update(identity(one->key, one->pod, of.scrub));
    list.push_back(std::move(failure));
  }
  return base::dump_json(OrderedJson{{"total", of.failed.total()}, {"failures", list}});
}

namespace {

OrderedJson plan_json(const Inspected& of, const ipam::Core& core) {
  const auto stats = core.store().stats(of.now.wall);
  const auto& targets = core.targets();
  OrderedJson cooling = OrderedJson::object();  // address: when it was released
  for (const auto& [address, released] : core.store().cooling(of.now.wall)) {
    cooling[to_string(address)] = go_time(released);
  }
  OrderedJson plan = {
      {"because", core.plan().because},
      {"running", core.plan().running.value_or("")},
      {"lastError", core.plan().last_error ? core.plan().last_error->message : ""},
      {"total", stats.total},
      {"assigned", stats.assigned},
      {"cooling", cooling},
      {"unconfirmed", stats.unconfirmed},
      {"quarantined", stats.quarantined},
      {"prefixes", stats.prefixes},
      {"freePrefixes", stats.free_prefixes},
      {"enis", core.store().enis().size()},
      {"maxEnis", core.limits().enis},
      {"addressesPerEni", core.limits().addresses_per_eni(core.store().options().prefixes)},
      {"warmEniTarget", targets.warm_enis},
      {"warmIpTarget", targets.warm_ips},
      {"minimumIpTarget", targets.minimum_ips},
      {"warmPrefixTarget", targets.warm_prefixes},
      {"maxPods", targets.max_pods}};
  return plan;
}

}  // namespace

/// Card 0's, and under "cards" those of the others, by number.
std::string plan_page(const Inspected& of) {
  OrderedJson plan = plan_json(of, of.pools.first());
  for (std::size_t pool = 1; pool < of.pools.size(); ++pool) {
    const auto& core = of.pools.at(pool);
    plan["cards"][to_string(core.store().options().card)] = plan_json(of, core);
  }
  return base::dump_json(plan);
}

}  // namespace vpccni::agent
