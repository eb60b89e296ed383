#include "tests/bench/pool/upstream_agent.h"

#include <algorithm>

#include "agent/node.h"

namespace vpccni::pool {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kPrefixSize = 16;
constexpr auto kInstanceTag = "node.k8s.amazonaws.com/instance_id";

}  // namespace

UpstreamAgent::UpstreamAgent(Account& account, Fibers& fibers, sim::Timeline& time,
                             const Targets& targets, const net::InstanceId& instance,
                             std::uint64_t seed)
    : time_(time),
      site_{account, fibers, sim::Random(seed), instance, {}},
      ec2_(site_),
      imds_(site_),
      cooldown_(targets.cooldown),
      limits_(account.limits()) {
  const int slots = limits_.ipv4_per_eni - 1;
  targets_.prefixes = targets.prefixes;
  targets_.warm_enis = targets.warm_enis;
  targets_.warm_ips = targets.warm_ips;
  targets_.minimum_ips = targets.minimum_ips;
  targets_.warm_prefixes = targets.warm_prefixes;
  targets_.max_pods = targets.max_pods > 0 ? targets.max_pods : agent::default_max_pods(limits_);
  targets_.ips_per_eni = targets.prefixes ? kPrefixSize * slots : slots;
  targets_.prefixes_per_eni = targets.prefixes ? slots : 0;
}

void UpstreamAgent::start(std::function<void()> ready) {
  site_.fibers.start([this, ready = std::move(ready)] {
    for (int failures = 0; !set_up();) {
      site_.fibers.wait(seconds(1) + restart_delay(++failures));
    }
    site_.fibers.start([this] { run(); });
    ready();
  });
}

/// The pool manager (4.1). The fiber ends with the simulation.
void UpstreamAgent::run() {
  for (;;) {
    site_.fibers.wait(milliseconds(2500));
    update_pool();
    site_.fibers.wait(milliseconds(2500));
    reconcile();
  }
}

// --- pods

void UpstreamAgent::add(int pod, std::function<void(const AddAnswer&)> answer) {
  time_.after(microseconds(500), [this, pod, done = std::move(answer)] {
    if (const auto ip = store_->assign(pod, now())) {
      done(*ip);
      return;
    }
    done(store_->cooling(now()) > 0 ? "POOL_COOLING" : "POOL_EMPTY");
  });
}

void UpstreamAgent::del(int pod) {
  time_.after(microseconds(500), [this, pod] { store_->unassign(pod, now()); });
}

// --- start (1.3)

bool UpstreamAgent::set_up() {
  const auto identity = imds_.identity();
  const auto shown = imds_.enis();
  if (!identity || !shown || !imds_.vpc_ipv4_cidrs(identity->primary_mac)) {
    return false;
  }
  identity_ = *identity;
  store_.emplace(targets_.prefixes, cooldown_, site_.random);
  const auto enis = describe_all(*shown);
  if (!enis || !tag_untagged(*enis)) {
    return false;
  }
  for (const auto& eni : *shown) {
    set_up_eni(eni);
  }
  for (const auto& eni : *shown) {  // 11: what the other mode left; none on a fresh node
    std::vector<net::Cidr> other;
    for (const auto& [cidr, block] : store_->enis().at(eni.id).blocks) {
      if (block.prefix != targets_.prefixes) {
        other.push_back(cidr);
      }
    }
    release(eni.id, other);
  }
  const auto groups = imds_.security_groups(identity_.primary_mac);
  if (!groups) {
    return false;
  }
  groups_ = *groups;
  for (const auto& [id, eni] : store_->enis()) {
    (void)ec2_.set_groups(id, groups_);  // errors never stop it
  }
  return !too_low(targets_, store_->counts()) || increase();
}

/// 5.4: up to 12 tries; an ENI that EC2 does not know is dropped from the question.
Result<std::vector<aws::Eni>> UpstreamAgent::describe_all(const std::vector<aws::ImdsEni>& shown) {
  aws::EniFilter filter;
  for (const auto& eni : shown) {
    filter.ids.push_back(eni.id);
  }
  for (int tried = 0;; ++tried) {
    auto enis = ec2_.network_interfaces(filter);
    if (enis || tried == 11) {
      return enis;
    }
    if (enis.error().code == Errc::not_found) {
      std::erase_if(filter.ids, [&](const auto& id) {
        return enis.error().message.find(to_string(id)) != std::string::npos;
      });
      continue;
    }
    site_.fibers.wait(milliseconds(10) * tried);
  }
}

template <class Attempt>
auto UpstreamAgent::retry(const Tries& policy, Attempt attempt) -> decltype(attempt()) {
  auto current = policy.first;
  for (int tried = 1;; ++tried) {
    auto result = attempt();
    if (result || tried == policy.tries) {
      return result;
    }
    const auto jitter = std::chrono::duration_cast<base::Duration>(current * policy.jitter);
    site_.fibers.wait(current + site_.random.between(base::Duration{}, jitter));
    current = std::min<base::Duration>(seconds(60), current * 2);
  }
}

