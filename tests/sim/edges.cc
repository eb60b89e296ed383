#include "tests/sim/edges.h"

#include <algorithm>
#include <iterator>

#include "tests/sim/controller.h"
#include "tests/sim/eni_filter.h"
#include "tests/sim/mutations.h"
#include "tests/sim/oracle.h"
#include "tests/sim/process.h"
#include "tests/sim/waits.h"

namespace vpccni::sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kClientTimeout = seconds(10);

Error gone() {
  return {Errc::unavailable, "no answer"};
}

template <class Items>
std::string listed(const net::EniId& eni, const Items& items) {
  std::string text = to_string(eni);
  for (const auto& one : items) {
    text += " " + to_string(one);
  }
  return text;
}

}  // namespace

bool ProcessClock::wait_until(base::SteadyTime until, std::stop_token stop) const {
  return process_.pass(repeatable_wait(until - now().steady), stop);
}

// --- EC2

template <class T, class Work>
Result<T> ProcessEc2::call(const char* action, const std::string& what, Work work) {
  auto& random = world_.random;
  if (world_.storm && random.chance(world_.odds.call_fault)) {
    const std::vector<vpc::FaultKind> kinds = {vpc::FaultKind::throttle, vpc::FaultKind::fail,
                                               vpc::FaultKind::lose_answer, vpc::FaultKind::cut,
                                               vpc::FaultKind::black_hole};
    world_.model.faults().add({.kind = random.pick(kinds), .action = action, .times = 1});
  }
  if (!process_.pass(random.between(milliseconds(2), milliseconds(80)), {}) ||
      process_.boundary(action)) {
    return gone();
  }
  const auto plan = world_.model.faults().plan(action, world_.instance, world_.now());
  Result<T> result = plan.refusal ? Result<T>(*plan.refusal) : Result<T>(gone());
  if (std::string_view(action).rfind("Describe", 0) != 0) {
    world_.oracle->changes_ec2(action);
  }
  if (plan.works()) {
    result = work(world_.now());
    world_.remember_enis();
    world_.oracle->check_ec2();
  }
  world_.journal.say([&] {
    std::string line = std::string("  ec2 ") + action + " " + what + ": ";
    line += result ? "done" : result.error().cause + " " + result.error().message;
    return line + (plan.ending ? ", then " + std::string(to_string(plan.ending->kind)) : "");
  });
  if (process_.boundary(action) ||
      !process_.pass(random.between(milliseconds(2), milliseconds(80)) + plan.delay, {})) {
    return gone();
  }
  if (plan.ending) {
    switch (plan.ending->kind) {
      case vpc::FaultKind::black_hole:
        (void)process_.pass(kClientTimeout, {});
        return Error{Errc::timeout, std::string(action) + ": no answer in 10 s"};
      case vpc::FaultKind::garbage:
        return Error{Errc::corrupt, std::string(action) + ": the answer is no XML"};
      case vpc::FaultKind::slow_drip:
        break;
      default:
        return Error{Errc::unavailable, std::string(action) + ": the connection was cut"};
    }
  }
  return result;
}

Result<std::vector<aws::Eni>> ProcessEc2::network_interfaces(const aws::EniFilter& filter) {
  const std::string what = filter.ids.empty() ? "" : to_string(filter.ids.front());
  return call<std::vector<aws::Eni>>(
      "DescribeNetworkInterfaces", what, [&](base::Instant) -> Result<std::vector<aws::Eni>> {
        const auto listed = world_.listed_enis();
        std::vector<aws::Eni> found;
        for (const auto& id : filter.ids) {
          if (!listed.contains(id)) {
            return vpc::no_such_eni(id);
          }
        }
        for (const auto& [id, eni] : listed) {
          const bool wanted = filter.ids.empty() || std::find(filter.ids.begin(), filter.ids.end(),
                                                              id) != filter.ids.end();
          if (wanted && passes(eni, filter)) {
            found.push_back(as_told(world_, eni));
          }
        }
        return found;
      });
}

