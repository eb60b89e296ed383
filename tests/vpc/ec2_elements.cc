#include "tests/vpc/ec2_elements.h"

namespace vpccni::vpc {

std::string_view name_of(aws::EniKind kind) {
  switch (kind) {
    case aws::EniKind::trunk:
      return "trunk";
    case aws::EniKind::branch:
      return "branch";
    case aws::EniKind::efa:
      return "efa";
    case aws::EniKind::efa_only:
      return "efa-only";
    case aws::EniKind::ordinary:
      break;
  }
  return "interface";
}

StateName state_of(const Instance& instance) {
  switch (instance.state) {
    case InstanceState::running:
      return {16, "running"};
    case InstanceState::stopped:
      return {80, "stopped"};
    case InstanceState::terminated:
      break;
  }
  return {48, "terminated"};
}

namespace {

void add_tags(Xml& xml, const aws::Tags& tags) {
  xml.open("tagSet");
  for (const auto& [key, value] : tags) {
    xml.open("item").add("key", key).add("value", value).close("item");
  }
  xml.close("tagSet");
}

void add_groups(Xml& xml, const Model& model, const std::vector<net::SecurityGroupId>& groups) {
  xml.open("groupSet");
  for (const auto& id : groups) {
    const auto it = model.groups().find(id);
    xml.open("item").add("groupId", to_string(id));
    xml.add("groupName", it == model.groups().end() ? "" : it->second.name).close("item");
  }
  xml.close("groupSet");
}

void add_attachment(Xml& xml, const Model& model, const Eni& eni, bool with_instance) {
  const auto& where = *eni.attachment;
  xml.open("attachment").add("attachmentId", to_string(where.id));
  if (with_instance) {
    xml.add("instanceId", to_string(where.instance));
    xml.add("instanceOwnerId", model.options().account);
  }
  xml.add("deviceIndex", where.device.value()).add("networkCardIndex", where.card.value());
  xml.add("status", where.status).add("attachTime", iso_time(eni.attach_time));
  xml.add("deleteOnTermination", where.delete_on_termination).close("attachment");
}

void add_addresses(Xml& xml, const Model& model, const Eni& eni) {
  xml.open("privateIpAddressesSet");
  for (const auto& address : eni.addresses) {
    xml.open("item").add("privateIpAddress", to_string(address.ip));
    xml.add("privateDnsName", model.private_dns(address.ip));
    xml.add("primary", address.primary).close("item");
  }
  xml.close("privateIpAddressesSet").open("ipv6AddressesSet");
  for (const auto& ip : eni.ipv6_addresses) {
    xml.open("item").add("ipv6Address", to_string(ip)).close("item");
  }
  xml.close("ipv6AddressesSet");
  const auto add_set = [&xml](const char* set, const char* name, const auto& prefixes) {
    if (!prefixes.empty()) {
      xml.open(set);
      for (const auto& prefix : prefixes) {
        xml.open("item").add(name, to_string(prefix)).close("item");
      }
      xml.close(set);
    }
  };
  add_set("ipv4PrefixSet", "ipv4Prefix", eni.prefixes);
  add_set("ipv6PrefixSet", "ipv6Prefix", eni.ipv6_prefixes);
}

/// What an ENI shows both by itself and inside its instance.
void add_eni_core(Xml& xml, const Model& model, const Eni& eni, std::string_view status) {
  xml.add("networkInterfaceId", to_string(eni.id)).add("subnetId", to_string(eni.subnet));
  xml.add("vpcId", to_string(eni.vpc)).add("description", eni.description);
  xml.add("ownerId", model.options().account).add("status", status);
  xml.add("macAddress", to_string(eni.mac)).add("privateIpAddress", to_string(eni.primary()));
  xml.add("privateDnsName", model.private_dns(eni.primary()));
  xml.add("sourceDestCheck", eni.source_dest_check).add("interfaceType", name_of(eni.kind));
  add_groups(xml, model, eni.groups);
  add_addresses(xml, model, eni);
}

}  // namespace

void add_eni(Xml& xml, std::string_view element, const Model& model, const Eni& eni,
             std::string_view status) {
  xml.open(element);
  add_eni_core(xml, model, eni, status.empty() ? std::string_view(eni.status) : status);
  xml.add("availabilityZone", eni.availability_zone).add("requesterManaged", false);
  if (eni.attachment) {
    add_attachment(xml, model, eni, true);
  }
  add_tags(xml, eni.tags);
  if (!eni.tracking.empty()) {
    xml.open("connectionTrackingConfiguration");
    for (const auto& [name, value] :
         {std::pair("tcpEstablishedTimeout", eni.tracking.tcp_established),
          std::pair("udpStreamTimeout", eni.tracking.udp_stream),
          std::pair("udpTimeout", eni.tracking.udp)}) {
      if (value) {
        xml.add(name, *value);
      }
    }
    xml.close("connectionTrackingConfiguration");
  }
  xml.close(element);
}

void add_instance(Xml& xml, const Model& model, const Instance& instance) {
  const auto [code, state] = state_of(instance);
  const bool exists = instance.state != InstanceState::terminated;
  xml.open("item").add("reservationId", "r-" + to_string(instance.id).substr(2));
  xml.add("ownerId", model.options().account).add("groupSet", "");
  xml.open("instancesSet").open("item").add("instanceId", to_string(instance.id));
  xml.add("imageId", "ami-0123456789abcdef0");
  xml.open("instanceState").add("code", code).add("name", state).close("instanceState");
  xml.add("privateDnsName", exists ? instance.private_dns : "").add("dnsName", "");
  xml.add("amiLaunchIndex", 0).add("instanceType", instance.type);
  xml.add("launchTime", iso_time(instance.launched));
  xml.open("placement").add("availabilityZone", instance.zone).add("tenancy", "default");
  xml.close("placement").add("architecture", "x86_64").add("hypervisor", "xen");
  if (exists) {
    xml.add("subnetId", to_string(instance.subnet)).add("vpcId", to_string(instance.vpc));
    xml.add("privateIpAddress", to_string(instance.address)).add("sourceDestCheck", true);
    if (const auto* primary = model.find_eni(instance.primary_eni)) {
      add_groups(xml, model, primary->groups);
    }
  }
  add_tags(xml, instance.tags);
  xml.open("networkInterfaceSet");
  for (const auto& [id, eni] : model.enis()) {
    if (eni.attachment && eni.attachment->instance == instance.id) {
      xml.open("item");
      add_eni_core(xml, model, eni, eni.status);
      add_attachment(xml, model, eni, false);
      xml.close("item");
    }
  }
  xml.close("networkInterfaceSet").close("item").close("instancesSet").close("item");
}

void add_subnet(Xml& xml, const Model& model, const Subnet& subnet) {
  const auto& account = model.options().account;
  xml.open("item").add("subnetId", to_string(subnet.id)).add("state", "available");
  xml.add("subnetArn", "arn:aws:ec2:" + model.options().region + ":" + account + ":subnet/" +
                           to_string(subnet.id));
  xml.add("ownerId", account).add("vpcId", to_string(subnet.vpc));
  xml.add("cidrBlock", to_string(subnet.cidr)).open("ipv6CidrBlockAssociationSet");
  if (subnet.ipv6) {
    xml.open("item").add("ipv6CidrBlock", to_string(*subnet.ipv6));
    xml.add("associationId", "subnet-cidr-assoc-" + to_string(subnet.id).substr(7));
    xml.open("ipv6CidrBlockState").add("state", "associated").close("ipv6CidrBlockState");
    xml.close("item");
  }
  xml.close("ipv6CidrBlockAssociationSet");
  xml.add("availableIpAddressCount", subnet.full ? 0 : subnet.available_addresses);
  xml.add("availabilityZone", subnet.availability_zone);
  xml.add("availabilityZoneId",
          std::string("usw2-az") + std::to_string(subnet.availability_zone.back() - 'a' + 1));
  xml.add("defaultForAz", false).add("mapPublicIpOnLaunch", false);
  xml.add("assignIpv6AddressOnCreation", false);
  add_tags(xml, subnet.tags);
  xml.close("item");
}

void add_vpc(Xml& xml, const Model& model, const Vpc& vpc) {
  xml.open("item").add("vpcId", to_string(vpc.id)).add("ownerId", model.options().account);
  xml.add("state", "available").add("cidrBlock", to_string(vpc.cidrs.front()));
  const auto add_set = [&](const char* set, const char* block, const char* state,
                           const std::vector<net::Cidr>& cidrs) {
    xml.open(set);
    int n = 0;
    for (const auto& cidr : cidrs) {
      xml.open("item").add(block, to_string(cidr));
      xml.add("associationId",
              "vpc-cidr-assoc-" + to_string(vpc.id).substr(4) + std::to_string(n++));
      xml.open(state).add("state", "associated").close(state).close("item");
    }
    xml.close(set);
  };
  add_set("cidrBlockAssociationSet", "cidrBlock", "cidrBlockState", vpc.cidrs);
  add_set("ipv6CidrBlockAssociationSet", "ipv6CidrBlock", "ipv6CidrBlockState", vpc.ipv6_cidrs);
  xml.add("dhcpOptionsId", "dopt-0123456789abcdef0").add("instanceTenancy", "default");
  xml.add("isDefault", false);
  add_tags(xml, vpc.tags);
  xml.close("item");
}

void add_group(Xml& xml, const Model& model, const SecurityGroup& group) {
  xml.open("item").add("ownerId", model.options().account);
  xml.add("groupId", to_string(group.id)).add("groupName", group.name);
  xml.add("groupDescription", group.name).add("vpcId", to_string(group.vpc));
  xml.add("ipPermissions", "").add("ipPermissionsEgress", "");
  add_tags(xml, group.tags);
  xml.close("item");
}

void add_type(Xml& xml, std::string_view type, const aws::InstanceLimits& limits) {
  int all = 0;
  for (const auto& card : limits.cards) {
    all += card.enis;
  }
  xml.open("item").add("instanceType", type).add("currentGeneration", true);
  xml.add("bareMetal", limits.bare_metal);
  if (!limits.bare_metal && limits.hypervisor != "unknown") {
    xml.add("hypervisor", limits.hypervisor);
  }
  xml.open("networkInfo").add("maximumNetworkInterfaces", all);
  xml.add("maximumNetworkCards", static_cast<int>(limits.cards.size()));
  xml.add("defaultNetworkCardIndex", limits.default_card.value()).open("networkCards");
  for (const auto& card : limits.cards) {
    xml.open("item").add("networkCardIndex", card.card.value());
    xml.add("maximumNetworkInterfaces", card.enis).close("item");
  }
  xml.close("networkCards").add("ipv4AddressesPerInterface", limits.ipv4_per_eni);
  xml.add("ipv6AddressesPerInterface", limits.ipv4_per_eni).add("ipv6Supported", true);
  xml.close("networkInfo").close("item");
}

}  // namespace vpccni::vpc
