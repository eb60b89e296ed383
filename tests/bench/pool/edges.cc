#include "tests/bench/pool/edges.h"

#include <algorithm>

#include "tests/sim/eni_filter.h"
#include "tests/sim/waits.h"

namespace vpccni::pool {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr int kAttempts = 3;
constexpr int kRetryCost = 5;

/// From request to answer (spec aws.md 6.1 gives Create and Modify; the others are alike).
base::Duration latency(std::string_view action, sim::Random& random) {
  return is_describe(action) ? random.between(milliseconds(60), milliseconds(180))
         : action == "CreateNetworkInterface"
             ? random.between(milliseconds(300), milliseconds(500))
             : random.between(milliseconds(150), milliseconds(350));
}

}  // namespace

bool NodeClock::wait_until(base::SteadyTime until, std::stop_token stop) const {
  const auto wanted = sim::repeatable_wait(until - now().steady);
  // The jitter that repeatable_wait takes out comes back from the seed.
  site_.fibers.wait(wanted + site_.random.between(base::Duration{}, wanted / 8));
  return !stop.stop_requested();
}

// --- EC2

template <class T, class Work>
Result<T> NodeEc2::call(std::string_view action, Work work) {
  int paid = 0;
  for (int tried = 1;; ++tried) {
    const auto there_and_back = latency(action, site_.random);
    site_.fibers.wait(there_and_back / 2);
    const auto admitted = site_.account.admit(action, site_.instance);
    Result<T> result = admitted ? work(site_.fibers.now()) : Result<T>(admitted.error());
    site_.account.settle();
    site_.fibers.wait(there_and_back / 2);
    if (admitted) {
      quota_ = std::min(500, quota_ + std::max(paid, 1));
      return result;
    }
    if (tried == kAttempts || quota_ < kRetryCost) {
      return result;
    }
    quota_ -= paid = kRetryCost;
    site_.fibers.wait(site_.random.between(base::Duration{}, std::chrono::seconds(1 << tried)));
  }
}

Result<std::vector<aws::Eni>> NodeEc2::network_interfaces(const aws::EniFilter& filter) {
  return call<std::vector<aws::Eni>>(
      "DescribeNetworkInterfaces", [&](base::Instant now) -> Result<std::vector<aws::Eni>> {
        auto& model = site_.account.model();
        model.advance(now);
        std::vector<aws::Eni> found;
        for (const auto& id : filter.ids) {
          const auto* eni = model.find_eni(id);
          if (eni == nullptr) {
            return vpc::no_such_eni(id);
          }
          found.push_back(*eni);
        }
        if (filter.ids.empty()) {
          for (const auto& id : site_.enis) {
            if (const auto* eni = model.find_eni(id)) {
              found.push_back(*eni);
            }
          }
        }
        std::erase_if(found, [&](const auto& eni) { return !sim::passes(eni, filter); });
        return found;
      });
}

Result<std::vector<aws::Attachment>> NodeEc2::attachments(const net::InstanceId& instance) {
  return call<std::vector<aws::Attachment>>(
      "DescribeInstances", [&](base::Instant now) -> Result<std::vector<aws::Attachment>> {
        auto& model = site_.account.model();
        model.advance(now);
        std::vector<aws::Attachment> found;
        for (const auto& id : site_.enis) {
          const auto* eni = model.find_eni(id);
          if (eni != nullptr && eni->attachment && eni->attachment->instance == instance) {
            found.push_back(*eni->attachment);
          }
        }
        return found;
      });
}

Result<std::vector<aws::Subnet>> NodeEc2::subnets(const net::VpcId& vpc, const std::string& zone) {
  return call<std::vector<aws::Subnet>>(
      "DescribeSubnets", [&](base::Instant) -> Result<std::vector<aws::Subnet>> {
        std::vector<aws::Subnet> found;
        for (const auto& [id, subnet] : site_.account.model().subnets()) {
          if (subnet.vpc == vpc && subnet.availability_zone == zone) {
            found.push_back(subnet);
          }
        }
        return found;
      });
}