Result<std::vector<aws::Attachment>> ProcessEc2::attachments(const net::InstanceId& instance) {
  return call<std::vector<aws::Attachment>>(
      "DescribeInstances", to_string(instance),
      [&](base::Instant) -> Result<std::vector<aws::Attachment>> {
        std::vector<aws::Attachment> found;
        for (const auto& [id, eni] : world_.listed_enis()) {
          if (eni.attachment && eni.attachment->instance == instance) {
            found.push_back(*eni.attachment);
          }
        }
        return found;
      });
}

Result<std::vector<aws::Subnet>> ProcessEc2::subnets(const net::VpcId& vpc,
                                                     const std::string& zone) {
  return call<std::vector<aws::Subnet>>(
      "DescribeSubnets", zone, [&](base::Instant) -> Result<std::vector<aws::Subnet>> {
        std::vector<aws::Subnet> found;
        for (const auto& [id, subnet] : world_.model.subnets()) {
          if (subnet.vpc == vpc && subnet.availability_zone == zone) {
            found.push_back(subnet);
          }
        }
        return found;
      });
}

Result<aws::InstanceLimits> ProcessEc2::instance_type(const std::string& type) {
  return call<aws::InstanceLimits>(
      "DescribeInstanceTypes", type,
      [&](base::Instant) -> Result<aws::InstanceLimits> { return world_.limits; });
}

Result<aws::Eni> ProcessEc2::create(const aws::NewEni& wanted) {
  return call<aws::Eni>("CreateNetworkInterface",
                        std::to_string(wanted.secondary_addresses + wanted.prefixes),
                        [&](base::Instant now) -> Result<aws::Eni> {
                          vpc::NewInterface made;
                          world_.oracle->chose_subnet(wanted.subnet);
                          made.subnet = wanted.subnet;
                          made.groups = wanted.groups;
                          made.description = wanted.description;
                          made.tags = wanted.tags;
                          made.tracking = wanted.tracking;
                          made.ipv6_count = wanted.ipv6_addresses;
                          if (wanted.secondary_addresses > 0) {
                            made.secondary_count = wanted.secondary_addresses;
                          }
                          if (wanted.prefixes > 0) {
                            made.prefix_count = wanted.prefixes;
                          }
                          VPCCNI_TRY(const auto eni, world_.model.create_interface(made, now));
                          return static_cast<const aws::Eni&>(eni);
                        });
}

Result<net::AttachmentId> ProcessEc2::attach(const net::EniId& eni, const net::InstanceId& instance,
                                             net::NetworkCard card, net::DeviceIndex device) {
  return call<net::AttachmentId>("AttachNetworkInterface", to_string(eni), [&](base::Instant now) {
    auto attached = world_.model.attach(eni, instance, card, device, now);
    if (attached && card == net::NetworkCard(0) && world_.controller) {
      world_.controller->agent_attached();
    }
    return attached;
  });
}

Result<> ProcessEc2::delete_on_termination(const net::EniId& eni, const net::AttachmentId& id) {
  return call<void>("ModifyNetworkInterfaceAttribute", to_string(eni), [&](base::Instant now) {
    return world_.model.set_delete_on_termination(eni, id, true, now);
  });
}

Result<> ProcessEc2::set_groups(const net::EniId& eni,
                                const std::vector<net::SecurityGroupId>& groups) {
  return call<void>("ModifyNetworkInterfaceAttribute", to_string(eni),
                    [&](base::Instant now) { return world_.model.set_groups(eni, groups, now); });
}

Result<> ProcessEc2::detach(const net::AttachmentId& id) {
  return call<void>("DetachNetworkInterface", to_string(id),
                    [&](base::Instant now) { return world_.model.detach(id, now); });
}

Result<> ProcessEc2::remove(const net::EniId& eni) {
  return call<void>("DeleteNetworkInterface", to_string(eni),
                    [&](base::Instant now) { return world_.model.remove(eni, now); });
}

