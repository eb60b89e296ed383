#include <algorithm>

#include "aws/ec2_query.h"
#include "base/text.h"

namespace vpccni::aws {

namespace {

Form action(std::string name) {
  return {{"Action", std::move(name)}, {"Version", "2016-11-15"}};
}

template <class Items>
void add_list(Form& form, const std::string& name, const Items& items) {
  int n = 0;
  for (const auto& item : items) {
    form.emplace_back(name + "." + std::to_string(++n), to_string(item));
  }
}

void add_tags(Form& form, const std::string& prefix, const Tags& tags) {
  int n = 0;
  for (const auto& [key, value] : tags) {
    const std::string at = prefix + "." + std::to_string(++n);
    form.emplace_back(at + ".Key", key);
    form.emplace_back(at + ".Value", value);
  }
}

void add_filter(Form& form, int number, const std::string& name,
                const std::vector<std::string>& values) {
  const std::string at = "Filter." + std::to_string(number);
  form.emplace_back(at + ".Name", name);
  int n = 0;
  for (const auto& value : values) {
    form.emplace_back(at + ".Value." + std::to_string(++n), value);
  }
}

}  // namespace

std::string encode(Form form) {
  std::sort(form.begin(), form.end());
  std::string body;
  for (const auto& [key, value] : form) {
    body +=
        (body.empty() ? "" : "&") + base::percent_encode(key) + "=" + base::percent_encode(value);
  }
  return body;
}

Form describe_network_interfaces(const EniFilter& filter, int page_size,
                                 const std::string& next_token) {
  Form form = action("DescribeNetworkInterfaces");
  add_list(form, "NetworkInterfaceId", filter.ids);
  int number = 0;
  for (const auto& [name, values] : filter.filters) {
    add_filter(form, ++number, name, values);
  }
  if (filter.ids.empty()) {  // paging and ids exclude each other
    form.emplace_back("MaxResults", std::to_string(page_size));
    if (!next_token.empty()) {
      form.emplace_back("NextToken", next_token);
    }
  }
  return form;
}

Form describe_instance(const net::InstanceId& instance) {
  Form form = action("DescribeInstances");
  form.emplace_back("InstanceId.1", to_string(instance));
  return form;
}

Form describe_subnets(const net::VpcId& vpc, const std::string& zone,
                      const std::string& next_token) {
  Form form = action("DescribeSubnets");
  add_filter(form, 1, "vpc-id", {to_string(vpc)});
  add_filter(form, 2, "availability-zone", {zone});
  if (!next_token.empty()) {
    form.emplace_back("NextToken", next_token);
  }
  return form;
}

Form describe_instance_type(const std::string& type) {
  Form form = action("DescribeInstanceTypes");
  form.emplace_back("InstanceType.1", type);
  return form;
}

Form create_network_interface(const NewEni& wanted, const std::string& client_token) {
  Form form = action("CreateNetworkInterface");
  form.emplace_back("ClientToken", client_token);
  form.emplace_back("Description", wanted.description);
  form.emplace_back("SubnetId", to_string(wanted.subnet));
  add_list(form, "SecurityGroupId", wanted.groups);
  if (wanted.ipv6_addresses > 0) {
    form.emplace_back("Ipv6AddressCount", std::to_string(wanted.ipv6_addresses));
  } else if (wanted.prefixes > 0) {
    form.emplace_back("Ipv4PrefixCount", std::to_string(wanted.prefixes));
  } else {
    form.emplace_back("SecondaryPrivateIpAddressCount", std::to_string(wanted.secondary_addresses));
  }
  if (!wanted.tags.empty()) {
    form.emplace_back("TagSpecification.1.ResourceType", "network-interface");
    add_tags(form, "TagSpecification.1.Tag", wanted.tags);
  }
  const auto add_timeout = [&](const char* name, const std::optional<int>& seconds) {
    if (seconds) {
      form.emplace_back("ConnectionTrackingSpecification." + std::string(name),
                        std::to_string(*seconds));
    }
  };
  add_timeout("TcpEstablishedTimeout", wanted.tracking.tcp_established);
  add_timeout("UdpStreamTimeout", wanted.tracking.udp_stream);
  add_timeout("UdpTimeout", wanted.tracking.udp);
  return form;
}

Form attach_network_interface(const net::EniId& eni, const net::InstanceId& instance,
                              net::NetworkCard card, net::DeviceIndex device) {
  Form form = action("AttachNetworkInterface");
  form.emplace_back("DeviceIndex", to_string(device));
  form.emplace_back("InstanceId", to_string(instance));
  form.emplace_back("NetworkCardIndex", to_string(card));  // always, also 0: see aws.md 1.6.5
  form.emplace_back("NetworkInterfaceId", to_string(eni));
  return form;
}

Form set_delete_on_termination(const net::EniId& eni, const net::AttachmentId& id) {
  Form form = action("ModifyNetworkInterfaceAttribute");
  form.emplace_back("Attachment.AttachmentId", to_string(id));
  form.emplace_back("Attachment.DeleteOnTermination", "true");
  form.emplace_back("NetworkInterfaceId", to_string(eni));
  return form;
}

Form set_security_groups(const net::EniId& eni, const std::vector<net::SecurityGroupId>& groups) {
  Form form = action("ModifyNetworkInterfaceAttribute");
  form.emplace_back("NetworkInterfaceId", to_string(eni));
  add_list(form, "SecurityGroupId", groups);
  return form;
}

Form detach_network_interface(const net::AttachmentId& id) {
  Form form = action("DetachNetworkInterface");
  form.emplace_back("AttachmentId", to_string(id));
  return form;
}

Form delete_network_interface(const net::EniId& eni) {
  Form form = action("DeleteNetworkInterface");
  form.emplace_back("NetworkInterfaceId", to_string(eni));
  return form;
}

namespace {

Form counted(std::string name, const net::EniId& eni, std::string what, int count) {
  Form form = action(std::move(name));
  form.emplace_back("NetworkInterfaceId", to_string(eni));
  form.emplace_back(std::move(what), std::to_string(count));
  return form;
}

}  // namespace

Form assign_private_addresses(const net::EniId& eni, int count) {
  return counted("AssignPrivateIpAddresses", eni, "SecondaryPrivateIpAddressCount", count);
}

Form assign_private_prefixes(const net::EniId& eni, int count) {
  return counted("AssignPrivateIpAddresses", eni, "Ipv4PrefixCount", count);
}

Form assign_ipv6_prefix(const net::EniId& eni, int count) {
  return counted("AssignIpv6Addresses", eni, "Ipv6PrefixCount", count);
}

Form unassign_private_addresses(const net::EniId& eni, const std::vector<net::Ip>& ips) {
  Form form = action("UnassignPrivateIpAddresses");
  form.emplace_back("NetworkInterfaceId", to_string(eni));
  add_list(form, "PrivateIpAddress", ips);
  return form;
}

Form unassign_private_prefixes(const net::EniId& eni, const std::vector<net::Cidr>& which) {
  Form form = action("UnassignPrivateIpAddresses");
  form.emplace_back("NetworkInterfaceId", to_string(eni));
  add_list(form, "Ipv4Prefix", which);
  return form;
}

Form unassign_ipv6_prefixes(const net::EniId& eni, const std::vector<net::Cidr>& which) {
  Form form = action("UnassignIpv6Addresses");
  form.emplace_back("NetworkInterfaceId", to_string(eni));
  add_list(form, "Ipv6Prefix", which);
  return form;
}

Form create_tags(const std::string& resource, const Tags& tags) {
  Form form = action("CreateTags");
  form.emplace_back("ResourceId.1", resource);
  add_tags(form, "Tag", tags);
  return form;
}

}  // namespace vpccni::aws
