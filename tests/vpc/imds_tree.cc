#include "tests/vpc/imds_tree.h"

#include "base/json.h"
#include "tests/vpc/xml.h"

namespace vpccni::vpc {

namespace {

const std::string kMacs = "meta-data/network/interfaces/macs/";

template <class T>
std::string lines(const std::vector<T>& values) {
  std::string text;
  for (const auto& value : values) {
    text += (text.empty() ? "" : "\n") + to_string(value);
  }
  return text;
}

/// 2025-12-17T12:00:00Z: IMDS gives no milliseconds.
std::string seconds_time(base::WallTime time) {
  return iso_time(time).substr(0, 19) + "Z";
}

void add_eni(ImdsTree& tree, const Model& model, const Instance& instance, const ImdsEni& eni,
             bool network_card, base::Instant now) {
  const std::string at = kMacs + to_string(eni.mac) + "/";
  const auto put = [&](const char* key, std::string value) {
    if (!value.empty()) {  // keys without a value do not exist
      tree[at + key] = std::move(value);
    }
  };
  put("mac", to_string(eni.mac));
  put("interface-id", to_string(eni.id));
  put("owner-id", model.options().account);
  put("device-number", eni.device ? to_string(*eni.device) : "");
  put("network-card", network_card ? to_string(eni.card) : "");
  put("subnet-id", to_string(eni.subnet));
  put("vpc-id", to_string(instance.vpc));
  put("security-group-ids", lines(eni.groups));
  std::string names;
  for (const auto& group : eni.groups) {
    const auto it = model.groups().find(group);
    names += (names.empty() ? "" : "\n") + (it == model.groups().end() ? "?" : it->second.name);
  }
  put("security-groups", names);
  const auto* subnet = model.find_subnet(eni.subnet);
  if (!eni.addresses.empty()) {
    put("local-ipv4s", lines(eni.addresses));
    put("local-hostname", model.private_dns(eni.addresses.front()));
    put("subnet-ipv4-cidr-block", subnet == nullptr ? "" : to_string(subnet->cidr));
  }
  put("ipv4-prefix", lines(eni.prefixes));
  put("ipv6s", lines(eni.ipv6_addresses));
  put("ipv6-prefix", lines(eni.ipv6_prefixes));
  const auto cidrs = model.imds_vpc_cidrs(instance.id, now);
  put("vpc-ipv4-cidr-block", cidrs.empty() ? "" : to_string(cidrs.front()));
  put("vpc-ipv4-cidr-blocks", lines(cidrs));
  const bool ipv6 = !eni.ipv6_addresses.empty() || !eni.ipv6_prefixes.empty();
  put("subnet-ipv6-cidr-blocks",
      ipv6 && subnet != nullptr && subnet->ipv6 ? to_string(*subnet->ipv6) : "");
  const auto vpc = model.vpcs().find(instance.vpc);
  put("vpc-ipv6-cidr-blocks",
      ipv6 && vpc != model.vpcs().end() ? lines(vpc->second.ipv6_cidrs) : "");
}

std::string identity_document(const Model& model, const Instance& instance) {
  const base::OrderedJson json = {{"accountId", model.options().account},
                                  {"architecture", "x86_64"},
                                  {"availabilityZone", instance.zone},
                                  {"billingProducts", nullptr},
                                  {"devpayProductCodes", nullptr},
                                  {"marketplaceProductCodes", nullptr},
                                  {"imageId", "ami-0123456789abcdef0"},
                                  {"instanceId", to_string(instance.id)},
                                  {"instanceType", instance.type},
                                  {"kernelId", nullptr},
                                  {"pendingTime", seconds_time(instance.launched)},
                                  {"privateIp", to_string(instance.address)},
                                  {"ramdiskId", nullptr},
                                  {"region", model.options().region},
                                  {"version", "2017-09-30"}};
  return base::dump_json(json, 2);
}

void add_role(ImdsTree& tree, Model& model, const Instance& instance, const std::string& role,
              base::Instant now) {
  const auto key = model.role_key(instance.id, now);
  base::OrderedJson json = {{"Code", "Success"},
                            {"LastUpdated", seconds_time(now.wall)},
                            {"Type", "AWS-HMAC"},
                            {"AccessKeyId", key.id},
                            {"SecretAccessKey", key.secret},
                            {"Token", key.token},
                            {"Expiration", seconds_time(*key.expires)}};
  tree["meta-data/iam/security-credentials/" + role] = base::dump_json(json, 2);
  json["AccountId"] = model.options().account;
  tree["meta-data/iam/security-credentials-extended/" + role] = base::dump_json(json, 2);
  tree["meta-data/iam/info"] = base::dump_json(
      base::OrderedJson{{"Code", "Success"},
                        {"LastUpdated", seconds_time(now.wall)},
                        {"InstanceProfileArn",
                         "arn:aws:iam::" + model.options().account + ":instance-profile/" + role},
                        {"InstanceProfileId", "AIPAEXAMPLE"}},
      2);
}

}  // namespace

ImdsTree imds_tree(Model& model, const net::InstanceId& id, const ImdsTreeOptions& options,
                   base::Instant now) {
  ImdsTree tree;
  const auto* instance = model.find_instance(id);
  if (instance == nullptr || instance->state == InstanceState::terminated) {
    return tree;
  }
  const std::string meta = "meta-data/";
  tree[meta + "ami-id"] = "ami-0123456789abcdef0";
  tree[meta + "ami-launch-index"] = "0";
  tree[meta + "hostname"] = instance->private_dns;
  tree[meta + "instance-id"] = to_string(id);
  tree[meta + "instance-life-cycle"] = "on-demand";
  tree[meta + "instance-type"] = instance->type;
  tree[meta + "local-hostname"] = instance->private_dns;
  tree[meta + "local-ipv4"] = to_string(instance->address);
  tree[meta + "mac"] = to_string(instance->primary_mac);
  tree[meta + "placement/availability-zone"] = instance->zone;
  tree[meta + "placement/availability-zone-id"] =
      "usw2-az" + std::to_string(instance->zone.empty() ? 0 : instance->zone.back() - 'a' + 1);
  tree[meta + "placement/region"] = model.options().region;
  tree[meta + "reservation-id"] = "r-" + to_string(id).substr(2);
  tree[meta + "services/domain"] = "amazonaws.com";
  tree[meta + "services/partition"] = "aws";
  tree["dynamic/instance-identity/document"] = identity_document(model, *instance);
  const auto* limits = model.find_limits(instance->type);
  const bool cards = options.network_card_always || (limits != nullptr && limits->cards.size() > 1);
  for (const auto& eni : model.imds_enis(id, now)) {
    add_eni(tree, model, *instance, eni, cards, now);
    if (eni.mac == instance->primary_mac && !eni.ipv6_addresses.empty()) {
      tree[meta + "ipv6"] = to_string(eni.ipv6_addresses.front());
    }
  }
  if (!options.role.empty()) {
    add_role(tree, model, *instance, options.role, now);
  }
  return tree;
}

std::optional<std::string> find_document(const ImdsTree& tree, std::string_view path) {
  while (path.ends_with('/')) {
    path.remove_suffix(1);
  }
  const std::string key(path);
  if (const auto it = tree.find(key); it != tree.end()) {
    return it->second;
  }
  const std::string prefix = key.empty() ? "" : key + "/";
  std::string listing;
  std::string last;
  for (auto it = tree.lower_bound(prefix); it != tree.end() && it->first.starts_with(prefix);
       ++it) {
    const auto rest = it->first.substr(prefix.size());
    const auto name = rest.substr(0, std::min(rest.find('/'), rest.size() - 1) + 1);
    if (name != last) {
      listing += (listing.empty() ? "" : "\n") + name;
      last = name;
    }
  }
  return listing.empty() ? std::nullopt : std::optional(listing);
}

}  // namespace vpccni::vpc