Result<aws::InstanceLimits> NodeEc2::instance_type(const std::string&) {
  return call<aws::InstanceLimits>(
      "DescribeInstanceTypes",
      [&](base::Instant) -> Result<aws::InstanceLimits> { return site_.account.limits(); });
}

Result<aws::Eni> NodeEc2::create(const aws::NewEni& wanted) {
  return call<aws::Eni>("CreateNetworkInterface", [&](base::Instant now) -> Result<aws::Eni> {
    vpc::NewInterface made;
    made.subnet = wanted.subnet;
    made.groups = wanted.groups;
    made.description = wanted.description;
    made.tags = wanted.tags;
    made.tracking = wanted.tracking;
    if (wanted.secondary_addresses > 0) {
      made.secondary_count = wanted.secondary_addresses;
    }
    if (wanted.prefixes > 0) {
      made.prefix_count = wanted.prefixes;
    }
    VPCCNI_TRY(const auto eni, site_.account.model().create_interface(made, now));
    site_.enis.insert(eni.id);
    return static_cast<const aws::Eni&>(eni);
  });
}

Result<net::AttachmentId> NodeEc2::attach(const net::EniId& eni, const net::InstanceId& instance,
                                          net::NetworkCard card, net::DeviceIndex device) {
  return call<net::AttachmentId>("AttachNetworkInterface", [&](base::Instant now) {
    return site_.account.model().attach(eni, instance, card, device, now);
  });
}

Result<> NodeEc2::delete_on_termination(const net::EniId& eni, const net::AttachmentId& id) {
  return call<void>("ModifyNetworkInterfaceAttribute", [&](base::Instant now) {
    return site_.account.model().set_delete_on_termination(eni, id, true, now);
  });
}

Result<> NodeEc2::set_groups(const net::EniId& eni,
                             const std::vector<net::SecurityGroupId>& groups) {
  return call<void>("ModifyNetworkInterfaceAttribute", [&](base::Instant now) {
    return site_.account.model().set_groups(eni, groups, now);
  });
}

Result<> NodeEc2::detach(const net::AttachmentId& id) {
  return call<void>("DetachNetworkInterface",
                    [&](base::Instant now) { return site_.account.model().detach(id, now); });
}

Result<> NodeEc2::remove(const net::EniId& eni) {
  return call<void>("DeleteNetworkInterface",
                    [&](base::Instant now) { return site_.account.model().remove(eni, now); });
}

Result<aws::Added> NodeEc2::assign_addresses(const net::EniId& eni, int count) {
  return call<aws::Added>("AssignPrivateIpAddresses", [&](base::Instant now) {
    return site_.account.model().assign({.eni = eni, .count = count}, now);
  });
}

Result<aws::Added> NodeEc2::assign_prefixes(const net::EniId& eni, int count) {
  return call<aws::Added>("AssignPrivateIpAddresses", [&](base::Instant now) {
    return site_.account.model().assign({.eni = eni, .prefix_count = count}, now);
  });
}

Result<aws::Added> NodeEc2::assign_ipv6_prefixes(const net::EniId& eni, int count) {
  return call<aws::Added>("AssignIpv6Addresses", [&](base::Instant now) {
    return site_.account.model().assign_ipv6(eni, 0, count, now);
  });
}

Result<> NodeEc2::unassign_addresses(const net::EniId& eni, const std::vector<net::Ip>& ips) {
  return call<void>("UnassignPrivateIpAddresses", [&](base::Instant now) {
    return site_.account.model().unassign(eni, ips, {}, now);
  });
}

Result<> NodeEc2::unassign_prefixes(const net::EniId& eni, const std::vector<net::Cidr>& which) {
  return call<void>("UnassignPrivateIpAddresses", [&](base::Instant now) {
    return site_.account.model().unassign(eni, {}, which, now);
  });
}

Result<> NodeEc2::unassign_ipv6_prefixes(const net::EniId& eni,
                                         const std::vector<net::Cidr>& which) {
  return call<void>("UnassignIpv6Addresses", [&](base::Instant now) {
    return site_.account.model().unassign_ipv6(eni, {}, which, now);
  });
}

Result<> NodeEc2::create_tags(const std::string& resource, const aws::Tags& tags) {
  return call<void>("CreateTags", [&](base::Instant now) {
    return site_.account.model().create_tags({resource}, tags, now);
  });
}