Result<aws::Added> ProcessEc2::assign_addresses(const net::EniId& eni, int count) {
  return call<aws::Added>(
      "AssignPrivateIpAddresses", to_string(eni) + " " + std::to_string(count),
      [&](base::Instant now) { return world_.model.assign({.eni = eni, .count = count}, now); });
}

Result<> ProcessEc2::unassign_addresses(const net::EniId& eni, const std::vector<net::Ip>& ips) {
  return call<void>("UnassignPrivateIpAddresses", listed(eni, ips),
                    [&](base::Instant now) { return world_.model.unassign(eni, ips, {}, now); });
}

Result<aws::Added> ProcessEc2::assign_prefixes(const net::EniId& eni, int count) {
  return call<aws::Added>("AssignPrivateIpAddresses",
                          to_string(eni) + " prefixes " + std::to_string(count),
                          [&](base::Instant now) {
                            return world_.model.assign({.eni = eni, .prefix_count = count}, now);
                          });
}

Result<aws::Added> ProcessEc2::assign_ipv6_prefixes(const net::EniId& eni, int count) {
  return call<aws::Added>(
      "AssignIpv6Addresses", to_string(eni) + " " + std::to_string(count),
      [&](base::Instant now) { return world_.model.assign_ipv6(eni, 0, count, now); });
}

Result<> ProcessEc2::unassign_prefixes(const net::EniId& eni, const std::vector<net::Cidr>& which) {
  return call<void>("UnassignPrivateIpAddresses", listed(eni, which),
                    [&](base::Instant now) { return world_.model.unassign(eni, {}, which, now); });
}

Result<> ProcessEc2::unassign_ipv6_prefixes(const net::EniId& eni,
                                            const std::vector<net::Cidr>& which) {
  return call<void>("UnassignIpv6Addresses", listed(eni, which), [&](base::Instant now) {
    return world_.model.unassign_ipv6(eni, {}, which, now);
  });
}

Result<> ProcessEc2::create_tags(const std::string& resource, const aws::Tags& tags) {
  return call<void>("CreateTags", resource, [&](base::Instant now) {
    return world_.model.create_tags({resource}, tags, now);
  });
}

// --- IMDS

Result<std::vector<vpc::ImdsEni>> ProcessImds::shown() {
  if (!process_.pass(world_.random.between(microseconds(300), milliseconds(5)), {})) {
    return gone();
  }
  auto& faults = world_.model.imds_faults(world_.instance);
  if (faults.down || faults.black_hole) {
    return Error{Errc::unavailable, "IMDS: connection refused"};
  }
  if (faults.unavailable > 0) {
    --faults.unavailable;
    return Error{Errc::unavailable, "IMDS: HTTP 503"};
  }
  world_.model.advance(world_.now());
  return world_.model.imds_enis(world_.instance, world_.now());
}

Result<aws::InstanceIdentity> ProcessImds::identity() {
  VPCCNI_CHECK([&]() -> Result<> {
    VPCCNI_TRY(const auto unused, shown());
    (void)unused;
    return {};
  }());
  const auto* instance = world_.model.find_instance(world_.instance);
  aws::InstanceIdentity identity;
  identity.id = instance->id;
  identity.type = instance->type;
  identity.region = world_.model.options().region;
  identity.availability_zone = instance->zone;
  identity.vpc = instance->vpc;
  identity.primary_mac = instance->primary_mac;
  identity.primary_eni = instance->primary_eni;
  identity.primary_subnet = instance->subnet;
  identity.local_ipv4 = instance->address;
  return identity;
}

