#include "tests/vpc/model.h"

#include <algorithm>

#include "aws/ec2_error.h"
#include "aws/instance_limits.h"
#include "base/text.h"

namespace vpccni::vpc {

namespace {

/// splitmix64's mixing step: a bijection, so that different inputs give different ids.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

std::string hex16(std::uint64_t value) {
  std::string bytes;
  for (unsigned shift = 64; shift > 0; shift -= 8) {
    bytes += static_cast<char>(static_cast<unsigned char>(value >> (shift - 8)));
  }
  return base::hex(bytes);
}

aws::InstanceLimits nitro_type(int enis, int addresses) {
  aws::InstanceLimits limits;
  limits.enis = enis;
  limits.ipv4_per_eni = addresses;
  limits.cards = {{net::NetworkCard(0), enis}};
  limits.hypervisor = "nitro";
  return limits;
}

}  // namespace

LimitsTable invented_types() {
  auto duo = nitro_type(2, 4);
  duo.cards.push_back({net::NetworkCard(1), 2});
  return {{"tiny.test", nitro_type(2, 3)}, {"m9x.large", nitro_type(3, 10)}, {"duo.test", duo}};
}

Error refusal(std::string code, std::string message) {
  const Errc kind = aws::class_of(code, 400, message);
  return {kind, std::move(message), std::move(code)};
}

Error no_such_eni(const net::EniId& id) {
  return refusal("InvalidNetworkInterfaceID.NotFound",
                 "The networkInterface ID '" + to_string(id) + "' does not exist");
}

Error no_such_instance(const net::InstanceId& id) {
  return refusal("InvalidInstanceID.NotFound",
                 "The instance ID '" + to_string(id) + "' does not exist");
}

Lags Lags::none() {
  return {{}, {}, {}, {}, {}, {}, {}};
}

Model::Model(ModelOptions options) : options_(std::move(options)) {}

std::uint64_t Model::next_random() {
  return mix(options_.seed * 0x100000001b3U + ++counter_);
}

std::string Model::new_id(std::string_view prefix) {
  return std::string(prefix) + "0" + hex16(next_random());
}

std::string Model::private_dns(const net::Ip& ip) const {
  std::string host = "ip-" + to_string(ip);
  std::replace(host.begin(), host.end(), '.', '-');
  return host + "." +
         (options_.region == "us-east-1" ? "ec2.internal" : options_.region + ".compute.internal");
}

// Topology.

net::VpcId Model::add_vpc(std::vector<net::Cidr> cidrs, base::Instant now,
                          std::vector<net::Cidr> ipv6_cidrs, net::VpcId id) {
  Vpc vpc;
  vpc.id = id.empty() ? net::VpcId(new_id("vpc-")) : std::move(id);
  vpc.cidrs = std::move(cidrs);
  vpc.ipv6_cidrs = std::move(ipv6_cidrs);
  vpc_cidrs_[vpc.id].set(vpc.cidrs, now.steady);
  const net::VpcId made = vpc.id;
  vpcs_.emplace(made, std::move(vpc));
  if (auto group = add_group(made, "default")) {
    vpcs_[made].default_group = *group;
  }
  return made;
}

Result<> Model::add_vpc_cidr(const net::VpcId& vpc, const net::Cidr& cidr, base::Instant now) {
  const auto it = vpcs_.find(vpc);
  if (it == vpcs_.end()) {
    return refusal("InvalidVpcID.NotFound", "The vpc ID '" + to_string(vpc) + "' does not exist");
  }
  if (cidr.family() != net::Family::v4) {
    return refusal("InvalidVpc.Range", "The CIDR '" + to_string(cidr) + "' is invalid.");
  }
  it->second.cidrs.push_back(cidr);
  vpc_cidrs_[vpc].set(it->second.cidrs, now.steady + options_.lags.imds_change);
  return {};
}

Result<net::SubnetId> Model::add_subnet(NewSubnet wanted) {
  const auto vpc = vpcs_.find(wanted.vpc);
  if (vpc == vpcs_.end()) {
    return refusal("InvalidVpcID.NotFound",
                   "The vpc ID '" + to_string(wanted.vpc) + "' does not exist");
  }
  const bool inside = std::any_of(vpc->second.cidrs.begin(), vpc->second.cidrs.end(),
                                  [&](const net::Cidr& c) { return c.contains(wanted.cidr); });
  if (!inside || wanted.cidr.family() != net::Family::v4 || wanted.cidr.length() < 16 ||
      wanted.cidr.length() > 28 || wanted.zone.empty()) {
    return refusal("InvalidSubnet.Range",
                   "The CIDR '" + to_string(wanted.cidr) + "' or the zone is invalid.");
  }
  for (const auto& [id, other] : subnets_) {
    if (other.vpc == wanted.vpc &&
        (other.cidr.contains(wanted.cidr) || wanted.cidr.contains(other.cidr))) {
      return refusal("InvalidSubnet.Conflict",
                     "The CIDR '" + to_string(wanted.cidr) + "' conflicts with another subnet");
    }
  }
  Subnet subnet;
  subnet.id = wanted.id.empty() ? net::SubnetId(new_id("subnet-")) : std::move(wanted.id);
  subnet.vpc = wanted.vpc;
  subnet.availability_zone = std::move(wanted.zone);
  subnet.cidr = wanted.cidr;
  subnet.tags = std::move(wanted.tags);
  subnet.ipv6 = wanted.ipv6;
  subnet.space = AddressSpace(wanted.cidr, std::move(wanted.prefix_reservations));
  subnet.available_addresses = subnet.space.free_addresses();
  const auto id = subnet.id;
  if (!subnets_.emplace(id, std::move(subnet)).second) {
    return refusal("InvalidParameterValue", to_string(id) + " exists");
  }
  return id;
}

Result<net::SecurityGroupId> Model::add_group(const net::VpcId& vpc, std::string name) {
  if (!vpcs_.contains(vpc)) {
    return refusal("InvalidVpcID.NotFound", "The vpc ID '" + to_string(vpc) + "' does not exist");
  }
  const net::SecurityGroupId id(new_id("sg-"));
  groups_[id] = {id, std::move(name), vpc, {}};
  return id;
}

Result<Instance> Model::run_instance(const NewInstance& wanted, base::Instant now) {
  advance(now);
  const auto found = subnets_.find(wanted.subnet);
  if (found == subnets_.end()) {
    return refusal("InvalidSubnetID.NotFound",
                   "The subnet ID '" + to_string(wanted.subnet) + "' does not exist");
  }
  Subnet& subnet = found->second;
  const auto* limits = find_limits(wanted.type);
  if (limits == nullptr || instances_.contains(wanted.id)) {
    return refusal("InvalidParameterValue", "Invalid value '" + wanted.type +
                                                "' for InstanceType, or the instance ID is used");
  }
  if (wanted.secondary_addresses >= limits->ipv4_per_eni) {
    return refusal("PrivateIpAddressLimitExceeded",
                   "Number of private addresses will exceed limit.");
  }
  NewInterface primary{.subnet = wanted.subnet, .groups = wanted.groups};
  primary.primary = wanted.address;
  primary.secondary_count = wanted.secondary_addresses;
  primary.ipv6_count = wanted.ipv6_addresses;
  VPCCNI_TRY(const auto made, create_interface(primary, now));

  Instance instance;
  instance.id = wanted.id.empty() ? net::InstanceId(new_id("i-")) : wanted.id;
  instance.type = wanted.type;
  instance.zone = subnet.availability_zone;
  instance.vpc = subnet.vpc;
  instance.subnet = subnet.id;
  instance.primary_eni = made.id;
  instance.primary_mac = made.mac;
  instance.address = made.primary();
  instance.private_dns = private_dns(instance.address);
  instance.launched = now.wall;
  instance.tags = wanted.tags;
  instances_.emplace(instance.id, instance);

  Eni& eni = enis_.at(made.id);
  join(eni, instance, limits->default_card, net::DeviceIndex(0), now);
  eni.attachment->status = "attached";
  eni.attachment->delete_on_termination = true;
  list_in_imds(eni, now.steady, now.steady);  // at birth everything is there
  link_change(eni, true, now.steady);
  return instance;
}

Result<> Model::stop_instance(const net::InstanceId& id, base::Instant now) {
  advance(now);
  VPCCNI_TRY(auto* instance, get_instance(id));
  instance->state = InstanceState::stopped;
  return {};
}

Result<> Model::start_instance(const net::InstanceId& id, base::Instant now) {
  advance(now);
  VPCCNI_TRY(auto* instance, get_instance(id));
  instance->state = InstanceState::running;
  return {};
}

Result<> Model::terminate_instance(const net::InstanceId& id, base::Instant now) {
  advance(now);
  VPCCNI_TRY(auto* instance, get_instance(id));
  instance->state = InstanceState::terminated;
  std::vector<net::EniId> held;
  for (const auto& [eni_id, eni] : enis_) {
    if (eni.attachment && eni.attachment->instance == id) {
      held.push_back(eni_id);
    }
  }
  for (const auto& eni_id : held) {
    Eni& eni = enis_.at(eni_id);
    const bool goes = eni.attachment->delete_on_termination;
    end_attachment(eni, now.steady);
    if (goes) {
      forget(eni_id, now);
    }
  }
  imds_.erase(id);
  std::erase_if(keys_, [&](const auto& entry) { return entry.second.instance == id; });
  role_keys_.erase(id);
  return {};
}

// What is there.

Result<Eni*> Model::get_eni(const net::EniId& id) {
  const auto it = enis_.find(id);
  if (it == enis_.end()) {
    return no_such_eni(id);
  }
  return &it->second;
}

Result<Instance*> Model::get_instance(const net::InstanceId& id) {
  const auto it = instances_.find(id);
  if (it == instances_.end() || it->second.state == InstanceState::terminated) {
    return no_such_instance(id);
  }
  return &it->second;
}

const Eni* Model::find_eni(const net::EniId& id) const {
  const auto it = enis_.find(id);
  return it == enis_.end() ? nullptr : &it->second;
}

const Instance* Model::find_instance(const net::InstanceId& id) const {
  const auto it = instances_.find(id);
  return it == instances_.end() ? nullptr : &it->second;
}

const Subnet* Model::find_subnet(const net::SubnetId& id) const {
  const auto it = subnets_.find(id);
  return it == subnets_.end() ? nullptr : &it->second;
}

Subnet* Model::edit_subnet(const net::SubnetId& id) {
  const auto it = subnets_.find(id);
  return it == subnets_.end() ? nullptr : &it->second;
}

const aws::InstanceLimits* Model::find_limits(std::string_view type) const {
  for (const auto* table : {&options_.limits, &std::as_const(known_limits_)}) {
    if (const auto it = table->find(type); it != table->end()) {
      return &it->second;
    }
  }
  auto built_in = aws::instance_limits(type);
  return built_in ? &known_limits_.emplace(type, *std::move(built_in)).first->second : nullptr;
}

std::optional<base::SteadyTime> Model::next_due() const {
  return due_.empty() ? std::nullopt : std::optional(due_.begin()->first);
}

std::vector<Change> Model::take_changes() {
  return std::exchange(changes_, {});
}

void Model::link_change(const Eni& eni, bool attached, base::SteadyTime at) {
  const auto& where = *eni.attachment;
  attached ? (void)linked_.insert(eni.id) : (void)linked_.erase(eni.id);
  changes_.emplace_back(
      LinkChange{attached, eni.id, where.instance, eni.mac, where.card, where.device, at});
}

void Model::address_change(const Eni& eni, const net::Cidr& block, bool assigned,
                           base::SteadyTime at) {
  changes_.emplace_back(AddressChange{assigned, eni.id, block, at});
}

// Keys.

AccessKey Model::add_key(AccessKey key) {
  keys_[key.id] = key;
  return key;
}

const AccessKey* Model::find_key(std::string_view id) const {
  const auto it = keys_.find(id);
  return it == keys_.end() ? nullptr : &it->second;
}

AccessKey Model::role_key(const net::InstanceId& instance, base::Instant now) {
  constexpr auto kAhead = std::chrono::minutes(5);
  if (const auto it = role_keys_.find(instance); it != role_keys_.end()) {
    const AccessKey& key = keys_.at(it->second);
    if (key.expires && *key.expires - kAhead > now.wall) {
      return key;
    }
  }
  AccessKey key;
  key.id = new_id("ASIA");
  key.secret = new_id("secret/+");
  key.token = new_id("IQoJb3JpZ2luX2Vj/") + "+" + hex16(next_random()) + "==";
  key.instance = instance;
  key.expires = now.wall + options_.key_lifetime;
  role_keys_[instance] = key.id;
  std::erase_if(keys_, [&](const auto& entry) {
    return entry.second.instance == instance && entry.second.expires &&
           *entry.second.expires + std::chrono::hours(24) < now.wall;
  });
  return add_key(std::move(key));
}

}  // namespace vpccni::vpc
