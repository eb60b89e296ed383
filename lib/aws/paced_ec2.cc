#include "aws/paced_ec2.h"

#include <random>

namespace vpccni::aws {

namespace {

double random_part() {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0.0, 1.0)(random);
}

Error too_long(std::string_view name, base::Duration left) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(left).count();
  return {Errc::throttled, "ec2: calls that " + std::string(name) +
                               " pause after throttled answers; the next may go in " +
                               std::to_string(seconds) + " s"};
}

}  // namespace

PacedEc2::PacedEc2(Ec2& inner, const base::Clock& clock, PacedOptions options)
    : inner_(inner),
      clock_(clock),
      options_(std::move(options)),
      describe_{"describe", Pace(options_.describe)},
      mutate_{"mutate", Pace(options_.mutate)} {
  if (!options_.chance) {
    options_.chance = random_part;
  }
}

Result<> PacedEc2::wait(Class& which) {
  const auto begin = clock_.now().steady;
  for (auto now = begin;; now = clock_.now().steady) {
    base::SteadyTime at;
    {
      const std::lock_guard lock(pace_mutex_);
      at = which.pace.admit(now);
    }
    if (at <= now) {
      return {};
    }
    if (at - begin > options_.longest_wait) {
      return too_long(which.name, at - now);
    }
    if (!clock_.wait_until(at, options_.stop)) {
      return Error{Errc::unavailable, "ec2: stopped while waiting for the rate limit"};
    }
  }
}

void PacedEc2::note(Class& which, const Error* error) {
  const bool throttled = error != nullptr && error->code == Errc::throttled;
  const bool no_answer =
      error != nullptr && (error->code == Errc::unavailable || error->code == Errc::timeout);
  if (no_answer) {
    return;
  }
  base::Duration before;
  base::Duration after;
  {
    const std::lock_guard lock(pace_mutex_);
    before = which.pace.pause();
    if (throttled) {
      which.pace.throttled(clock_.now().steady, options_.chance());
    } else {
      which.pace.answered();
    }
    after = which.pace.pause();
  }
  if (options_.metrics != nullptr && before != after) {
    options_.metrics->set<metrics::Metric::vpccni_ec2_backoff_seconds>(
        std::chrono::duration<double>(after).count(), {which.name});
  }
}

template <class Call>
auto PacedEc2::paced(Class& which, Call call) -> decltype(call()) {
  VPCCNI_CHECK(wait(which));
  auto result = call();
  note(which, result ? nullptr : &result.error());
  return result;
}

Result<std::vector<Eni>> PacedEc2::network_interfaces(const EniFilter& filter) {
  return paced(describe_, [&] { return inner_.network_interfaces(filter); });
}

Result<std::vector<Attachment>> PacedEc2::attachments(const net::InstanceId& instance) {
  return paced(describe_, [&] { return inner_.attachments(instance); });
}

Result<std::vector<Subnet>> PacedEc2::subnets(const net::VpcId& vpc, const std::string& zone) {
  return paced(describe_, [&] { return inner_.subnets(vpc, zone); });
}

Result<InstanceLimits> PacedEc2::instance_type(const std::string& type) {
  return paced(describe_, [&] { return inner_.instance_type(type); });
}

Result<Eni> PacedEc2::create(const NewEni& wanted) {
  return paced(mutate_, [&] { return inner_.create(wanted); });
}

Result<net::AttachmentId> PacedEc2::attach(const net::EniId& eni, const net::InstanceId& instance,
                                           net::NetworkCard card, net::DeviceIndex device) {
  return paced(mutate_, [&] { return inner_.attach(eni, instance, card, device); });
}

Result<> PacedEc2::delete_on_termination(const net::EniId& eni, const net::AttachmentId& id) {
  return paced(mutate_, [&] { return inner_.delete_on_termination(eni, id); });
}

Result<> PacedEc2::set_groups(const net::EniId& eni,
                              const std::vector<net::SecurityGroupId>& groups) {
  return paced(mutate_, [&] { return inner_.set_groups(eni, groups); });
}

Result<> PacedEc2::detach(const net::AttachmentId& id) {
  return paced(mutate_, [&] { return inner_.detach(id); });
}

Result<> PacedEc2::remove(const net::EniId& eni) {
  return paced(mutate_, [&] { return inner_.remove(eni); });
}

Result<Added> PacedEc2::assign_addresses(const net::EniId& eni, int count) {
  return paced(mutate_, [&] { return inner_.assign_addresses(eni, count); });
}

Result<Added> PacedEc2::assign_prefixes(const net::EniId& eni, int count) {
  return paced(mutate_, [&] { return inner_.assign_prefixes(eni, count); });
}

Result<Added> PacedEc2::assign_ipv6_prefixes(const net::EniId& eni, int count) {
  return paced(mutate_, [&] { return inner_.assign_ipv6_prefixes(eni, count); });
}

Result<> PacedEc2::unassign_addresses(const net::EniId& eni, const std::vector<net::Ip>& ips) {
  return paced(mutate_, [&] { return inner_.unassign_addresses(eni, ips); });
}

Result<> PacedEc2::unassign_prefixes(const net::EniId& eni, const std::vector<net::Cidr>& which) {
  return paced(mutate_, [&] { return inner_.unassign_prefixes(eni, which); });
}

Result<> PacedEc2::unassign_ipv6_prefixes(const net::EniId& eni,
                                          const std::vector<net::Cidr>& which) {
  return paced(mutate_, [&] { return inner_.unassign_ipv6_prefixes(eni, which); });
}

Result<> PacedEc2::create_tags(const std::string& resource, const Tags& tags) {
  return paced(mutate_, [&] { return inner_.create_tags(resource, tags); });
}

}  // namespace vpccni::aws