Result<std::vector<aws::ImdsEni>> ProcessImds::enis() {
  VPCCNI_TRY(const auto all, shown());
  std::vector<aws::ImdsEni> enis;
  for (const auto& one : all) {
    if (!one.device) {
      return Error{Errc::unavailable, "IMDS: " + to_string(one.mac) + " has no device-number"};
    }
    aws::ImdsEni eni;
    eni.id = one.id;
    eni.mac = one.mac;
    eni.device = *one.device;
    eni.card = one.card;
    eni.subnet = one.subnet;
    eni.addresses = one.addresses;
    eni.prefixes = one.prefixes;
    eni.ipv6_addresses = one.ipv6_addresses;
    eni.ipv6_prefixes = one.ipv6_prefixes;
    eni.subnet_ipv4 = world_.model.find_subnet(one.subnet)->cidr;
    eni.subnet_ipv6 = world_.model.find_subnet(one.subnet)->ipv6;
    enis.push_back(std::move(eni));
  }
  return enis;
}

Result<std::vector<net::Cidr>> ProcessImds::vpc_ipv4_cidrs(const net::Mac&) {
  VPCCNI_TRY(const auto unused, shown());
  (void)unused;
  return world_.model.imds_vpc_cidrs(world_.instance, world_.now());
}

Result<std::vector<net::Cidr>> ProcessImds::vpc_ipv6_cidrs(const net::Mac&) {
  return std::vector<net::Cidr>();
}

Result<std::vector<net::SecurityGroupId>> ProcessImds::security_groups(const net::Mac& mac) {
  VPCCNI_TRY(const auto all, shown());
  for (const auto& one : all) {
    if (one.mac == mac) {
      return one.groups;
    }
  }
  return Error{Errc::not_found, "IMDS does not list " + to_string(mac)};
}

Result<std::optional<std::string>> ProcessImds::get(const std::string&) {
  return std::optional<std::string>();
}

// --- kernel

Result<> ProcessKernel::enter(const char* what) {
  if (!process_.pass(world_.random.between(microseconds(50), microseconds(800)), {}) ||
      process_.boundary(what)) {
    return gone();
  }
  return {};
}

Result<podnet::EniTable> ProcessKernel::route_table(net::NetworkCard card, const net::Ip&,
                                                    net::DeviceIndex device, int) {
  VPCCNI_CHECK(enter("kernel route_table"));
  return podnet::EniTable{table_of(card, device)};
}

Result<> ProcessKernel::set_up_eni(const podnet::EniNetwork& eni) {
  VPCCNI_CHECK(enter("kernel set_up_eni"));
  world_.model.advance(world_.now());
  const auto& all = world_.model.enis();
  const bool there = std::any_of(all.begin(), all.end(), [&](const auto& one) {
    const auto& attachment = one.second.attachment;
    return one.second.mac == eni.mac && attachment && attachment->instance == world_.instance &&
           attachment->status != "attaching";
  });
  if (!there) {
    return Error{Errc::not_found, "no link " + to_string(eni.mac), "ENODEV"};
  }
  world_.kernel.set_eni_rule(eni.ip, eni.table);
  return {};
}

Result<> ProcessKernel::delete_rules_from(const net::Ip& source) {
  VPCCNI_CHECK(enter("kernel delete_rules_from"));
  world_.kernel.delete_rules_from(source);
  return {};
}

Result<> ProcessKernel::update_chains(const podnet::HostNetwork&) {
  return enter("kernel update_chains");
}

Result<podnet::HostPods> ProcessKernel::host_pods() {
  VPCCNI_CHECK(enter("kernel host_pods"));
  if (world_.storm && world_.random.chance(world_.odds.kernel_fails)) {
    return Error{Errc::unavailable, "the dump was interrupted"};
  }
  auto pods = world_.kernel.host_pods();
  if (world_.mutant(Mutant::recover_branches)) {
    pods.tables.clear();
  }
  const bool blind =
      world_.mutant(Mutant::release_in_use) || world_.mutant(Mutant::leftovers_in_use);
  if (blind && process_.releasing()) {
    pods.routes.clear();
    pods.ruled.clear();
  }
  return pods;
}

}  // namespace vpccni::sim
