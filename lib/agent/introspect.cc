#include "agent/introspect.h"

#include <array>
#include <ctime>

#include "base/json.h"

namespace vpccni::agent {

namespace {

using base::OrderedJson;

/// RFC 3339 in UTC with up to nine fractional digits, trailing zeros trimmed; zero is Go's year 1.
std::string go_time(base::WallTime at) {
  const auto ns = at.time_since_epoch().count();
  if (ns == 0) {
    return "0001-01-01T00:00:00Z";
  }
  const std::time_t seconds = static_cast<std::time_t>(ns / 1'000'000'000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> buffer{};
  const auto n = std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::string text(buffer.data(), n);
  std::string fraction = std::to_string(1'000'000'000 + ns % 1'000'000'000).substr(1);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (!fraction.empty()) {
    text += '.' + fraction;
  }
  return text + 'Z';
}

/// Go's net.IPMask in JSON: base64 of its bytes. Only IPv4 lengths occur here.
std::string mask_base64(int length) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::uint32_t mask =
      length == 0 ? 0 : ~std::uint32_t{0} << (32U - static_cast<unsigned>(length));
  const std::uint64_t padded = std::uint64_t{mask} << 16U;  // 4 bytes and 2 of padding
  std::string text;
  for (unsigned i = 0; i < 6; ++i) {
    text += kAlphabet[(padded >> (42U - 6U * i)) & 0x3fU];
  }
  return text + "==";
}

OrderedJson address_json(const net::Ip& ip, const ipam::AddressRecord& record) {
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
           {{"networkName", key.network}, {"containerID", key.container}, {"ifName", key.ifname}}},
          {"IPAMMetadata", metadata},
          {"AssignedTime", go_time(record.assigned)},
          {"UnassignedTime", go_time(record.released)}};
}

OrderedJson block_json(const ipam::Block& block) {
  OrderedJson addresses = OrderedJson::object();
  for (const auto& [ip, record] : block.addresses) {
    addresses[to_string(ip)] = address_json(ip, record);
  }
  return {
      {"Cidr", {{"IP", to_string(block.cidr.base())}, {"Mask", mask_base64(block.cidr.length())}}},
      {"IPAddresses", addresses},
      {"IsPrefix", block.prefix},
      {"AddressFamily", ""}};
}

OrderedJson eni_json(const ipam::EniEntry& eni) {
  OrderedJson blocks = OrderedJson::object();
  for (const auto& [cidr, block] : eni.blocks) {
    blocks[to_string(cidr)] = block_json(block);
  }
  return {{"ID", to_string(eni.id)},
          {"IsPrimary", eni.primary},
          {"IsTrunk", eni.trunk},
          {"IsEFA", eni.efa},
          {"DeviceNumber", eni.device.value()},
          {"AvailableIPv4Cidrs", blocks},
          {"IPv6Cidrs", OrderedJson::object()},
          {"RouteTableID", eni.table.value()}};
}

}  // namespace

std::string enis_json(const ipam::DataStore& store) {
  OrderedJson enis = OrderedJson::object();
  std::uint64_t total = 0;
  int assigned = 0;
  for (const auto& [id, eni] : store.enis()) {
    enis[to_string(id)] = eni_json(eni);
    assigned += eni.assigned();
    for (const auto& [cidr, block] : eni.blocks) {
      total += cidr.size();
    }
  }
  OrderedJson cards = OrderedJson::object();
  cards[to_string(store.options().card)] = {
      {"TotalIPs", total}, {"AssignedIPs", assigned}, {"ENIs", enis}};
  return base::dump_json(cards);
}

std::string pods_json(const ipam::DataStore& store) {
  OrderedJson pods = OrderedJson::array();
  for (const auto& one : store.assignments()) {
    const auto lease = store.find(one.key);
    const bool quarantined = store.quarantined().contains(one.address);
    pods.push_back({{"namespace", one.pod.name_space},
                    {"name", one.pod.name},
                    {"address", to_string(one.address)},
                    {"eni", lease ? to_string(lease->eni) : ""},
                    {"table", lease ? lease->table.value() : 0},
                    {"containerID", one.key.container},
                    {"ifName", one.key.ifname},
                    {"since", go_time(one.since)},
                    {"quarantined", quarantined}});
  }
  return base::dump_json(pods);
}

std::string plan_json(const ipam::Core& core, base::Instant now) {
  const auto stats = core.store().stats(now.wall);
  const auto& targets = core.targets();
  OrderedJson cooling = OrderedJson::object();  // address: when it was released
  for (const auto& [address, released] : core.store().cooling(now.wall)) {
    cooling[to_string(address)] = go_time(released);
  }
  OrderedJson plan = {
      {"because", core.plan().because},
      {"running", core.plan().running.value_or("")},
      {"lastError", core.plan().last_error ? core.plan().last_error->message : ""},
      {"total", stats.total},
      {"assigned", stats.assigned},
      {"cooling", cooling},
      {"quarantined", stats.quarantined},
      {"enis", core.store().enis().size()},
      {"maxEnis", core.limits().enis},
      {"addressesPerEni", core.limits().addresses_per_eni(core.store().options().prefixes)},
      {"warmEniTarget", targets.warm_enis},
      {"warmIpTarget", targets.warm_ips},
      {"minimumIpTarget", targets.minimum_ips},
      {"maxPods", targets.max_pods}};
  return base::dump_json(plan);
}

}  // namespace vpccni::agent