// --- IMDS

Result<aws::InstanceIdentity> NodeImds::identity() {
  site_.fibers.wait(site_.random.between(milliseconds(5), milliseconds(20)));
  const auto* instance = site_.account.model().find_instance(site_.instance);
  site_.enis.insert(instance->primary_eni);
  aws::InstanceIdentity identity;
  identity.id = instance->id;
  identity.type = instance->type;
  identity.region = site_.account.model().options().region;
  identity.availability_zone = instance->zone;
  identity.vpc = instance->vpc;
  identity.primary_mac = instance->primary_mac;
  identity.primary_eni = instance->primary_eni;
  identity.primary_subnet = instance->subnet;
  identity.local_ipv4 = instance->address;
  return identity;
}

Result<std::vector<aws::ImdsEni>> NodeImds::enis() {
  site_.fibers.wait(site_.random.between(milliseconds(2), milliseconds(15)));
  auto& model = site_.account.model();
  model.advance(site_.fibers.now());
  std::vector<aws::ImdsEni> enis;
  for (const auto& one : model.imds_enis(site_.instance, site_.fibers.now())) {
    aws::ImdsEni eni;
    eni.id = one.id;
    eni.mac = one.mac;
    eni.device = one.device.value_or(net::DeviceIndex());
    eni.card = one.card;
    eni.subnet = one.subnet;
    eni.addresses = one.addresses;
    eni.prefixes = one.prefixes;
    eni.subnet_ipv4 = model.find_subnet(one.subnet)->cidr;
    enis.push_back(std::move(eni));
  }
  return enis;
}

Result<std::vector<net::Cidr>> NodeImds::vpc_ipv4_cidrs(const net::Mac&) {
  site_.fibers.wait(site_.random.between(microseconds(500), milliseconds(3)));
  return site_.account.model().imds_vpc_cidrs(site_.instance, site_.fibers.now());
}

Result<std::vector<net::Cidr>> NodeImds::vpc_ipv6_cidrs(const net::Mac&) {
  return std::vector<net::Cidr>();
}

Result<std::vector<net::SecurityGroupId>> NodeImds::security_groups(const net::Mac& mac) {
  site_.fibers.wait(site_.random.between(microseconds(500), milliseconds(3)));
  for (const auto& one : site_.account.model().imds_enis(site_.instance, site_.fibers.now())) {
    if (one.mac == mac) {
      return one.groups;
    }
  }
  return Error{Errc::not_found, "IMDS does not list " + to_string(mac)};
}

Result<std::optional<std::string>> NodeImds::get(const std::string&) {
  return std::optional<std::string>();
}

// --- kernel

Result<podnet::EniTable> NodeKernel::route_table(net::NetworkCard, const net::Ip&,
                                                 net::DeviceIndex device, int) {
  return podnet::EniTable{device.value() == 0
                              ? net::kMainTable
                              : net::TableId(static_cast<std::uint32_t>(device.value() + 1))};
}

Result<> NodeKernel::set_up_eni(const podnet::EniNetwork& eni) {
  site_.fibers.wait(site_.random.between(microseconds(200), milliseconds(2)));
  auto& model = site_.account.model();
  model.advance(site_.fibers.now());
  const bool there = std::any_of(site_.enis.begin(), site_.enis.end(), [&](const auto& id) {
    const auto* known = model.find_eni(id);
    return known != nullptr && known->mac == eni.mac && known->attachment &&
           known->attachment->status == "attached";
  });
  if (!there) {
    return Error{Errc::not_found, "no link " + to_string(eni.mac), "ENODEV"};
  }
  state_.set_eni_rule(eni.ip, eni.table);
  return {};
}

Result<> NodeKernel::delete_rules_from(const net::Ip& source) {
  state_.delete_rules_from(source);
  return {};
}

Result<> NodeKernel::update_chains(const podnet::HostNetwork&) {
  return {};
}

Result<podnet::HostPods> NodeKernel::host_pods() {
  site_.fibers.wait(site_.random.between(microseconds(200), milliseconds(2)));
  return state_.host_pods();
}

}  // namespace vpccni::pool