bool UpstreamAgent::tag_untagged(const std::vector<aws::Eni>& enis) {
  return std::all_of(enis.begin(), enis.end(), [&](const aws::Eni& eni) {
    if (eni.tags.contains(kInstanceTag)) {
      return true;
    }
    const aws::Tags tags = {{kInstanceTag, to_string(identity_.id)},
                            {"cluster.k8s.amazonaws.com/name", "cluster"},
                            {"eks:eni:owner", "amazon-vpc-cni"}};
    return retry({milliseconds(500), 0.3, 5},
                 [&] { return ec2_.create_tags(to_string(eni.id), tags); })
        .has_value();
  });
}

/// 1.5.
void UpstreamAgent::set_up_eni(const aws::ImdsEni& eni) {
  const auto primary = eni.addresses.empty() ? net::Ip() : eni.addresses.front();
  store_->add_eni(eni.id, eni.device.value() == 0, primary, now());
  for (const auto& ip : eni.addresses) {
    if (ip != primary) {
      store_->add_block(eni.id, net::Cidr::host(ip));
    }
  }
  for (const auto& prefix : eni.prefixes) {
    store_->add_block(eni.id, prefix);
  }
}

// --- a new ENI (4.6)

Result<> UpstreamAgent::add_eni() {
  const int count = wanted_for_new_eni(targets_, store_->counts());
  if (count <= 0) {
    return {};
  }
  const auto id = allocate_eni(count);
  if (!id) {
    const auto& cause = id.error().cause;
    if (cause == "InsufficientCidrBlocks" || cause == "InsufficientFreeAddressesInSubnet") {
      exhausted_ = now();
    }
    return id.error();
  }
  VPCCNI_CHECK(wait_for(*id, count));
  VPCCNI_TRY(const auto shown, imds_.enis());
  for (const auto& eni : shown) {
    if (eni.id == *id) {
      set_up_eni(eni);
    }
  }
  return {};
}

/// 4.9: DescribeSubnets; only the primary's subnet is tagged for use here. A failure means it too.
Result<net::EniId> UpstreamAgent::create_interface(int count) {
  (void)ec2_.subnets(identity_.vpc, identity_.availability_zone);
  aws::NewEni wanted;
  wanted.subnet = identity_.primary_subnet;
  wanted.groups = groups_;
  wanted.description = "aws-K8S-" + to_string(identity_.id);
  wanted.tags = {{kInstanceTag, to_string(identity_.id)}};
  (targets_.prefixes ? wanted.prefixes : wanted.secondary_addresses) = count;
  VPCCNI_TRY(const auto made, ec2_.create(wanted));
  return made.id;
}

/// 5.3. Answers an empty id, and no error, when the attribute could not be set but the ENI was
/// freed (quirk Q35).
Result<net::EniId> UpstreamAgent::allocate_eni(int count) {
  VPCCNI_TRY(const auto id, create_interface(count));
  const auto attach = [&]() -> Result<net::AttachmentId> {
    VPCCNI_TRY(const auto used, ec2_.attachments(identity_.id));
    int device = 0;
    while (std::any_of(used.begin(), used.end(),
                       [&](const auto& one) { return one.device.value() == device; })) {
      ++device;
    }
    return ec2_.attach(id, identity_.id, net::NetworkCard(0), net::DeviceIndex(device));
  };
  const auto attachment = attach();
  if (!attachment) {
    (void)retry({milliseconds(500), 0.15, 12}, [&] { return ec2_.remove(id); });
    return attachment.error();
  }
  if (!ec2_.delete_on_termination(id, *attachment)) {
    VPCCNI_CHECK(free_eni(id));
    return net::EniId();
  }
  return id;
}

/// 5.6.
Result<> UpstreamAgent::wait_for(const net::EniId& id, int count) {
  int seen = 0;
  auto waited = retry({milliseconds(100), 0.15, 12}, [&]() -> Result<> {
    VPCCNI_TRY(const auto shown, imds_.enis());
    const auto eni =
        std::find_if(shown.begin(), shown.end(), [&](const auto& one) { return one.id == id; });
    seen = eni == shown.end()  ? 0
           : targets_.prefixes ? static_cast<int>(eni->prefixes.size())
                               : static_cast<int>(eni->addresses.size()) - 1;
    return seen >= count ? Result<>() : Error{Errc::unavailable, "not attached yet"};
  });
  const bool partial = targets_.prefixes ? seen > 1 : seen >= 1;
  return waited || !partial ? std::move(waited) : Result<>();
}

/// 5.8.
Result<> UpstreamAgent::free_eni(const net::EniId& id) {
  const auto found = ec2_.network_interfaces({.ids = {id}, .filters = {}});
  if (!found) {
    return found.error().code == Errc::not_found ? Result<>() : found.error();
  }
  if (const auto& attachment = found->front().attachment) {
    VPCCNI_CHECK(retry({milliseconds(200), 0.15, 12}, [&] { return ec2_.detach(attachment->id); }));
  }
  site_.fibers.wait(seconds(2));
  return retry({milliseconds(500), 0.15, 12}, [&]() -> Result<> {
    auto removed = ec2_.remove(id);
    return !removed && removed.error().code == Errc::not_found ? Result<>() : std::move(removed);
  });
}

}  // namespace vpccni::pool
