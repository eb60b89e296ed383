#include <cstring>
#include <pugixml.hpp>

#include "aws/ec2_query.h"
#include "base/text.h"

namespace vpccni::aws {

namespace {

constexpr int kMaxDepth = 64;

/// Reads foreign bytes; false if they are no XML or nested too deep. Namespace prefixes go. The
/// walk is no recursion, as pugixml's own parsing and freeing are none.
bool load(pugi::xml_document& document, std::string_view xml) {
  if (!document.load_buffer(xml.data(), xml.size())) {
    return false;
  }
  int depth = 1;
  for (auto node = document.document_element(); node;) {
    if (const char* colon = std::strchr(node.name(), ':'); colon != nullptr) {
      node.set_name(std::string(colon + 1).c_str());
    }
    if (node.first_child()) {
      if (++depth > kMaxDepth) {
        return false;
      }
      node = node.first_child();
      continue;
    }
    while (depth > 1 && !node.next_sibling()) {
      node = node.parent();
      --depth;
    }
    node = depth > 1 ? node.next_sibling() : pugi::xml_node();
  }
  return true;
}

/// The root of an answer. Its name ends with "Response" when it is EC2's.
Result<pugi::xml_node> root_of(pugi::xml_document& document, std::string_view xml) {
  if (!load(document, xml)) {
    return Error{Errc::corrupt,
                 "EC2 answers something that is no XML (" + std::to_string(xml.size()) + " bytes)"};
  }
  const auto root = document.document_element();
  if (!std::string_view(root.name()).ends_with("Response")) {
    return Error{Errc::corrupt, "EC2 answers an unknown document <" +
                                    std::string(root.name()).substr(0, 64) + ">"};
  }
  return root;
}

Result<std::string> required(const pugi::xml_node& node, const char* name) {
  std::string value(base::trim(node.child_value(name)));
  if (value.empty()) {
    return Error{Errc::corrupt, std::string("EC2's answer lacks ") + name};
  }
  return value;
}

/// What an answer holds wrongly is corrupt, whatever the value's own parser calls it.
template <class T>
Result<T> foreign(Result<T> value) {
  if (!value) {
    return Error{Errc::corrupt, "EC2's answer: " + value.error().message};
  }
  return value;
}

Result<net::Ip> ip_of(const char* text) {
  return foreign(net::Ip::parse(base::trim(text)));
}

Result<net::Cidr> cidr_of(const char* text) {
  return foreign(net::Cidr::parse(base::trim(text)));
}

/// Absent is 0, as upstream's readers take it; something else than a count or index is corrupt.
Result<int> number(const pugi::xml_node& node, const char* name) {
  const auto text = base::trim(node.child_value(name));
  if (text.empty()) {
    return 0;
  }
  VPCCNI_TRY(const int value, wrap(foreign(base::parse_integer<int>(text)), name));
  if (value < 0) {
    return Error{Errc::corrupt, std::string("EC2's answer has a negative ") + name};
  }
  return value;
}

/// Absent stays absent.
Result<std::optional<int>> optional_number(const pugi::xml_node& node, const char* name) {
  if (!node.child(name)) {
    return std::optional<int>();
  }
  VPCCNI_TRY(const int value, number(node, name));
  return std::optional(value);
}

bool is_true(const pugi::xml_node& node, const char* name) {
  return std::string_view(node.child_value(name)) == "true";
}

Tags tags_of(const pugi::xml_node& node) {
  Tags tags;
  for (const auto item : node.child("tagSet").children("item")) {
    tags[item.child_value("key")] = item.child_value("value");
  }
  return tags;
}

Result<Attachment> attachment_of(const pugi::xml_node& node) {
  Attachment attachment;
  VPCCNI_TRY(auto id, required(node, "attachmentId"));
  attachment.id = net::AttachmentId(std::move(id));
  attachment.instance = net::InstanceId(node.child_value("instanceId"));
  VPCCNI_TRY(const int device, number(node, "deviceIndex"));
  VPCCNI_TRY(const int card, number(node, "networkCardIndex"));
  attachment.device = net::DeviceIndex(device);
  attachment.card = net::NetworkCard(card);
  attachment.status = node.child_value("status");
  attachment.delete_on_termination = is_true(node, "deleteOnTermination");
  return attachment;
}

EniKind kind_of(std::string_view type) {
  return type == "trunk"      ? EniKind::trunk
         : type == "branch"   ? EniKind::branch
         : type == "efa"      ? EniKind::efa
         : type == "efa-only" ? EniKind::efa_only
                              : EniKind::ordinary;
}

Result<std::vector<net::Cidr>> prefixes_of(const pugi::xml_node& set, const char* name) {
  std::vector<net::Cidr> all;
  for (const auto item : set.children("item")) {
    const char* text = *name == '\0' ? item.child_value() : item.child_value(name);
    VPCCNI_TRY(const auto cidr, cidr_of(text));
    all.push_back(cidr);
  }
  return all;
}

Result<> read_addresses(const pugi::xml_node& node, Eni& eni) {
  for (const auto item : node.child("privateIpAddressesSet").children("item")) {
    VPCCNI_TRY(const auto ip, ip_of(item.child_value("privateIpAddress")));
    const EniAddress address{ip, is_true(item, "primary")};
    eni.addresses.insert(address.primary ? eni.addresses.begin() : eni.addresses.end(), address);
  }
  if (eni.addresses.empty()) {
    if (const auto text = node.child_value("privateIpAddress"); *text != '\0') {
      VPCCNI_TRY(const auto ip, ip_of(text));
      eni.addresses.push_back({ip, true});
    }
  }
  VPCCNI_TRY(eni.prefixes, prefixes_of(node.child("ipv4PrefixSet"), "ipv4Prefix"));
  for (const auto item : node.child("ipv6AddressesSet").children("item")) {
    VPCCNI_TRY(const auto ip, ip_of(item.child_value("ipv6Address")));
    eni.ipv6_addresses.push_back(ip);
  }
  VPCCNI_TRY(eni.ipv6_prefixes, prefixes_of(node.child("ipv6PrefixSet"), "ipv6Prefix"));
  return {};
}

Result<ConnectionTracking> tracking_of(const pugi::xml_node& node) {
  ConnectionTracking tracking;
  VPCCNI_TRY(tracking.tcp_established, optional_number(node, "tcpEstablishedTimeout"));
  VPCCNI_TRY(tracking.udp_stream, optional_number(node, "udpStreamTimeout"));
  VPCCNI_TRY(tracking.udp, optional_number(node, "udpTimeout"));
  return tracking;
}

Result<Eni> eni_of(const pugi::xml_node& node) {
  Eni eni;
  VPCCNI_TRY(auto id, required(node, "networkInterfaceId"));
  eni.id = net::EniId(std::move(id));
  eni.subnet = net::SubnetId(node.child_value("subnetId"));
  eni.vpc = net::VpcId(node.child_value("vpcId"));
  eni.availability_zone = node.child_value("availabilityZone");
  eni.description = node.child_value("description");
  eni.status = node.child_value("status");
  eni.kind = kind_of(node.child_value("interfaceType"));
  eni.tags = tags_of(node);
  if (const auto mac = base::trim(node.child_value("macAddress")); !mac.empty()) {
    VPCCNI_TRY(eni.mac, foreign(net::Mac::parse(mac)));
  }
  for (const auto item : node.child("groupSet").children("item")) {
    eni.groups.emplace_back(item.child_value("groupId"));
  }
  if (const auto attachment = node.child("attachment");
      attachment && attachment.child("attachmentId")) {
    VPCCNI_TRY(eni.attachment, attachment_of(attachment));
  }
  VPCCNI_TRY(eni.tracking, tracking_of(node.child("connectionTrackingConfiguration")));
  VPCCNI_CHECK(wrap(read_addresses(node, eni), to_string(eni.id)));
  return eni;
}

}  // namespace

Result<EniPage> parse_network_interfaces(std::string_view xml) {
  pugi::xml_document document;
  VPCCNI_TRY(const auto root, root_of(document, xml));
  EniPage page;
  for (const auto item : root.child("networkInterfaceSet").children("item")) {
    VPCCNI_TRY(auto eni, eni_of(item));
    page.enis.push_back(std::move(eni));
  }
  page.next_token = root.child_value("nextToken");
  return page;
}

Result<std::vector<Attachment>> parse_instance_attachments(std::string_view xml) {
  pugi::xml_document document;
  VPCCNI_TRY(const auto root, root_of(document, xml));
  std::vector<Attachment> all;
  int instances = 0;
  for (const auto reservation : root.child("reservationSet").children("item")) {
    for (const auto instance : reservation.child("instancesSet").children("item")) {
      ++instances;
      for (const auto eni : instance.child("networkInterfaceSet").children("item")) {
        // Without its id it is corrupt: a device in use must not look free.
        if (const auto node = eni.child("attachment"); node.first_child()) {
          VPCCNI_TRY(auto attachment, attachment_of(node));
          all.push_back(std::move(attachment));
        }
      }
    }
  }
  if (instances != 1) {
    return Error{Errc::corrupt,
                 "EC2 lists " + std::to_string(instances) + " instances where one was asked for"};
  }
  return all;
}

Result<SubnetPage> parse_subnets(std::string_view xml) {
  pugi::xml_document document;
  VPCCNI_TRY(const auto root, root_of(document, xml));
  SubnetPage page;
  for (const auto item : root.child("subnetSet").children("item")) {
    Subnet subnet;
    VPCCNI_TRY(auto id, required(item, "subnetId"));
    subnet.id = net::SubnetId(std::move(id));
    subnet.vpc = net::VpcId(item.child_value("vpcId"));
    subnet.availability_zone = item.child_value("availabilityZone");
    if (const auto cidr = item.child_value("cidrBlock"); *cidr != '\0') {
      VPCCNI_TRY(subnet.cidr, cidr_of(cidr));
    }
    for (const auto block : item.child("ipv6CidrBlockAssociationSet").children("item")) {
      if (std::string_view(block.child("ipv6CidrBlockState").child_value("state")) ==
          "associated") {
        VPCCNI_TRY(subnet.ipv6_cidr, cidr_of(block.child_value("ipv6CidrBlock")));
      }
    }
    VPCCNI_TRY(subnet.available_addresses, number(item, "availableIpAddressCount"));
    subnet.tags = tags_of(item);
    page.subnets.push_back(std::move(subnet));
  }
  page.next_token = root.child_value("nextToken");
  return page;
}

Result<InstanceLimits> parse_instance_type(std::string_view xml) {
  pugi::xml_document document;
  VPCCNI_TRY(const auto root, root_of(document, xml));
  const auto set = root.child("instanceTypeSet");
  const auto item = set.child("item");
  const auto network = item.child("networkInfo");
  if (!network || item.next_sibling("item")) {
    return Error{Errc::corrupt, "EC2 does not describe exactly one instance type with networkInfo"};
  }
  VPCCNI_TRY([[maybe_unused]] const auto type, required(item, "instanceType"));
  InstanceLimits limits;
  VPCCNI_TRY(const int card, number(network, "defaultNetworkCardIndex"));
  VPCCNI_TRY(const int cards, number(network, "maximumNetworkCards"));
  limits.default_card = net::NetworkCard(card);
  VPCCNI_TRY(limits.ipv4_per_eni, number(network, "ipv4AddressesPerInterface"));
  VPCCNI_TRY(limits.enis, number(network, "maximumNetworkInterfaces"));
  for (const auto one : network.child("networkCards").children("item")) {
    CardLimit limit;
    VPCCNI_TRY(const int index, number(one, "networkCardIndex"));
    VPCCNI_TRY(limit.enis, number(one, "maximumNetworkInterfaces"));
    limit.card = net::NetworkCard(index);
    if (limit.card == limits.default_card) {
      limits.enis = limit.enis;  // the default card's, not the instance's total (Q15)
    }
    limits.cards.push_back(limit);
  }
  if (limits.cards.size() < static_cast<std::size_t>(cards)) {
    return Error{Errc::corrupt, "EC2 lists fewer network cards than this instance type has"};
  }
  const std::string hypervisor = item.child_value("hypervisor");
  limits.hypervisor = hypervisor.empty() ? "unknown" : hypervisor;
  limits.bare_metal = is_true(item, "bareMetal");
  if (limits.enis <= 0 || limits.ipv4_per_eni <= 0) {
    return Error{Errc::corrupt, "EC2 gives no ENI limits for this instance type"};
  }
  return limits;
}

Result<Eni> parse_created(std::string_view xml) {
  pugi::xml_document document;
  VPCCNI_TRY(const auto root, root_of(document, xml));
  return eni_of(root.child("networkInterface"));
}

Result<net::AttachmentId> parse_attached(std::string_view xml) {
  pugi::xml_document document;
  VPCCNI_TRY(const auto root, root_of(document, xml));
  VPCCNI_TRY(auto id, required(root, "attachmentId"));
  return net::AttachmentId(std::move(id));
}

Result<Added> parse_assigned(std::string_view xml) {
  pugi::xml_document document;
  VPCCNI_TRY(const auto root, root_of(document, xml));
  Added added;
  for (const auto item : root.child("assignedPrivateIpAddressesSet").children("item")) {
    VPCCNI_TRY(const auto ip, ip_of(item.child_value("privateIpAddress")));
    added.addresses.push_back(ip);
  }
  VPCCNI_TRY(added.prefixes, prefixes_of(root.child("assignedIpv4PrefixSet"), "ipv4Prefix"));
  return added;
}

Result<Added> parse_assigned_ipv6(std::string_view xml) {
  pugi::xml_document document;
  VPCCNI_TRY(const auto root, root_of(document, xml));
  Added added;
  VPCCNI_TRY(added.prefixes, prefixes_of(root.child("assignedIpv6PrefixSet"), ""));
  return added;
}

Result<> parse_done(std::string_view xml) {
  pugi::xml_document document;
  VPCCNI_TRY([[maybe_unused]] const auto root, root_of(document, xml));
  return {};
}

std::optional<ApiError> parse_error(std::string_view xml) {
  pugi::xml_document document;
  if (!load(document, xml)) {
    return std::nullopt;
  }
  const auto root = document.document_element();
  const auto error = root.child("Errors").child("Error");
  if (std::string_view(root.name()) != "Response" || !error) {
    return std::nullopt;
  }
  ApiError out{error.child_value("Code"), error.child_value("Message"),
               root.child_value("RequestID")};
  if (out.code.empty()) {
    out.code = "UnknownError";
  }
  return out;
}

}  // namespace vpccni::aws
