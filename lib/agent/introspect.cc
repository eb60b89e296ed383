#include "agent/introspect.h"

#include <map>

#include "agent/go_json.h"

namespace vpccni::agent {

namespace {

using base::OrderedJson;

struct Page {
  std::string_view path;
  std::string (*body)(const Inspected&);
};

// Upstream's four first, then ours.
constexpr Page kPages[] = {
    {"/v1/enis", enis_page},
    {kEniConfigsPath, eni_configs_page},
    {"/v1/networkutils-env-settings", networkutils_page},
    {"/v1/ipamd-env-settings", ipamd_page},
    {"/v1/pods", pods_page},
    {"/v1/plan", plan_page},
    {"/v1/targets", targets_page},
    {"/v1/failures", failures_page},
    {"/v1/quarantine", quarantine_page},
    {"/v1/fips", fips_page},
};

/// An object whose members are sorted as text, as Go sorts a map.
OrderedJson sorted(const std::map<std::string, OrderedJson>& members) {
  OrderedJson object = OrderedJson::object();
  for (const auto& [key, value] : members) {
    object[key] = value;
  }
  return object;
}

OrderedJson address_json(const net::Ip& ip, const ipam::AddressRecord& record, bool scrub) {
  const ipam::PodKey key = record.key.value_or(ipam::PodKey{});
  OrderedJson metadata = OrderedJson::object();
  if (!record.pod.name_space.empty()) {
    metadata["k8sPodNamespace"] = record.pod.name_space;
  }
  if (!record.pod.name.empty()) {
    metadata["k8sPodName"] = record.pod.name;
  }
  if (record.pod.interfaces != 0) {
    metadata["interfacesCount"] = record.pod.interfaces;
  }
  return {{"Address", to_string(ip)},
          {"IPAMKey",
           {{"networkName", key.network},
            {"containerID", scrub ? "" : key.container},
            {"ifName", scrub ? "" : key.ifname}}},
          {"IPAMMetadata", metadata},
          {"AssignedTime", go_time(record.assigned)},
          {"UnassignedTime", go_time(record.released)}};
}

OrderedJson block_json(const ipam::Block& block, bool scrub) {
  std::map<std::string, OrderedJson> addresses;
  for (const auto& [ip, record] : block.addresses) {
    addresses[to_string(ip)] = address_json(ip, record, scrub);
  }
  return {{"Cidr", go_cidr(block.cidr)},
          {"IPAddresses", sorted(addresses)},
          {"IsPrefix", block.prefix},
          {"AddressFamily", ""}};
}

OrderedJson eni_json(const ipam::EniEntry& eni, bool scrub) {
  std::map<std::string, OrderedJson> v4;
  std::map<std::string, OrderedJson> v6;
  for (const auto& [cidr, block] : eni.blocks) {
    (cidr.base().is_v4() ? v4 : v6)[to_string(cidr)] = block_json(block, scrub);
  }
  return {{"ID", to_string(eni.id)},
          {"IsPrimary", eni.primary},
          {"IsTrunk", eni.trunk},
          {"IsEFA", eni.efa},
          {"DeviceNumber", eni.device.value()},
          {"AvailableIPv4Cidrs", sorted(v4)},
          {"IPv6Cidrs", sorted(v6)},
          {"RouteTableID", eni.table.value()}};
}

}  // namespace

std::optional<std::string> page(std::string_view path, const Inspected& of) {
  for (const Page& one : kPages) {
    if (one.path == path) {
      return one.body(of);
    }
  }
  return std::nullopt;
}

std::string available_commands() {
  OrderedJson paths = OrderedJson::array();
  for (const Page& one : kPages) {
    paths.push_back(one.path);
  }
  return base::dump_json(OrderedJson{{"AvailableCommands", paths}});
}

namespace {

OrderedJson card_json(const ipam::DataStore& store, bool scrub) {
  std::map<std::string, OrderedJson> enis;
  std::uint64_t total = 0;
  int assigned = 0;
  for (const auto& [id, eni] : store.enis()) {
    enis[to_string(id)] = eni_json(eni, scrub);
    assigned += eni.assigned();
    for (const auto& [cidr, block] : eni.blocks) {
      total += cidr.size();
    }
  }
  return {{"TotalIPs", total}, {"AssignedIPs", assigned}, {"ENIs", sorted(enis)}};
}

}  // namespace

std::string enis_page(const Inspected& of) {
  std::map<std::string, OrderedJson> cards;  // sorted as texts: "10" before "2"
  for (std::size_t pool = 0; pool < of.pools.size(); ++pool) {
    const auto& store = of.pools.at(pool).store();
    cards[to_string(store.options().card)] = card_json(store, of.scrub);
  }
  return base::dump_json(sorted(cards));
}

}  // namespace vpccni::agent
