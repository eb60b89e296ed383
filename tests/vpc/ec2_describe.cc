// The Describe actions: filters and pages (spec aws.md 1.5, 6.5).

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "tests/vpc/ec2_api.h"
#include "tests/vpc/ec2_elements.h"

namespace vpccni::vpc {

namespace {

/// What filters compare: filter name -> values of the object.
using Properties = std::multimap<std::string, std::string, std::less<>>;

void add_tag_properties(Properties& properties, const aws::Tags& tags) {
  for (const auto& [key, value] : tags) {
    properties.emplace("tag:" + key, value);
    properties.emplace("tag-key", key);
  }
}

bool passes(const Properties& properties, const Filter& filter) {
  const auto [first, last] = properties.equal_range(filter.name);
  return std::any_of(first, last, [&](const auto& property) {
    return std::any_of(filter.values.begin(), filter.values.end(),
                       [&](const auto& pattern) { return matches(pattern, property.second); });
  });
}

Result<> check_filters(const std::vector<Filter>& filters,
                       std::initializer_list<std::string_view> known) {
  for (const auto& filter : filters) {
    const bool tag = filter.name == "tag-key" || filter.name.starts_with("tag:");
    if (!tag && std::find(known.begin(), known.end(), filter.name) == known.end()) {
      return refusal("InvalidParameterValue",
                     "The filter '" + filter.name.substr(0, 128) + "' is invalid");
    }
    if (filter.values.empty()) {
      return refusal("InvalidParameterValue",
                     "The filter '" + filter.name.substr(0, 128) + "' has no value");
    }
  }
  return {};
}

bool passes_all(const Properties& properties, const std::vector<Filter>& filters) {
  return std::all_of(filters.begin(), filters.end(),
                     [&](const Filter& filter) { return passes(properties, filter); });
}

struct Page {
  std::size_t size = 0;  // 0 = everything
  std::string after;     // the last id of the page before
};

/// Tokens are opaque to clients: the hexadecimal form of the last id.
Result<Page> read_page(Query& query, bool by_id, int most) {
  VPCCNI_TRY(const auto size, query.number("MaxResults"));
  const auto token = query.text("NextToken").value_or("");
  if (size && by_id) {
    return refusal("InvalidParameterCombination",
                   "The parameter MaxResults cannot be used together with a list of ids");
  }
  if (size && (*size < 5 || *size > most)) {
    return refusal("InvalidParameterValue", "Value ( " + std::to_string(*size) +
                                                " ) for parameter maxResults is invalid. "
                                                "Expecting a value between 5 and " +
                                                std::to_string(most) + ".");
  }
  Page page{static_cast<std::size_t>(size.value_or(0)), {}};
  for (std::size_t i = 0; i + 1 < token.size(); i += 2) {
    unsigned byte = 0;
    const char* digits = token.data() + i;
    if (std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) {
      return refusal("InvalidParameterValue", "The token is invalid");
    }
    page.after += static_cast<char>(byte);
  }
  if (token.size() % 2 != 0) {
    return refusal("InvalidParameterValue", "The token is invalid");
  }
  return page;
}

/// Adds the items of this page to <set> and, if there are more, the token of the next.
template <class T, class Add>
void add_page(Xml& xml, const char* set, const std::vector<const T*>& all, const Page& page,
              Add add) {
  xml.open(set);
  std::size_t shown = 0;
  const T* last = nullptr;
  bool more = false;
  for (const T* one : all) {
    if (to_string(one->id) <= page.after) {
      continue;
    }
    if (page.size > 0 && shown == page.size) {
      more = true;
      break;
    }
    add(*one);
    last = one;
    ++shown;
  }
  xml.close(set);
  if (more) {
    xml.add("nextToken", base::hex(to_string(last->id)));
  }
}

/// Those of `table` that are asked for by id (or all) and pass the filters. `missing` names the
/// error of an unknown id.
template <class Table, class Missing, class PropertiesOf>
auto select(const Table& table, const std::vector<std::string>& ids,
            const std::vector<Filter>& filters, Missing missing, PropertiesOf properties_of)
    -> Result<std::vector<const typename Table::mapped_type*>> {
  for (const auto& id : ids) {
    if (!table.contains(typename Table::key_type(id))) {
      return missing(id);
    }
  }
  std::vector<const typename Table::mapped_type*> chosen;
  for (const auto& [id, one] : table) {
    const bool wanted =
        ids.empty() || std::find(ids.begin(), ids.end(), to_string(id)) != ids.end();
    if (wanted && passes_all(properties_of(one), filters)) {
      chosen.push_back(&one);
    }
  }
  return chosen;
}

Properties eni_properties(const Model& model, const Eni& eni) {
  Properties all = {{"network-interface-id", to_string(eni.id)},
                    {"subnet-id", to_string(eni.subnet)},
                    {"vpc-id", to_string(eni.vpc)},
                    {"availability-zone", eni.availability_zone},
                    {"status", eni.status},
                    {"description", eni.description},
                    {"owner-id", model.options().account},
                    {"interface-type", std::string(name_of(eni.kind))},
                    {"mac-address", to_string(eni.mac)},
                    {"private-ip-address", to_string(eni.primary())},
                    {"source-dest-check", eni.source_dest_check ? "true" : "false"}};
  for (const auto& group : eni.groups) {
    all.emplace("group-id", to_string(group));
  }
  for (const auto& address : eni.addresses) {
    all.emplace("addresses.private-ip-address", to_string(address.ip));
  }
  if (eni.attachment) {
    const auto& where = *eni.attachment;
    all.emplace("attachment.attachment-id", to_string(where.id));
    all.emplace("attachment.instance-id", to_string(where.instance));
    all.emplace("attachment.status", where.status);
    all.emplace("attachment.device-index", to_string(where.device));
    all.emplace("attachment.delete-on-termination", where.delete_on_termination ? "true" : "false");
  }
  add_tag_properties(all, eni.tags);
  return all;
}

Result<std::string> describe_enis(Call& call) {
  const auto ids = call.query.list("NetworkInterfaceId");
  const auto filters = call.query.filters();
  VPCCNI_TRY(const auto page, read_page(call.query, !ids.empty(), 1000));
  VPCCNI_CHECK(check_filters(
      filters, {"network-interface-id", "subnet-id", "vpc-id", "availability-zone", "status",
                "description", "owner-id", "interface-type", "mac-address", "private-ip-address",
                "addresses.private-ip-address", "source-dest-check", "group-id",
                "attachment.attachment-id", "attachment.instance-id", "attachment.status",
                "attachment.device-index", "attachment.delete-on-termination"}));
  for (const auto& id : ids) {
    if (!is_id(id, "eni-")) {
      return refusal("InvalidNetworkInterfaceId.Malformed",
                     "Invalid id: \"" + id.substr(0, 64) + "\"");
    }
  }
  VPCCNI_CHECK(call.ready());
  VPCCNI_TRY(const auto chosen,
             select(
                 call.model.enis(), ids, filters,
                 [](const auto& id) { return no_such_eni(net::EniId(id)); },
                 [&](const Eni& eni) { return eni_properties(call.model, eni); }));
  Xml xml;
  add_page(xml, "networkInterfaceSet", chosen, page,
           [&](const Eni& eni) { add_eni(xml, "item", call.model, eni); });
  return xml.text();
}

Result<std::string> describe_instances(Call& call) {
  const auto ids = call.query.list("InstanceId");
  const auto filters = call.query.filters();
  VPCCNI_TRY(const auto page, read_page(call.query, !ids.empty(), 1000));
  VPCCNI_CHECK(check_filters(
      filters, {"instance-id", "instance-state-name", "instance-type", "vpc-id", "subnet-id",
                "availability-zone", "private-ip-address", "private-dns-name"}));
  for (const auto& id : ids) {
    if (!is_id(id, "i-")) {
      return refusal("InvalidInstanceID.Malformed", "Invalid id: \"" + id.substr(0, 64) + "\"");
    }
  }
  VPCCNI_CHECK(call.ready());
  const auto properties = [](const Instance& instance) {
    Properties all = {{"instance-id", to_string(instance.id)},
                      {"instance-state-name", state_of(instance).name},
                      {"instance-type", instance.type},
                      {"vpc-id", to_string(instance.vpc)},
                      {"subnet-id", to_string(instance.subnet)},
                      {"availability-zone", instance.zone},
                      {"private-ip-address", to_string(instance.address)},
                      {"private-dns-name", instance.private_dns}};
    add_tag_properties(all, instance.tags);
    return all;
  };
  VPCCNI_TRY(const auto chosen,
             select(
                 call.model.instances(), ids, filters,
                 [](const auto& id) { return no_such_instance(net::InstanceId(id)); }, properties));
  Xml xml;
  add_page(xml, "reservationSet", chosen, page,
           [&](const Instance& instance) { add_instance(xml, call.model, instance); });
  return xml.text();
}

Result<std::string> describe_subnets(Call& call) {
  const auto ids = call.query.list("SubnetId");
  const auto filters = call.query.filters();
  VPCCNI_TRY(const auto page, read_page(call.query, !ids.empty(), 1000));
  VPCCNI_CHECK(check_filters(filters, {"vpc-id", "availability-zone", "availabilityZone",
                                       "subnet-id", "cidr-block", "cidr", "state"}));
  VPCCNI_CHECK(call.ready());
  const auto properties = [](const Subnet& subnet) {
    Properties all = {{"vpc-id", to_string(subnet.vpc)},
                      {"availability-zone", subnet.availability_zone},
                      {"availabilityZone", subnet.availability_zone},
                      {"subnet-id", to_string(subnet.id)},
                      {"cidr-block", to_string(subnet.cidr)},
                      {"cidr", to_string(subnet.cidr)},
                      {"state", "available"}};
    add_tag_properties(all, subnet.tags);
    return all;
  };
  const auto missing = [](const auto& id) {
    return refusal("InvalidSubnetID.NotFound", "The subnet ID '" + id + "' does not exist");
  };
  VPCCNI_TRY(const auto chosen, select(call.model.subnets(), ids, filters, missing, properties));
  Xml xml;
  add_page(xml, "subnetSet", chosen, page,
           [&](const Subnet& subnet) { add_subnet(xml, call.model, subnet); });
  return xml.text();
}

Result<std::string> describe_vpcs(Call& call) {
  const auto ids = call.query.list("VpcId");
  const auto filters = call.query.filters();
  VPCCNI_TRY(const auto page, read_page(call.query, !ids.empty(), 1000));
  VPCCNI_CHECK(check_filters(filters, {"vpc-id", "cidr", "state"}));
  VPCCNI_CHECK(call.ready());
  const auto properties = [](const Vpc& vpc) {
    Properties all = {{"vpc-id", to_string(vpc.id)},
                      {"cidr", to_string(vpc.cidrs.front())},
                      {"state", "available"}};
    add_tag_properties(all, vpc.tags);
    return all;
  };
  const auto missing = [](const auto& id) {
    return refusal("InvalidVpcID.NotFound", "The vpc ID '" + id + "' does not exist");
  };
  VPCCNI_TRY(const auto chosen, select(call.model.vpcs(), ids, filters, missing, properties));
  Xml xml;
  add_page(xml, "vpcSet", chosen, page, [&](const Vpc& vpc) { add_vpc(xml, call.model, vpc); });
  return xml.text();
}

Result<std::string> describe_groups(Call& call) {
  const auto ids = call.query.list("GroupId");
  const auto filters = call.query.filters();
  VPCCNI_TRY(const auto page, read_page(call.query, !ids.empty(), 1000));
  VPCCNI_CHECK(check_filters(filters, {"group-id", "group-name", "vpc-id"}));
  VPCCNI_CHECK(call.ready());
  const auto properties = [](const SecurityGroup& group) {
    Properties all = {{"group-id", to_string(group.id)},
                      {"group-name", group.name},
                      {"vpc-id", to_string(group.vpc)}};
    add_tag_properties(all, group.tags);
    return all;
  };
  const auto missing = [](const auto& id) {
    return refusal("InvalidGroup.NotFound", "The security group '" + id + "' does not exist");
  };
  VPCCNI_TRY(const auto chosen, select(call.model.groups(), ids, filters, missing, properties));
  Xml xml;
  add_page(xml, "securityGroupInfo", chosen, page,
           [&](const SecurityGroup& group) { add_group(xml, call.model, group); });
  return xml.text();
}

Result<std::string> describe_types(Call& call) {
  auto types = call.query.list("InstanceType");
  VPCCNI_TRY([[maybe_unused]] const auto page, read_page(call.query, !types.empty(), 100));
  VPCCNI_CHECK(call.ready());
  if (types.empty()) {  // the ones in use stand for all
    std::set<std::string> used;
    for (const auto& [id, instance] : call.model.instances()) {
      used.insert(instance.type);
    }
    types.assign(used.begin(), used.end());
  }
  Xml xml;
  xml.open("instanceTypeSet");
  for (const auto& type : types) {
    const auto* limits = call.model.find_limits(type);
    if (limits == nullptr) {
      return refusal("InvalidInstanceType",
                     "The following supplied instance types do not exist: [" + type + "]");
    }
    add_type(xml, type, *limits);
  }
  xml.close("instanceTypeSet");
  return xml.text();
}

Result<std::string> describe_tags(Call& call) {
  const auto filters = call.query.filters();
  VPCCNI_TRY([[maybe_unused]] const auto page, read_page(call.query, false, 1000));
  VPCCNI_CHECK(check_filters(filters, {"resource-id", "resource-type", "key", "value"}));
  VPCCNI_CHECK(call.ready());
  Xml xml;
  xml.open("tagSet");
  const auto add_all = [&](const auto& table, const char* type) {
    for (const auto& [id, one] : table) {
      for (const auto& [key, value] : one.tags) {
        const Properties properties = {{"resource-id", to_string(id)},
                                       {"resource-type", type},
                                       {"key", key},
                                       {"value", value},
                                       {"tag-key", key},
                                       {"tag:" + key, value}};
        if (passes_all(properties, filters)) {
          xml.open("item").add("resourceId", to_string(id)).add("resourceType", type);
          xml.add("key", key).add("value", value).close("item");
        }
      }
    }
  };
  add_all(call.model.instances(), "instance");
  add_all(call.model.enis(), "network-interface");
  add_all(call.model.groups(), "security-group");
  add_all(call.model.subnets(), "subnet");
  add_all(call.model.vpcs(), "vpc");
  xml.close("tagSet");
  return xml.text();
}

constexpr std::array<Action, 7> kDescribeActions = {{{"DescribeNetworkInterfaces", describe_enis},
                                                     {"DescribeInstances", describe_instances},
                                                     {"DescribeSubnets", describe_subnets},
                                                     {"DescribeVpcs", describe_vpcs},
                                                     {"DescribeSecurityGroups", describe_groups},
                                                     {"DescribeInstanceTypes", describe_types},
                                                     {"DescribeTags", describe_tags}}};

}  // namespace

std::span<const Action> describe_actions() {
  return kDescribeActions;
}

}  // namespace vpccni::vpc
