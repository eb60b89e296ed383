// The actions that change something: parameters in, the model's verb, EC2's elements out.

#include <array>

#include "tests/vpc/ec2_api.h"
#include "tests/vpc/ec2_elements.h"

namespace vpccni::vpc {

namespace {

const std::string kDone = "<return>true</return>";

Result<aws::EniKind> kind_of(const std::optional<std::string>& type) {
  if (!type || *type == "interface") {
    return aws::EniKind::ordinary;
  }
  for (const auto& [name, kind] :
       {std::pair("trunk", aws::EniKind::trunk), std::pair("branch", aws::EniKind::branch),
        std::pair("efa", aws::EniKind::efa), std::pair("efa-only", aws::EniKind::efa_only)}) {
    if (*type == name) {
      return kind;
    }
  }
  return refusal("InvalidParameterValue",
                 "Value (" + type->substr(0, 64) + ") for parameter InterfaceType is invalid.");
}

std::vector<net::SecurityGroupId> groups_of(Query& query) {
  std::vector<net::SecurityGroupId> groups;
  for (auto& id : query.list("SecurityGroupId")) {
    groups.emplace_back(std::move(id));
  }
  return groups;
}

Result<> read_new_addresses(Query& query, NewInterface& wanted) {
  if (const auto primary = query.text("PrivateIpAddress")) {
    VPCCNI_TRY(wanted.primary, parse_ip(*primary));
  }
  for (const auto& item : query.items("PrivateIpAddresses")) {
    VPCCNI_TRY(const auto text, query.required(item + ".PrivateIpAddress"));
    VPCCNI_TRY(const auto ip, parse_ip(text));
    VPCCNI_TRY(const auto primary, query.flag(item + ".Primary"));
    if (primary.value_or(false)) {
      wanted.primary = ip;
    } else {
      wanted.secondaries.push_back(ip);
    }
  }
  for (const auto& item : query.items("Ipv4Prefix")) {
    VPCCNI_TRY(const auto text, query.required(item + ".Ipv4Prefix"));
    VPCCNI_TRY(const auto prefix, parse_cidr(text));
    wanted.prefixes.push_back(prefix);
  }
  VPCCNI_TRY(wanted.secondary_count, query.number("SecondaryPrivateIpAddressCount"));
  VPCCNI_TRY(wanted.prefix_count, query.number("Ipv4PrefixCount"));
  VPCCNI_TRY(const auto ipv6, query.number("Ipv6AddressCount"));
  VPCCNI_TRY(const auto ipv6_prefixes, query.number("Ipv6PrefixCount"));
  wanted.ipv6_count = ipv6.value_or(0);
  wanted.ipv6_prefix_count = ipv6_prefixes.value_or(0);
  return {};
}

Result<> read_tags_and_tracking(Query& query, NewInterface& wanted) {
  for (const auto& item : query.items("TagSpecification")) {
    VPCCNI_TRY(const auto type, query.required(item + ".ResourceType"));
    if (type != "network-interface") {
      return refusal("InvalidParameterValue",
                     "'" + type.substr(0, 64) + "' is not a valid taggable resource type");
    }
    VPCCNI_TRY(wanted.tags, query.tags(item + ".Tag"));
  }
  const std::string tracking = "ConnectionTrackingSpecification.";
  VPCCNI_TRY(wanted.tracking.tcp_established, query.number(tracking + "TcpEstablishedTimeout"));
  VPCCNI_TRY(wanted.tracking.udp_stream, query.number(tracking + "UdpStreamTimeout"));
  VPCCNI_TRY(wanted.tracking.udp, query.number(tracking + "UdpTimeout"));
  return {};
}

Result<std::string> create_interface(Call& call) {
  NewInterface wanted;
  VPCCNI_TRY(auto subnet, call.query.required("SubnetId"));
  wanted.subnet = net::SubnetId(std::move(subnet));
  wanted.groups = groups_of(call.query);
  wanted.description = call.query.text("Description").value_or("");
  wanted.client_token = call.query.text("ClientToken").value_or("");
  VPCCNI_TRY(wanted.kind, kind_of(call.query.text("InterfaceType")));
  VPCCNI_CHECK(read_new_addresses(call.query, wanted));
  VPCCNI_CHECK(read_tags_and_tracking(call.query, wanted));
  VPCCNI_CHECK(call.ready());
  VPCCNI_TRY(const auto eni, call.model.create_interface(wanted, call.now));
  Xml xml;
  add_eni(xml, "networkInterface", call.model, eni, "pending");
  if (!wanted.client_token.empty()) {
    xml.add("clientToken", wanted.client_token);
  }
  return xml.text();
}

Result<std::string> attach_interface(Call& call) {
  VPCCNI_TRY(const auto eni, call.query.eni("NetworkInterfaceId"));
  VPCCNI_TRY(auto instance, call.query.required("InstanceId"));
  VPCCNI_TRY(const auto device, call.query.number("DeviceIndex"));
  VPCCNI_TRY(const auto card, call.query.number("NetworkCardIndex"));
  if (!device) {
    return refusal("MissingParameter", "The request must contain the parameter DeviceIndex");
  }
  if (!is_id(instance, "i-")) {
    return refusal("InvalidInstanceID.Malformed", "Invalid id: \"" + instance.substr(0, 64) + "\"");
  }
  VPCCNI_CHECK(call.ready());
  const net::NetworkCard on(card.value_or(0));
  VPCCNI_TRY(const auto id, call.model.attach(eni, net::InstanceId(std::move(instance)), on,
                                              net::DeviceIndex(*device), call.now));
  return Xml().add("attachmentId", to_string(id)).add("networkCardIndex", on.value()).text();
}

Result<std::string> detach_interface(Call& call) {
  VPCCNI_TRY(auto id, call.query.required("AttachmentId"));
  VPCCNI_TRY([[maybe_unused]] const auto force, call.query.flag("Force"));
  VPCCNI_CHECK(call.ready());
  VPCCNI_CHECK(call.model.detach(net::AttachmentId(std::move(id)), call.now));
  return kDone;
}

Result<std::string> delete_interface(Call& call) {
  VPCCNI_TRY(const auto eni, call.query.eni("NetworkInterfaceId"));
  VPCCNI_CHECK(call.ready());
  VPCCNI_CHECK(call.model.remove(eni, call.now));
  return kDone;
}

Result<std::string> modify_interface(Call& call) {
  VPCCNI_TRY(const auto eni, call.query.eni("NetworkInterfaceId"));
  const auto attachment = call.query.text("Attachment.AttachmentId");
  VPCCNI_TRY(const auto on_termination, call.query.flag("Attachment.DeleteOnTermination"));
  const auto groups = groups_of(call.query);
  VPCCNI_TRY(const auto check, call.query.flag("SourceDestCheck.Value"));
  const auto description = call.query.text("Description.Value");
  const int given = (attachment || on_termination ? 1 : 0) + (groups.empty() ? 0 : 1) +
                    (check ? 1 : 0) + (description ? 1 : 0);
  if (given != 1) {
    return refusal("InvalidParameterCombination",
                   "Exactly one attribute of the interface must be given");
  }
  if ((attachment || on_termination) && !(attachment && on_termination)) {
    return refusal("MissingParameter", "Attachment needs AttachmentId and DeleteOnTermination");
  }
  VPCCNI_CHECK(call.ready());
  if (attachment) {
    VPCCNI_CHECK(call.model.set_delete_on_termination(eni, net::AttachmentId(*attachment),
                                                      *on_termination, call.now));
  } else if (!groups.empty()) {
    VPCCNI_CHECK(call.model.set_groups(eni, groups, call.now));
  } else if (check) {
    VPCCNI_CHECK(call.model.set_source_dest_check(eni, *check, call.now));
  } else {
    VPCCNI_CHECK(call.model.set_description(eni, *description, call.now));
  }
  return kDone;
}

Result<std::string> assign_addresses(Call& call) {
  NewAddresses wanted;
  VPCCNI_TRY(wanted.eni, call.query.eni("NetworkInterfaceId"));
  VPCCNI_TRY(wanted.count, call.query.number("SecondaryPrivateIpAddressCount"));
  VPCCNI_TRY(wanted.prefix_count, call.query.number("Ipv4PrefixCount"));
  VPCCNI_TRY(wanted.addresses, call.query.ips("PrivateIpAddress"));
  VPCCNI_TRY(wanted.prefixes, call.query.cidrs("Ipv4Prefix"));
  VPCCNI_TRY(const auto move, call.query.flag("AllowReassignment"));
  wanted.allow_reassignment = move.value_or(false);
  VPCCNI_CHECK(call.ready());
  VPCCNI_TRY(const auto added, call.model.assign(wanted, call.now));
  Xml xml;
  xml.add("networkInterfaceId", to_string(wanted.eni));
  if (wanted.count || !wanted.addresses.empty()) {
    xml.open("assignedPrivateIpAddressesSet");
    for (const auto& ip : added.addresses) {
      xml.open("item").add("privateIpAddress", to_string(ip)).close("item");
    }
    xml.close("assignedPrivateIpAddressesSet");
  } else {
    xml.open("assignedIpv4PrefixSet");
    for (const auto& prefix : added.prefixes) {
      xml.open("item").add("ipv4Prefix", to_string(prefix)).close("item");
    }
    xml.close("assignedIpv4PrefixSet");
  }
  return xml.text() + kDone;
}

Result<std::string> unassign_addresses(Call& call) {
  VPCCNI_TRY(const auto eni, call.query.eni("NetworkInterfaceId"));
  VPCCNI_TRY(const auto addresses, call.query.ips("PrivateIpAddress"));
  VPCCNI_TRY(const auto prefixes, call.query.cidrs("Ipv4Prefix"));
  VPCCNI_CHECK(call.ready());
  VPCCNI_CHECK(call.model.unassign(eni, addresses, prefixes, call.now));
  return kDone;
}

/// Text items, without a sub-element.
template <class T>
void add_items(Xml& xml, const char* set, const std::vector<T>& values) {
  xml.open(set);
  for (const auto& value : values) {
    xml.add("item", to_string(value));
  }
  xml.close(set);
}

Result<std::string> assign_ipv6(Call& call) {
  VPCCNI_TRY(const auto eni, call.query.eni("NetworkInterfaceId"));
  VPCCNI_TRY(const auto addresses, call.query.number("Ipv6AddressCount"));
  VPCCNI_TRY(const auto prefixes, call.query.number("Ipv6PrefixCount"));
  VPCCNI_CHECK(call.ready());
  VPCCNI_TRY(const auto added,
             call.model.assign_ipv6(eni, addresses.value_or(0), prefixes.value_or(0), call.now));
  Xml xml;
  xml.add("networkInterfaceId", to_string(eni));
  add_items(xml, "assignedIpv6Addresses", added.addresses);
  add_items(xml, "assignedIpv6PrefixSet", added.prefixes);
  return xml.text();
}

Result<std::string> unassign_ipv6(Call& call) {
  VPCCNI_TRY(const auto eni, call.query.eni("NetworkInterfaceId"));
  VPCCNI_TRY(const auto addresses, call.query.ips("Ipv6Addresses"));
  VPCCNI_TRY(const auto prefixes, call.query.cidrs("Ipv6Prefix"));
  VPCCNI_CHECK(call.ready());
  VPCCNI_CHECK(call.model.unassign_ipv6(eni, addresses, prefixes, call.now));
  Xml xml;
  xml.add("networkInterfaceId", to_string(eni));
  add_items(xml, "unassignedIpv6Addresses", addresses);
  add_items(xml, "unassignedIpv6PrefixSet", prefixes);
  return xml.text();
}

Result<std::vector<std::string>> resources_of(Query& query) {
  auto resources = query.list("ResourceId");
  if (resources.empty()) {
    return refusal("MissingParameter", "The request must contain the parameter ResourceId");
  }
  return resources;
}

Result<std::string> create_tags(Call& call) {
  VPCCNI_TRY(const auto resources, resources_of(call.query));
  VPCCNI_TRY(const auto tags, call.query.tags("Tag"));
  if (tags.empty()) {
    return refusal("MissingParameter", "The request must contain the parameter Tag");
  }
  VPCCNI_CHECK(call.ready());
  VPCCNI_CHECK(call.model.create_tags(resources, tags, call.now));
  return kDone;
}

Result<std::string> delete_tags(Call& call) {
  VPCCNI_TRY(const auto resources, resources_of(call.query));
  std::vector<std::pair<std::string, std::optional<std::string>>> keys;
  for (const auto& item : call.query.items("Tag")) {
    VPCCNI_TRY(auto key, call.query.required(item + ".Key"));
    keys.emplace_back(std::move(key), call.query.text(item + ".Value"));
  }
  VPCCNI_CHECK(call.ready());
  VPCCNI_CHECK(call.model.delete_tags(resources, keys, call.now));
  return kDone;
}

constexpr std::array<Action, 11> kChangeActions = {
    {{"CreateNetworkInterface", create_interface},
     {"AttachNetworkInterface", attach_interface},
     {"DetachNetworkInterface", detach_interface},
     {"DeleteNetworkInterface", delete_interface},
     {"ModifyNetworkInterfaceAttribute", modify_interface},
     {"AssignPrivateIpAddresses", assign_addresses},
     {"UnassignPrivateIpAddresses", unassign_addresses},
     {"AssignIpv6Addresses", assign_ipv6},
     {"UnassignIpv6Addresses", unassign_ipv6},
     {"CreateTags", create_tags},
     {"DeleteTags", delete_tags}}};

}  // namespace

std::span<const Action> change_actions() {
  return kChangeActions;
}

}  // namespace vpccni::vpc
