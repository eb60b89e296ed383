// The life of an ENI: create, attach, detach, delete, and what happens by itself in between
// (spec aws.md 6.1).

#include <algorithm>

#include "tests/vpc/model.h"

namespace vpccni::vpc {

namespace {

constexpr int kUnattachedSlots = 64;
constexpr std::size_t kGroupsPerEni = 5;
constexpr std::size_t kTagsPerResource = 50;
constexpr auto kTokenWindow = std::chrono::hours(24);

Result<> check_tags(const aws::Tags& tags) {
  for (const auto& [key, value] : tags) {
    if (key.empty() || key.size() > 128 || value.size() > 256 || key.starts_with("aws:")) {
      return refusal("InvalidParameterValue",
                     "Tag keys starting with 'aws:' are reserved for "
                     "internal use, or the tag is too long: " +
                         key.substr(0, 128));
    }
  }
  if (tags.size() > kTagsPerResource) {
    return refusal("TagLimitExceeded",
                   "The maximum number of Tags for a resource has been reached.");
  }
  return {};
}

Error over_limit() {
  return refusal("PrivateIpAddressLimitExceeded", "Number of private addresses will exceed limit.");
}

/// Everything of a request but its token, for comparing.
std::string fingerprint(const NewInterface& wanted) {
  std::string text = to_string(wanted.subnet) + "|" + wanted.description;
  for (const auto& group : wanted.groups) {
    text += "|" + to_string(group);
  }
  for (const auto& [key, value] : wanted.tags) {
    text += "|" + key + "=" + value;
  }
  for (const auto& ip : wanted.secondaries) {
    text += "|" + to_string(ip);
  }
  for (const auto& prefix : wanted.prefixes) {
    text += "|" + to_string(prefix);
  }
  for (const int n : {wanted.secondary_count.value_or(-1), wanted.prefix_count.value_or(-1),
                      wanted.ipv6_count, wanted.ipv6_prefix_count, static_cast<int>(wanted.kind)}) {
    text += "|" + std::to_string(n);
  }
  return text + "|" + (wanted.primary ? to_string(*wanted.primary) : "");
}

}  // namespace

Result<> Model::check_groups(const std::vector<net::SecurityGroupId>& groups,
                             const net::VpcId& vpc) const {
  for (const auto& group : groups) {
    const auto it = groups_.find(group);
    if (it == groups_.end()) {
      return refusal("InvalidGroup.NotFound",
                     "The security group '" + to_string(group) + "' does not exist");
    }
    if (it->second.vpc != vpc) {
      return refusal("InvalidParameter", "Security group " + to_string(group) + " and VPC " +
                                             to_string(vpc) + " belong to different networks.");
    }
  }
  if (groups.size() > kGroupsPerEni) {
    return refusal("SecurityGroupsPerInterfaceLimitExceeded",
                   "The maximum number of security groups per interface has been reached.");
  }
  return {};
}

Result<> Model::check_new(const NewInterface& wanted, const Subnet& subnet) const {
  VPCCNI_CHECK(check_groups(wanted.groups, subnet.vpc));
  const bool addresses = wanted.secondary_count.value_or(0) > 0 || !wanted.secondaries.empty();
  const bool prefixes = wanted.prefix_count.value_or(0) > 0 || !wanted.prefixes.empty();
  if ((addresses && prefixes) || (wanted.ipv6_count > 0 && wanted.ipv6_prefix_count > 0)) {
    return refusal("InvalidParameterCombination",
                   "Addresses and prefixes of one family cannot be asked for together");
  }
  if ((wanted.secondary_count && !wanted.secondaries.empty()) ||
      (wanted.prefix_count && !wanted.prefixes.empty())) {
    return refusal("InvalidParameterCombination", "A count and a list exclude each other");
  }
  if (wanted.secondary_count.value_or(0) < 0 || wanted.prefix_count.value_or(0) < 0 ||
      wanted.ipv6_count < 0 || wanted.ipv6_prefix_count < 0) {
    return refusal("InvalidParameterValue", "A count must not be negative");
  }
  for (const int count : {wanted.secondary_count.value_or(0), wanted.prefix_count.value_or(0),
                          wanted.ipv6_count, wanted.ipv6_prefix_count}) {
    if (count > kUnattachedSlots) {  // from clients: bounded before anything is added up
      return over_limit();
    }
  }
  if (wanted.ipv6_count + wanted.ipv6_prefix_count > 0 && !subnet.ipv6) {
    return refusal("InvalidParameterValue",
                   "The subnet '" + to_string(subnet.id) + "' has no IPv6 CIDR block");
  }
  return check_tags(wanted.tags);
}

Eni& Model::make_eni(const NewInterface& wanted, Subnet& subnet, const Blocks& blocks,
                     base::Instant now) {
  Eni eni;
  eni.id = net::EniId(new_id("eni-"));
  const auto number = static_cast<std::uint32_t>(++counter_) * 0x9e3779b1U;  // a bijection
  const auto byte = [&](unsigned shift) { return static_cast<std::uint8_t>(number >> shift); };
  eni.mac =
      net::Mac({2, static_cast<std::uint8_t>(options_.seed), byte(24), byte(16), byte(8), byte(0)});
  eni.subnet = subnet.id;
  eni.vpc = subnet.vpc;
  eni.availability_zone = subnet.availability_zone;
  eni.description = wanted.description;
  eni.status = "available";
  eni.kind = wanted.kind;
  eni.groups = wanted.groups;
  if (eni.groups.empty()) {
    eni.groups = {vpcs_.at(subnet.vpc).default_group};
  }
  eni.tags = wanted.tags;
  eni.tracking = wanted.tracking;
  Eni& kept = enis_[eni.id] = std::move(eni);
  add_blocks(kept, blocks, now);
  kept.addresses.front().primary = true;
  take_ipv6(subnet, kept, wanted.ipv6_count, wanted.ipv6_prefix_count, now);
  return kept;
}

Result<Eni> Model::create_interface(const NewInterface& wanted, base::Instant now) {
  advance(now);
  const auto found = subnets_.find(wanted.subnet);
  if (found == subnets_.end()) {
    return refusal("InvalidSubnetID.NotFound",
                   "The subnet ID '" + to_string(wanted.subnet) + "' does not exist");
  }
  Subnet& subnet = found->second;
  VPCCNI_CHECK(check_new(wanted, subnet));
  std::erase_if(tokens_, [&](const auto& t) { return t.second.at + kTokenWindow < now.steady; });
  if (const auto token = tokens_.find(wanted.client_token);
      !wanted.client_token.empty() && token != tokens_.end()) {
    if (token->second.fingerprint != fingerprint(wanted)) {
      return refusal("IdempotentParameterMismatch",
                     "The client token has been used with other parameters");
    }
    VPCCNI_TRY(const auto* first, get_eni(token->second.eni));
    return *first;
  }
  if (static_cast<int>(enis_.size()) >= options_.eni_quota) {
    return refusal("NetworkInterfaceLimitExceeded",
                   "The maximum number of network interfaces has been reached.");
  }
  Blocks given{wanted.secondaries, wanted.prefixes};
  if (wanted.primary) {
    given.addresses.insert(given.addresses.begin(), *wanted.primary);
  }
  const int addresses = wanted.secondary_count.value_or(0) + (wanted.primary ? 0 : 1);
  const int prefixes = wanted.prefix_count.value_or(0);
  if (addresses + prefixes + static_cast<int>(given.addresses.size() + given.prefixes.size()) >
      kUnattachedSlots) {
    return over_limit();
  }
  VPCCNI_TRY(const auto blocks, reserve(subnet, addresses, prefixes, given, now));
  const Eni& eni = make_eni(wanted, subnet, blocks, now);
  if (!wanted.client_token.empty()) {
    tokens_[wanted.client_token] = {fingerprint(wanted), eni.id, now.steady};
  }
  return eni;
}

Result<> Model::check_attach(const Eni& eni, const Instance& instance, net::NetworkCard card,
                             net::DeviceIndex device) const {
  if (eni.status != "available" || eni.kind == aws::EniKind::branch) {
    return refusal("InvalidNetworkInterface.InUse",
                   "Interface: [" + to_string(eni.id) + "] in use.");
  }
  if (eni.availability_zone != instance.zone) {
    return refusal("InvalidParameterCombination",
                   "You may not attach a network interface to an instance if they are not in the "
                   "same availability zone");
  }
  const auto& limits = *find_limits(instance.type);
  const auto on_card = std::find_if(limits.cards.begin(), limits.cards.end(),
                                    [card](const auto& limit) { return limit.card == card; });
  if (on_card == limits.cards.end() || device.value() < 0) {
    return refusal("InvalidParameterValue", "Network card index " + to_string(card) +
                                                " or device index " + to_string(device) +
                                                " is not valid for " + instance.type);
  }
  int used = 0;
  for (const auto& [id, other] : enis_) {
    if (other.attachment && other.attachment->instance == instance.id &&
        other.attachment->card == card) {
      ++used;
      if (other.attachment->device == device) {
        return refusal("InvalidParameterValue",
                       "Instance '" + to_string(instance.id) +
                           "' already has an interface attached at device index '" +
                           to_string(device) + "'.");
      }
    }
  }
  if (used >= on_card->enis) {
    return refusal("AttachmentLimitExceeded", "Interface count " + std::to_string(used + 1) +
                                                  " exceeds the limit for " + instance.type);
  }
  if (eni.slots() > limits.ipv4_per_eni) {
    return over_limit();
  }
  return {};
}

void Model::join(Eni& eni, const Instance& instance, net::NetworkCard card, net::DeviceIndex device,
                 base::Instant now) {
  eni.status = "in-use";
  eni.attach_time = now.wall;
  eni.attachment = aws::Attachment{
      net::AttachmentId(new_id("eni-attach-")), instance.id, device, card, "attaching", false};
}

Result<net::AttachmentId> Model::attach(const net::EniId& id, const net::InstanceId& instance_id,
                                        net::NetworkCard card, net::DeviceIndex device,
                                        base::Instant now) {
  advance(now);
  VPCCNI_TRY(auto* eni, get_eni(id));
  VPCCNI_TRY(const auto* instance, get_instance(instance_id));
  VPCCNI_CHECK(check_attach(*eni, *instance, card, device));
  join(*eni, *instance, card, device, now);
  const auto live = now.steady + options_.lags.attach;
  const auto listed = live + options_.lags.imds_attach;
  list_in_imds(*eni, listed, listed + options_.lags.imds_addresses);
  due_.emplace(live, Transition{id, eni->attachment->id, false});
  const auto attachment = eni->attachment->id;
  advance(now);
  return attachment;
}

Result<> Model::detach(const net::AttachmentId& id, base::Instant now) {
  advance(now);
  const auto it = std::find_if(enis_.begin(), enis_.end(), [&](const auto& entry) {
    return entry.second.attachment && entry.second.attachment->id == id;
  });
  if (it == enis_.end()) {
    return refusal("InvalidAttachmentID.NotFound",
                   "The interface attachment '" + to_string(id) + "' does not exist.");
  }
  aws::Attachment& attachment = *it->second.attachment;
  if (attachment.device.value() == 0 && attachment.card.value() == 0) {
    return refusal("OperationNotPermitted",
                   "The network interface at device index 0 and networkCard index 0 cannot be "
                   "detached.");
  }
  if (attachment.status == "detaching") {
    return refusal("IncorrectState",
                   "The interface attachment '" + to_string(id) + "' is already being detached.");
  }
  attachment.status = "detaching";
  due_.emplace(now.steady + options_.lags.detach, Transition{it->first, id, true});
  advance(now);
  return {};
}

Result<> Model::remove(const net::EniId& id, base::Instant now) {
  advance(now);
  VPCCNI_TRY(const auto* eni, get_eni(id));
  if (eni->status != "available") {
    return refusal("InvalidParameterValue",
                   "Network interface '" + to_string(id) + "' is currently in use.");
  }
  forget(id, now);
  return {};
}

void Model::advance(base::Instant now) {
  while (!due_.empty() && due_.begin()->first <= now.steady) {
    const auto node = due_.extract(due_.begin());
    const auto& [eni_id, attachment, ends] = node.mapped();
    const auto it = enis_.find(eni_id);
    if (it == enis_.end() || !it->second.attachment || it->second.attachment->id != attachment) {
      continue;
    }
    if (ends) {
      end_attachment(it->second, node.key());
    } else if (it->second.attachment->status == "attaching") {
      it->second.attachment->status = "attached";
      link_change(it->second, true, node.key());
    }
  }
}

void Model::end_attachment(Eni& eni, base::SteadyTime at) {
  if (linked_.contains(eni.id)) {
    link_change(eni, false, at);
  }
  auto& entries = imds_[eni.attachment->instance];
  if (const auto entry = entries.find(eni.mac); entry != entries.end()) {
    entry->second.present.set(false, at + options_.lags.imds_detach);
  }
  eni.attachment.reset();
  eni.status = "available";
}

Result<> Model::set_delete_on_termination(const net::EniId& id, const net::AttachmentId& attachment,
                                          bool on, base::Instant now) {
  advance(now);
  VPCCNI_TRY(auto* eni, get_eni(id));
  if (!eni->attachment || eni->attachment->id != attachment ||
      eni->attachment->status == "detaching") {
    return refusal("InvalidAttachmentID.NotFound",
                   "The interface attachment '" + to_string(attachment) + "' does not exist.");
  }
  eni->attachment->delete_on_termination = on;
  return {};
}

Result<> Model::set_groups(const net::EniId& id, const std::vector<net::SecurityGroupId>& groups,
                           base::Instant now) {
  advance(now);
  VPCCNI_TRY(auto* eni, get_eni(id));
  VPCCNI_CHECK(check_groups(groups, eni->vpc));
  eni->groups = groups;
  update_imds(*eni, now.steady + options_.lags.imds_change);
  return {};
}

Result<> Model::set_source_dest_check(const net::EniId& id, bool on, base::Instant now) {
  advance(now);
  VPCCNI_TRY(auto* eni, get_eni(id));
  eni->source_dest_check = on;
  return {};
}

Result<> Model::set_description(const net::EniId& id, std::string text, base::Instant now) {
  advance(now);
  VPCCNI_TRY(auto* eni, get_eni(id));
  eni->description = std::move(text);
  return {};
}

aws::Tags* Model::tags_of(const std::string& resource) {
  const auto in = [&resource](auto& table, auto id) {
    const auto it = table.find(decltype(id)(resource));
    return it == table.end() ? nullptr : &it->second.tags;
  };
  for (auto* tags :
       {in(enis_, net::EniId()), in(instances_, net::InstanceId()), in(subnets_, net::SubnetId()),
        in(vpcs_, net::VpcId()), in(groups_, net::SecurityGroupId())}) {
    if (tags != nullptr) {
      return tags;
    }
  }
  return nullptr;
}

Result<> Model::create_tags(const std::vector<std::string>& resources, const aws::Tags& tags,
                            base::Instant now) {
  advance(now);
  for (const auto& resource : resources) {
    const auto* present = tags_of(resource);
    if (present == nullptr) {
      return resource.starts_with("eni-")
                 ? no_such_eni(net::EniId(resource))
                 : refusal("InvalidID", "The ID '" + resource + "' is not valid");
    }
    aws::Tags after = tags;
    after.insert(present->begin(), present->end());
    VPCCNI_CHECK(check_tags(after));
  }
  for (const auto& resource : resources) {
    for (const auto& [key, value] : tags) {
      (*tags_of(resource))[key] = value;
    }
  }
  return {};
}

Result<> Model::delete_tags(
    const std::vector<std::string>& resources,
    const std::vector<std::pair<std::string, std::optional<std::string>>>& keys,
    base::Instant now) {
  advance(now);
  for (const auto& resource : resources) {
    if (tags_of(resource) == nullptr) {
      return refusal("InvalidID", "The ID '" + resource + "' is not valid");
    }
  }
  for (const auto& resource : resources) {
    std::erase_if(*tags_of(resource), [&](const auto& tag) {
      return keys.empty() || std::any_of(keys.begin(), keys.end(), [&](const auto& wanted) {
               return wanted.first == tag.first && (!wanted.second || *wanted.second == tag.second);
             });
    });
  }
  return {};
}

}  // namespace vpccni::vpc
